"""Paint the figures that take longer than a notebook may, into data/results/figures/.

``make figures`` paints what is missing; ``python -m tools.figures NAME ...`` only what is named. A
figure is a folder of pictures, and a sheet that shows them together. Beside each picture stands a
JSON file with the call that it was painted by and all settings of that run. A picture is not
painted again while neither its call nor its recipe has changed: a run may be interrupted, and the
next goes on from there.
"""

import dataclasses
import io
import itertools
import json
import sys
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import scipy.ndimage
from PIL import Image

from stylelib import (
    VGG,
    content_similarity,
    load_image,
    losses,
    noise_image,
    preprocess,
    reconstruct_content,
    reconstruct_style,
    save_image,
    transfer,
)
from stylelib._utils.files import atomic_write, to_json
from stylelib.recipes import conventions
from stylelib.recipes.published import find_recipe
from stylelib.vgg.weights import DATA
from stylelib.visualization.plotting import STYLE, show_images

RESULTS = DATA / "results" / "figures"
LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
FUNCTIONS = {
    function.__name__: function for function in (reconstruct_content, reconstruct_style, transfer)
}
FILES = ("image", "content", "style", "init")  # arguments that may name a file in data/
DPI = 120


class Panel(NamedTuple):
    """A picture of a figure: its name, its title, and the call that paints it."""

    name: str
    title: str
    call: dict


class Figure(NamedTuple):
    """Panels, and what stands before them on the sheet: pictures of data/ by their titles."""

    panels: list
    originals: dict
    columns: int
    inches: float  # width of the sheet
    folder: str | None = None  # for figures that share panels; otherwise one of the figure's name
    beside: bool = False  # each picture of data/ begins a row
    similarity: bool = False  # how much of the photograph is left stands in the titles


def style_rows(image, title, shares=(3, 4, 5)):
    """Fig. 1 of 2015: more and more style layers, with equal weights and with equal shares.

    A little total variation keeps the noise of the start out. The loss of conv1_1 is a hundred
    times smaller than the others, so there it is less.
    """

    def panel(count, layer_weights):
        call = {"function": "reconstruct_style", "image": image, "layers": LAYERS[:count]}
        call |= {"size": 256, "steps": 100, "tv_weight": 0.1 if count > 1 else 1e-3}
        call["layer_weights"] = layer_weights
        how = layer_weights or "equal weights"
        title = "conv1_1" if count == 1 else f"+ {LAYERS[count - 1]}"
        name = f"{count}_{how.replace(' ', '_')}"
        return Panel(name, title if count == 1 else f"{title}, {how}", call)

    panels = [panel(count, None) for count in range(1, 6)]
    panels += [panel(count, "equal shares") for count in shares]
    return Figure(panels, {title: image}, columns=3, inches=7.5)


def normalized_network(image, folder):
    """All five layers in the plain and in the normalised network, with equal weights and shares.

    The weights of the second are scaled so that it begins with the style loss of the first, and
    those of the equal shares are proportional to 1/E_l there (`equal_shares` has the plain one's).
    """
    panels = style_rows(image, "painting").panels
    weights, shares = (panel for panel in panels if panel.name.startswith("5_"))
    panels = [weights._replace(title="plain, equal weights")]
    panels.append(shares._replace(title="plain, equal shares"))
    for name, how, scaled in (
        ("5_normalised", "equal weights", [1.82e7] * 5),
        ("5_normalised_equal_shares", "equal shares", [5.33e7, 1.83e8, 8.9e7, 2.0e7, 5.28e6]),
    ):
        call = shares.call | {"normalized": True, "layer_weights": scaled}
        panels.append(Panel(name, f"normalised, {how}", call))
    return Figure(panels, {}, columns=2, inches=7.5, folder=folder)


def all_layers(image):
    """All five style layers with equal shares, as in `style_rows`, at twice the size.

    Total variation is a sum over pixels and the style loss is not: of four times as many pixels a
    quarter of the weight.
    """
    smaller = style_rows(image, "painting").panels[-1]
    call = smaller.call | {"size": 512, "steps": 120, "tv_weight": 0.1 / 4}
    return Figure([Panel(smaller.name, "all five layers, equal shares", call)], {}, 1, 7.5)


def single_layers(image):
    """One style layer at a time, as in section 6 of notebook 03, at twice the size.

    The weights are 1e8 / E_l, with E_l the loss of noise: all runs begin with the same style loss.
    """
    panels = []
    for layer, weight in zip(LAYERS, (200, 0.72, 0.24, 6.4, 1.4e5), strict=True):
        call = {"function": "reconstruct_style", "image": image, "layers": [layer]}
        call |= {"size": 256, "steps": 100, "tv_weight": 0.125, "layer_weights": [weight]}
        panels.append(Panel(layer, f"{layer} alone", call))
    return Figure(panels, {"painting": image}, columns=2, inches=7.5)


def arrangement(image, padding):
    """A painting and its mirror image in all five layers, from the same eight noises.

    128 pixels, fewer than a receptive field of conv5_1 is wide, and with equal shares.
    """
    call = {"function": "reconstruct_style", "image": image, "layers": LAYERS, "size": 128}
    call |= {"steps": 100, "tv_weight": 0.5, "layer_weights": "equal shares", "padding": padding}
    panels = []
    for name, mirrored in (("painting", False), ("mirrored", True)):
        for seed in range(8):
            panel = call | {"mirrored": mirrored, "seed": seed}
            panels.append(Panel(f"{name}_{seed}", f"{name}, seed {seed}", panel))
    return Figure(panels, {}, columns=4, inches=9)


def content_alone(image, layer):
    """What a layer holds of a photograph, from grey."""
    call = {"function": "reconstruct_content", "image": image, "layer": layer, "size": 256}
    call |= {"steps": 100, "init": "grey"}
    return Figure([Panel(layer, f"{layer} from grey", call)], {"photograph": image}, 1, 6)


def layers_and_ratio(content, style):
    """Fig. 3 of 2015: a row for each set of style layers, a column for each ratio."""
    panels = []
    for count in range(1, 6):
        for exponent in (-4, -3, -2):  # in the paper's order, without its first column, 1e-5
            call = {"function": "transfer", "content": content, "style": style}
            call |= {"recipe": "gatys2015", "size": 256, "steps": 100, "init": "noise"}
            call |= {"style_layers": LAYERS[:count], "style_weight": 10.0**-exponent}
            title = f"{LAYERS[0] if count == 1 else f'… {LAYERS[count - 1]}'}, α/β = 1e{exponent}"
            panels.append(Panel(f"{count}_{-exponent}", title, call))
    return Figure(panels, {}, columns=3, inches=7.5)


def coarse_to_fine(content, style, name):
    """A transfer at 256 pixels, and at 640 from there; β grows with the number of positions."""
    call = {"function": "transfer", "content": content, "style": style, "recipe": "gatys2015"}
    small = call | {"size": 256, "steps": 100, "init": "content", "style_weight": 1e3}
    large = call | {"size": 640, "steps": 40, "init": f"results/figures/{name}/small.jpg"}
    large |= {"style_weight": 1e3 * (640 / 256) ** 2}
    panels = [Panel("small", "256 pixels", small), Panel("large", "640 pixels", large)]
    return Figure(panels, {}, columns=1, inches=6)


def transfer_call(content, style, size=384, **options):
    """The call of a transfer, by the default recipe unless the options name another."""
    return {"function": "transfer", "content": content, "style": style, "size": size} | options


def spoken(file):
    """The name of a picture's file as a title has it: without ending and underscores."""
    return file.split(".")[0].replace("_", " ")


def strengths(pairs, names, columns=3):
    """Pairs of pictures by the default recipe at 512 pixels, a panel for each strength."""
    panels = []
    for content, style in pairs:
        for strength in names:
            files = f"images/{content}", f"images/{style}"
            call = transfer_call(*files, size=512, strength=strength)
            parts = [*(name.split(".")[0] for name in (content, style)), strength]
            title = spoken(style) if len(names) == 1 else f"{spoken(style)}: {strength}"
            panels.append(Panel("-".join(parts), title, call))
    inches = max(7.5, 2.2 * columns)
    return Figure(panels, {}, columns, inches, folder="strengths", similarity=True)


def three_strengths(pairs):
    """Pairs of pictures, a row for each: the photograph, and three strengths."""
    figure = strengths(pairs, ("low", "medium", "high"), columns=4)
    contents = {spoken(content): content for content, _ in pairs}
    originals = {title: f"images/{content}" for title, content in contents.items()}
    return figure._replace(originals=originals, inches=10, beside=True)


def one_content_layer(content, style):
    """A pair at medium strength by the default recipe, and by the paper's content layer alone."""
    (both,) = strengths([(content, style)], ("medium",)).panels
    alone = both.call | {"content_layers": ["conv4_2"], "content_weight": 1.0}
    panels = [both._replace(title="conv3_2 and conv4_2")]
    panels.append(Panel(f"{both.name}-conv4_2", "conv4_2 alone", alone))
    return Figure(panels, {}, columns=2, inches=9, folder="strengths", similarity=True)


def any_pair(content, style):
    """What is advised for every pair: medium strength, larger strokes, and noise as a start."""
    (medium,) = strengths([(content, style)], ("medium",)).panels
    panels = []
    for name, title, options in (
        ("scale_2", "style_scale=2", {"style_scale": 2.0}),
        ("noise_1", 'init="noise", seed=1', {"init": "noise", "seed": 1}),
        ("noise_2", 'init="noise", seed=2', {"init": "noise", "seed": 2}),
    ):
        panels.append(Panel(name, title, medium.call | options))
    original = {'strength="medium"': f"results/figures/strengths/{medium.name}.jpg"}
    return Figure(panels, original, columns=2, inches=9)


def other_pairs(pairs):
    """Pairs at medium strength to which the search for a weight was not fitted."""
    figure = strengths(pairs, ("medium",), columns=2)
    panels = [
        panel._replace(title=", ".join(map(spoken, pair)))
        for panel, pair in zip(figure.panels, pairs, strict=True)
    ]
    return figure._replace(panels=panels, inches=7.5, folder=None)


def mixtures(content, styles):
    """A photograph in mixtures of two paintings, from the one alone to the other alone."""
    panels = []
    for shares in ((1, 0), (3, 1), (1, 1), (1, 3), (0, 1)):
        call = transfer_call(content, styles, strength="high", style_weights=list(shares))
        panels.append(Panel("{}_{}".format(*shares), "{} : {}".format(*shares), call))
    return Figure(panels, {"photograph": content}, columns=3, inches=7.5)


def colours_kept(content, style, style_weight):
    """A photograph in the manner of a painting: with its colours, and in two ways with its own."""
    panels = []
    for way in (None, "luminance", "match"):
        call = transfer_call(content, style, style_weight=style_weight, preserve_color=way)
        title = f'preserve_color="{way}"' if way else "unchanged"
        panels.append(Panel(way or "unchanged", title, call))
    return Figure(panels, {"photograph": content}, columns=2, inches=7.5)


def regions(content, styles, style_weight):
    """A style for the sky and one for the ground; for the sky alone; and inside an eroded mask."""
    panels = []
    for masks in (["sky", "ground"], ["sky"], ["eroded"]):
        call = transfer_call(content, styles[: len(masks)], style_weight=style_weight, masks=masks)
        panels.append(Panel("_".join(masks), f"masks=[{', '.join(masks)}]", call))
    return Figure(panels, {"photograph": content}, columns=2, inches=7.5)


def stroke_sizes(content, style, style_weight):
    """A painting in three sizes with one weight, and the middle one with half of it."""
    panels = []
    for scale in (0.5, 1.0, 2.0):
        call = transfer_call(content, style, style_weight=style_weight, style_scale=scale)
        panels.append(Panel(f"{scale:g}", f"style_scale={scale:g}", call))
    half = panels[1].call | {"style_weight": style_weight / 2}
    panels.append(Panel("1_half", "style_scale=1, half the weight", half))
    return Figure(panels, {}, columns=2, inches=7.5)


def fine_and_coarse(content, styles):
    """The low layers of the wave with the deep layers of the glass, and the other way round."""
    low, deep = [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]
    panels = []
    for fine, coarse, weights in (("wave", "glass", [low, deep]), ("glass", "wave", [deep, low])):
        call = transfer_call(content, styles, strength="high", style_weights=weights)
        panels.append(Panel(f"{fine}-{coarse}", f"fine: {fine}, coarse: {coarse}", call))
    alone = {"wave alone": "1_0", "glass alone": "0_1"}  # of the figure above
    originals = {title: f"results/figures/mixtures/{name}.jpg" for title, name in alone.items()}
    return Figure(panels, originals, columns=2, inches=7.5)


def three_controls(content, styles, style_weight):
    """Masks, the colours of the photograph and large strokes in one picture, as large as it is."""
    options = {"masks": ["cup", "table"], "preserve_color": "luminance", "style_scale": 1.5}
    call = transfer_call(content, styles, 600, style_weight=style_weight, **options)
    return Figure([Panel("cup", "masks, luminance, style_scale=1.5", call)], {}, 1, 6)


def weights_of(recipe):
    """The weights of content and style, as a call names them."""
    return {name: getattr(recipe, name) for name in ("content_weight", "style_weight")}


def waves(content, style):
    """The recipe of jerkic, balanced for 256 pixels, with its total variation and without."""
    balanced = conventions.at_size(find_recipe("jerkic"), (342, 512), (171, 256))
    call = transfer_call(content, style, 256, recipe="jerkic", steps=60, **weights_of(balanced))
    panels = []
    for name, weight in (("with", balanced.tv_weight), ("without", 0.0)):
        panels.append(Panel(name, f"{name} total variation", call | {"tv_weight": weight}))
    return Figure(panels, {}, columns=2, inches=9)


def falling_shares(content, style):
    """The paper's recipe with equal layer weights, and with those of keras in the paper's terms.

    At a tenth of the balanced α/β, so that the larger forms of the painting appear. The second has
    1.812 times the style weight, with which both begin with the same style loss.
    """
    balanced = conventions.at_size(find_recipe("gatys2015"), (342, 512), (267, 400))
    call = transfer_call(content, style, 400, recipe="gatys2015", steps=150, init="content")
    call |= weights_of(balanced) | {"content_weight": balanced.content_weight / 10}
    shares = conventions.relative_layer_weights(find_recipe("keras"), (256, 256)).values()
    keras = [round(share, 6) for share in shares]
    panels = [Panel("equal", "1 : 1 : 1 : 1 : 1", call)]
    falling = call | {"layer_weights": keras, "style_weight": 1.812 * call["style_weight"]}
    panels.append(Panel("falling", "1024 : 256 : 64 : 16 : 1", falling))
    return Figure(panels, {}, columns=2, inches=9)


def two_programs(content, style):
    """One loss in the terms of two programs, and the second of them with weights of its own."""
    call = transfer_call(content, style, 256, recipe="gatys_pytorch", steps=150)
    johnson = call | {"recipe": "jcjohnson", "init": "content", "tv_weight": 0.0}
    weights = {"content_weight": 1.0, "style_weight": 1000.0}
    panels = [
        Panel("gatys", "gatys_pytorch", call),
        Panel("converted", "jcjohnson, 1 : 1000", johnson | weights),
        Panel("own", "jcjohnson, 5 : 100", johnson),
    ]
    return Figure(panels, {}, columns=3, inches=9)


def start_or_balance(content, style):
    """Which of the two takes the photograph from gatys2016: the noise, or the small content weight.

    The first is the picture of `benchmarks.systems`; the last has 33 times its content weight, and
    so the balance of gatys2015.
    """
    call = transfer_call(content, style, 400, recipe="gatys2016")
    panels = [Panel("photograph", "from the photograph", call | {"init": "content"})]
    more = call | {"init": "noise", "content_weight": 3.3e7}
    panels.append(Panel("more_content", "from noise, 33 times α", more))
    originals = {"the photograph": content, "from noise": "results/systems/gatys2016.jpg"}
    return Figure(panels, originals, columns=2, inches=7)


def ablation(content, style):
    """From spirosbax as published to the paper's recipe by one change at a time, in 100 steps each.

    All seven have the weights of the paper's recipe, balanced for 320 pixels.
    """
    balanced = conventions.at_size(find_recipe("gatys2015"), (342, 512), (214, 320))
    weights = weights_of(balanced)
    call = transfer_call(content, style, 320, recipe="spirosbax", steps=100, **weights)
    paper = call | {"recipe": "gatys2015"}
    published = dict(find_recipe("spirosbax").published)
    calls = {"as published": call | published, "4N²M²": call}
    calls["own proportions"] = call = call | {"same_size": False}
    calls["smooth scaling"] = call = call | {"resampling": "lanczos"}
    calls["average pooling"] = call | {"pooling": "average"}
    calls |= {"L-BFGS": paper | {"init": "content"}, "noise": paper}
    panels = [Panel(str(n), f"{n}. {title}", calls[title]) for n, title in enumerate(calls, 1)]
    return Figure(panels, {"the photograph": content}, columns=2, inches=7.5)


def another_seed(content, style):
    """The last picture of `ablation`, and the same from another noise."""
    last = ablation(content, style).panels[-1]
    panels = [last._replace(title="7. noise, seed 0")]
    panels.append(Panel("7_seed_1", "the same, seed 1", last.call | {"seed": 1}))
    return Figure(panels, {}, columns=2, inches=7.5, folder="ablation")


def shares_or_sum(content, style):
    """The mistake of spirosbax in its two parts: the shares of the layers, and the sum of weights.

    Two of the four pictures are those of `ablation`, with both parts and with neither.
    """
    published, meant = ablation(content, style).panels[:2]
    recipe = find_recipe("spirosbax")
    by_mistake, right = (
        sum(conventions.paper_weights(r, (214, 320))["style"].values())
        for r in (recipe.as_published(), recipe)
    )
    factor = round(by_mistake / right)
    alone = published.call | {"style_weight": published.call["style_weight"] / factor}
    larger = meant.call | {"style_weight": meant.call["style_weight"] * factor}
    panels = [
        meant._replace(title="as meant"),
        Panel("shares_alone", "shares as published", alone),
        Panel("sum_alone", "sum as published", larger),
        published._replace(title="both as published"),
    ]
    return Figure(panels, {}, columns=2, inches=7.5, folder="ablation")


def sheet(paintings):
    """Five photographs, a row for each, in the manner of some paintings at medium strength."""
    figure = strengths(itertools.product(PHOTOGRAPHS, paintings), ("medium",), len(paintings))
    titles = (f"painting: {spoken(name)}" for name in paintings)
    files = (f"images/{name}" for name in paintings)
    return figure._replace(originals=dict(zip(titles, files, strict=True)))


PALACE, NIGHT, WALL, GLASS = (
    f"images/{file}"
    for file in ("summer_palace.jpg", "starry_night.jpg", "brick.png", "stained_glass.jpg")
)
CAT, COFFEE, WAVE, SWIRLS = (
    f"images/{name}.jpg" for name in ("chelsea", "coffee", "wave", "swirls")
)
PHOTOGRAPHS = ("chelsea.jpg", "astronaut.jpg", "summer_palace.jpg", "rocket.jpg", "coffee.jpg")
PAINTINGS = ("starry_night", "wave", "stained_glass", "swirls", "burning_sky", "points", "ink")
PAINTINGS = (*(f"{name}.jpg" for name in PAINTINGS), "geometry.jpg")
#: Pairs that differ much: a face, an animal, a night, and a painting of few colours.
FOUR = (
    ("astronaut.jpg", "stained_glass.jpg"),
    ("chelsea.jpg", "wave.jpg"),
    ("rocket.jpg", "swirls.jpg"),
    ("summer_palace.jpg", "ink.jpg"),
)
#: None is among the forty of the sheets: other photographs, other styles, or both.
OTHERS = (
    ("starry_night.jpg", "stained_glass.jpg"),
    ("burning_sky.jpg", "wave.jpg"),
    ("chelsea.jpg", "brick.png"),
    ("coffee.jpg", "gravel.png"),
    ("astronaut.jpg", "coffee.jpg"),
    ("rocket.jpg", "summer_palace.jpg"),
)
FIGURES = {
    "style_rows_starry_night": style_rows(NIGHT, "painting", shares=()),
    "normalised_starry_night": normalized_network(NIGHT, "style_rows_starry_night"),
    "single_layers_starry_night": single_layers(NIGHT),
    "all_layers_starry_night": all_layers(NIGHT),
    "stained_glass": coarse_to_fine(PALACE, GLASS, "stained_glass"),
    "style_rows_brick": style_rows(WALL, "wall"),
    "arrangement_zero": arrangement(NIGHT, "zero"),
    "arrangement_reflect": arrangement(NIGHT, "reflect"),
    "content_alone": content_alone(CAT, "conv4_2"),
    "layers_and_ratio": layers_and_ratio(PALACE, NIGHT),
    "one_content_layer": one_content_layer(*FOUR[0]),
    "three_strengths": three_strengths(FOUR),
    "any_pair": any_pair("chelsea.jpg", "stained_glass.jpg"),
    "other_pairs": other_pairs(OTHERS),
    "mixtures": mixtures(CAT, [WAVE, GLASS]),
    "colours_kept": colours_kept(COFFEE, NIGHT, 2e-2),
    "regions": regions(PALACE, [SWIRLS, GLASS], 2e-3),
    "stroke_sizes": stroke_sizes(CAT, GLASS, 3e-3),
    "fine_and_coarse": fine_and_coarse(CAT, [WAVE, GLASS]),
    "three_controls": three_controls(COFFEE, [GLASS, SWIRLS], 0.1),
    "waves": waves(PALACE, NIGHT),
    "falling_shares": falling_shares(PALACE, NIGHT),
    "two_programs": two_programs(PALACE, NIGHT),
    "start_or_balance": start_or_balance(PALACE, NIGHT),
    "ablation": ablation(PALACE, NIGHT),
    "another_seed": another_seed(PALACE, NIGHT),
    "shares_or_sum": shares_or_sum(PALACE, NIGHT),
    "medium_strength": sheet(PAINTINGS),
    "medium_strength_1": sheet(PAINTINGS[:4]),
    "medium_strength_2": sheet(PAINTINGS[4:]),
}


def masks_of(image):
    """The masks of notebook 08 by their names: of the pavilion's sky, and of the cup.

    Each is an array (h, w) from 0 to 1; what the one of a pair leaves is the other's.
    """
    height, width = image.shape[:2]
    red, _, blue = np.moveaxis(image.astype(int), 2, 0)
    bright = (image @ [0.299, 0.587, 0.114] > 150) & (blue > red - 12)
    areas, _ = scipy.ndimage.label(bright)
    sky = (areas == np.bincount(areas[areas > 0]).argmax()).astype(np.float32)
    sky = scipy.ndimage.gaussian_filter(sky, width / 128).clip(0, 1)
    eroded = scipy.ndimage.minimum_filter(sky, width // 16 + 1)
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((x / width - 0.465) / 0.345, (y / height - 0.52) / 0.5)  # 1 on the ellipse
    cup = np.clip(0.5 + 10 * (1 - radius), 0, 1)
    return {"sky": sky, "ground": 1 - sky, "eroded": eroded, "cup": cup, "table": 1 - cup}


def equal_shares(image, layers, size):
    """Weights w_l ∝ 1/E_l, so that each layer has the same share of the style loss of noise.

    That loss is the same as with equal weights: w_l = mean(E) / (n E_l).
    """
    image = load_image(image, max_size=size)
    vgg = VGG(layers, pooling="average")
    A, G = (vgg(preprocess(i)) for i in (image, noise_image(image.shape[:2], seed=0)))
    E = np.array([losses.style_layer_loss(G[layer], A[layer]) for layer in layers], float)
    return (E.mean() / E / len(layers)).tolist()


def paint(call):
    """Return the Result of a call."""
    arguments = {
        name: in_data(value) if name in FILES else value
        for name, value in call.items()
        if name not in ("function", "mirrored") and value is not None
    }
    if arguments.get("layer_weights") == "equal shares":
        which = {name: arguments[name] for name in ("image", "layers", "size")}
        arguments["layer_weights"] = equal_shares(**which)
    if call.get("mirrored"):
        arguments["image"] = load_image(arguments["image"], max_size=call["size"])[:, ::-1]
    if "masks" in arguments:
        drawn = masks_of(load_image(arguments["content"], max_size=arguments["size"]))
        arguments["masks"] = [drawn[name] for name in arguments["masks"]]
    result = FUNCTIONS[call["function"]](**arguments)
    if result.status == "interrupted":  # by Ctrl-C, which keeps the best picture so far
        raise KeyboardInterrupt
    return result


def in_data(value):
    """Return the path of a file of data/, or of each of a list, and other values as they are."""
    if isinstance(value, list):
        return [in_data(file) for file in value]
    return str(DATA / value) if (DATA / value).is_file() else value


def place(name, panel):
    """Return the path of the picture of a panel."""
    return RESULTS / (FIGURES[name].folder or name) / f"{panel.name}.jpg"


def is_painted(picture, call):
    """Whether a picture is there, painted by this very call and by today's recipe."""
    record = picture.with_suffix(".json")
    if not (picture.is_file() and record.is_file()):
        return False
    record = json.loads(record.read_text(encoding="utf-8"))
    then = record["settings"].get("recipe", {})
    return record["call"] == call and all(
        then.get(name) == value for name, value in of_recipe(call).items()
    )


def of_recipe(call):
    """What the recipe of a transfer says today, but for what the call changes or searches."""
    if call["function"] != "transfer":
        return {}
    recipe = json.loads(to_json(dataclasses.asdict(find_recipe(call.get("recipe", "multiscale")))))
    others = {"source", "notes", "published", "style_weight", *call}
    return {name: value for name, value in recipe.items() if name not in others}


def store(picture, call, result):
    """Write a picture, and then what it was painted by."""
    save_image(picture, result.image)
    write_record(picture, call, result)


def write_record(picture, call, result):
    """Write beside a picture the call that it was painted by, and all settings of that run."""
    record = {"call": call, "settings": result.settings, "evaluations": result.evaluations}
    record |= {"stop_reason": result.stop_reason, "seconds": round(result.seconds)}
    last = result.stage_starts[-1]
    kept = last + result.history["total"][last:].argmin()
    record["losses"] = {  # the first, and that of the picture
        term: [float(f"{values[i]:.4g}") for i in (0, kept)]
        for term, values in result.history.items()
    }
    if "strength" in call:
        record["similarity"] = round(content_similarity(result.image, DATA / call["content"]), 3)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    with atomic_write(picture.with_suffix(".json")) as file:
        file.write(text.replace(f"{DATA.as_posix()}/", "").encode())  # no path of this machine


def titled(name, panel):
    """Return the title of a panel, with the similarity that is left where a figure has it."""
    if not FIGURES[name].similarity:
        return panel.title
    record = place(name, panel).with_suffix(".json").read_text(encoding="utf-8")
    return f"{panel.title} ({json.loads(record)['similarity']:.2f})"


def write_sheet(name, figure):
    """Show all panels of a figure together, in data/results/figures/NAME.jpg."""
    shown = [(title, DATA / path) for title, path in figure.originals.items()]
    panels = [(titled(name, panel), place(name, panel)) for panel in figure.panels]
    if figure.beside:
        width = figure.columns - 1
        rows = [panels[start : start + width] for start in range(0, len(panels), width)]
        shown = [each for first, row in zip(shown, rows, strict=True) for each in (first, *row)]
    else:
        shown += panels
    titles, pictures = zip(*shown, strict=True)
    with plt.rc_context(STYLE | {"figure.dpi": DPI}):
        sheet = show_images(
            [load_image(picture) for picture in pictures], titles, figure.columns, figure.inches
        )
        drawn = io.BytesIO()
        sheet.savefig(drawn, bbox_inches="tight", pad_inches=0.05)  # else titles are cut at the top
        plt.close(sheet)
    with atomic_write(RESULTS / f"{name}.jpg") as file:
        Image.open(drawn).convert("RGB").save(file, "JPEG", quality=88, subsampling=0)


def main(names):
    if unknown := [name for name in names if name not in FIGURES]:
        sys.exit(f"expected some of {', '.join(FIGURES)}, got {', '.join(unknown)}")
    for name in names or FIGURES:
        figure = FIGURES[name]
        pictures = [(place(name, panel), panel.call) for panel in figure.panels]
        missing = [pair for pair in pictures if not is_painted(*pair)]
        for number, (picture, call) in enumerate(missing, start=1):
            picture.parent.mkdir(parents=True, exist_ok=True)
            result = paint(call)
            store(picture, call, result)
            done = f"{name} [{number}/{len(missing)}] {picture.stem}"
            print(f"{done} {result.seconds:.0f} s", flush=True)
        if missing or not (RESULTS / f"{name}.jpg").is_file():
            write_sheet(name, figure)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\ninterrupted: what is painted stays, and the next run goes on from there")
