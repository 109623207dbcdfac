"""The book as a reader's browser shows it: `make test-site` builds it and runs this."""

import contextlib
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="make test-site has the browser's driver"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

SITE = Path(__file__).parents[2] / "build" / "site"
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
NOTEBOOK = SITE / "notebooks" / "04_style_transfer.html"


def name_of(path):
    return str(path.relative_to(SITE))


every_page = pytest.mark.parametrize("path", PAGES, ids=name_of)
NAMES = [
    "index",
    "glossary",
    "search",
    "docs/command-line",
    "data/README",
    "notebooks/solutions/04_style_transfer",
]
ONE_OF_EACH = [
    NOTEBOOK,
    *(SITE / f"{name}.html" for name in NAMES),
]  # kind of page: axe takes seconds
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]},
    "resultTypes": ["violations"],
    "preload": False,
}


@pytest.fixture(scope="session")
def browser():
    assert CHROMIUM, "expected Chromium; on Debian: apt-get install chromium"
    with sync_api.sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, who runs CI; only the book's own files are opened.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def opening(browser):
    """Yield what opens a page of the book; whatever goes wrong while it is open is a failure."""
    opened, wrong = [], []

    def show(path, width=1280, theme="light"):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        page.set_default_timeout(15_000)
        opened.append(page)
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.on("request", lambda request: wrong.extend(elsewhere(request.url)))
        page.goto(path.as_uri())
        return page

    yield show
    for page in opened:
        page.close()
    assert wrong == []


@pytest.fixture
def show(browser):
    with opening(browser) as show:
        yield show


@pytest.fixture(scope="module", params=PAGES, ids=name_of)
def page(request, browser):
    """Each page, opened once, on a phone; a test sets the width that it needs."""
    with opening(browser) as show:
        yield show(request.param, width=375)


def elsewhere(url):
    return [] if url.startswith(("file:", "data:", "blob:")) else [f"asked another host: {url}"]


def test_there_is_a_book():
    assert {SITE / "index.html", SITE / "glossary.html", SITE / "api.html", NOTEBOOK} <= {*PAGES}


def test_on_a_phone_nothing_scrolls_sideways(page):
    page.set_viewport_size({"width": 375, "height": 900})
    widths = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
    assert max(widths) <= 375


def test_formulas_and_pictures_are_shown(page):
    page.set_viewport_size({"width": 1280, "height": 900})
    bad = page.evaluate("""() => [...document.querySelectorAll('.math')].filter(formula => {
        const box = formula.querySelector('math')?.getBoundingClientRect();
        const wrong = formula.querySelector('merror') || formula.innerText.includes('\\\\');
        return wrong || !box?.height || !box.width;
    }).map(formula => formula.innerText)""")
    assert bad == []
    links = "[...document.querySelectorAll('a.first-use')].map(link => link.innerText)"
    assert not [text for text in page.evaluate(links) if "\\" in text]  # no formula's source
    pictures = page.evaluate("""() => Promise.all([...document.images].map(async image => {
        image.loading = 'eager';
        await image.decode().catch(() => {});
        return [image.src.slice(-80), image.naturalWidth, image.alt];
    }))""")
    for address, width, alt in pictures:
        assert width > 0, address
        assert len(alt.split()) >= 3, f"{address} has the description {alt!r}"


def test_no_markdown_is_left_as_it_was_written(page):
    texts = page.evaluate("[...document.querySelectorAll('article p')].map(p => p.innerText)")
    assert [text for text in texts if text.startswith(("|", "<details", "```"))] == []


@pytest.mark.parametrize("path", ONE_OF_EACH, ids=lambda path: path.stem)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_in_both_themes(path, theme, show):
    page = show(path, theme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    found = axe.Axe().run(page, options=AXE).response["violations"]
    assert [
        (rule["id"], rule["nodes"][0]["html"][:200], len(rule["nodes"])) for rule in found
    ] == []


@pytest.fixture(scope="module")
def names():
    """The places of every page that a link can lead to."""
    return {
        path: set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8"))) for path in PAGES
    }


@every_page
def test_links_lead_somewhere(path, names):
    for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', path.read_text(encoding="utf-8")):
        parts = urlsplit(link.replace("&amp;", "&"))
        if parts.scheme:
            assert parts.scheme in ("https", "mailto"), link
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.exists(), link
        if parts.fragment and target in names:
            assert unquote(parts.fragment) in names[target], link


def test_the_search_finds_a_term(show):
    page = show(SITE / "search.html")
    page.goto(f"{(SITE / 'search.html').as_uri()}?q=gram+matrix")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    found = page.eval_on_selector_all("#search-results li > a", "links => links.map(a => a.href)")
    assert any("03_style_reconstruction" in link for link in found), found


def test_everything_is_reached_by_keyboard(show):
    page = show(NOTEBOOK)
    wanted = page.evaluate("""() => [...document.querySelectorAll(
        'article a[href], article button, article summary, nav a[href], header button')]
        .filter(element => element.checkVisibility({visibilityProperty: true}) && !element.disabled)
        .map((element, number) => {
            element.dataset.number = number;
            return element.outerHTML.slice(0, 120);
        })""")
    reached = set()
    for _ in range(3 * len(wanted)):
        page.keyboard.press("Tab")
        number = page.evaluate("document.activeElement?.dataset?.number")
        if number in reached and len(reached) == len(wanted):
            break
        reached.add(number)
    missed = [text for number, text in enumerate(wanted) if str(number) not in reached]
    assert missed == []


def test_a_figure_opens_and_closes_by_keyboard(show):
    page = show(NOTEBOOK)
    page.locator("button.zoom").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog.zoomed[open] img").get_attribute("alt")
    page.keyboard.press("Escape")
    page.locator("dialog.zoomed[open]").wait_for(state="detached")


def test_one_can_go_on_and_take_the_notebook_along(show):
    page = show(NOTEBOOK)
    assert page.locator(".next-page, a.right-next").first.get_attribute("href")
    assert page.locator("a.left-prev").first.get_attribute("href")
    download = page.locator("a.btn-download-source-button").first.get_attribute("href")
    assert download.endswith("04_style_transfer.ipynb")
    assert (NOTEBOOK.parent / download).is_file()
