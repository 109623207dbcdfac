// A click on a figure, or Enter, opens it as large as the window or larger; Escape or a click closes it.
const dialog = document.createElement("dialog");
dialog.className = "zoomed";
document.body.append(dialog);
dialog.addEventListener("click", () => dialog.close());
// The theme keeps Escape to itself, so the dialog does not hear of it unless it listens first.
window.addEventListener("keydown", (event) => event.key === "Escape" && dialog.close(), true);

for (const image of document.querySelectorAll("article img")) {
  if (image.closest("a, .sd-card")) continue;
  const button = document.createElement("button");
  button.className = "zoom";
  button.type = "button";
  button.title = "Enlarge";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    dialog.setAttribute("aria-label", image.alt);
    dialog.replaceChildren(image.cloneNode());
    dialog.showModal();
  });
}
