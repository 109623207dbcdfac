"""Recipes as data: which layers, weights, start and optimiser each uses; all but one are published.

Facts are those of the sources named, and of their public code. What a source leaves open, and where
a recipe differs from it, stands in `notes`. In every recipe L-BFGS is SciPy's L-BFGS-B, and weights
of VGG are the authors' own, those that Keras ships.
"""

from types import MappingProxyType

from stylelib._utils.checks import check_choice
from stylelib.recipes.recipe import Recipe
from stylelib.recipes.stages import Stage

_FIRST = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")  # of each block
_SECOND = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")

_GATYS_2015 = Recipe(
    source="Gatys, Ecker, Bethge: A Neural Algorithm of Artistic Style, arXiv 1508.06576 (2015)",
    network="vgg19",
    pooling="average",
    content_layers=["conv4_2"],
    style_layers=_FIRST,  # 1/5 each
    content_weight=1.0,
    style_weight=1e3,  # α/β = 1e-3, as for most of the paper's Fig. 2
    init="noise",
    size=512,
    optimizer="lbfgs",
    steps=500,
    notes="The paper names no size and no number of steps; it does not say that values stay within "
    "black and white.",
)

_GATYS_2016 = _GATYS_2015.replace(
    source="Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks, CVPR "
    "2016",
    normalized=True,
    content_convention="mean",
    content_weight=1e6,
    style_convention="mean_per_position",
    style_weight=1e9,  # α/β = 1e-3 as printed
    published={
        "content_convention": "half_sum",
        "style_convention": "paper",
        "content_weight": 1.0,
        "style_weight": 1e3,
    },
    notes="The paper prints sums; with them its ratio lets the content win. The authors' own code "
    "for the normalised network takes means, with weights of that same ratio. Means of the filters "
    "are those over the pictures of this repository, not over ImageNet.",
)

_GATYS_2016_CODE = _GATYS_2016.replace(
    source="Gatys: NeuralImageSynthesis, the settings for the normalised network",
    init="content",
    size=1024,
    steps=700,
    stages=[Stage(0.5, 500), Stage(1.0, 200)],
    clipping="never",
    published={},
    notes="The authors' own program for the network of the CVPR paper. There 512 and 1024 are the "
    "roots of numbers of pixels, and the painting is reduced to as many pixels as the photograph. "
    "Average pooling is assumed. Means of the filters are those over the pictures of this "
    "repository.",
)

_SPIROSBAX = Recipe(
    source="spirosbax: Neural Style Transfer, TensorFlow 2",
    network="vgg19",
    content_layers=["conv4_2"],
    style_layers=_FIRST,
    content_weight=1.0,
    style_weight=1e3,
    init="content",
    size=(224, 224),
    same_size=True,
    resampling="nearest",
    optimizer="adam",
    learning_rate=5.0,
    beta_1=0.99,
    epsilon=0.1,
    steps=1000,
    restart_every=100,
    published={"style_convention": "gram_size", "postprocess": "stretch"},
    notes="As published, N and M of Eq. 4 are read off the Gram matrix, and the result is "
    "stretched until it reaches black and white.",
)

_JERKIC = Recipe(
    source="Marko Jerkić: Neural Style Transfer in Keras",
    network="vgg19",
    content_layers=["conv5_2"],
    style_layers=_FIRST,
    content_weight=0.025,
    style_weight=1.0,
    content_convention="sum",
    style_convention="image_size",
    tv_weight=1.0,
    init="content",
    size=512,
    same_size=True,
    optimizer="lbfgs",
    steps=200,
    restart_every=20,
    clipping="never",
    notes="Size, start and the 10 rounds of 20 evaluations are assumed, the latter two as in "
    "Keras' example of its time; likewise 3 channels in the style loss.",
)

_AUGUSTINS = Recipe(
    source="Gilles Augustins: style transfer, CNAM RCP209 (2017)",
    network="vgg19",
    content_layers=["conv4_2"],
    style_layers=_FIRST,
    layer_weights=[0.2, 0.2, 0.4, 0.2, 0.0],
    content_weight=5e-6,
    style_weight=1.0,
    content_convention="sum",
    style_convention="gram_sum",
    init="content",
    size=(128, 128),
    same_size=True,
    optimizer="lbfgs",
    steps=200,
    restart_every=20,
    clipping="never",
    notes="The start and the 20 evaluations of each round are assumed; these fit the running times "
    "reported. At 256 and 512 pixels the author used 1e-6 and 1e-7 for the content.",
)

_STYLE_OVER_MATTER = Recipe(
    source="Style over Matter, Keras 2.0.4",
    network="vgg16",
    pooling="average",
    content_layers=["conv4_2"],
    style_layers=_SECOND,
    layer_weights=[0.05, 0.2, 0.2, 0.25, 0.3],
    content_weight=1 / 15,
    style_weight=1.0,
    content_convention="mean_per_filter",
    style_convention="row_mean",
    init="grey",  # U(−2.5, 2.5) / 100 around the mean colour
    size=(350, 500),
    same_size=True,
    optimizer="lbfgs",
    steps=200,
    restart_every=20,
    clipping="rounds",
    clip_limit=127.0,
    notes="15 rounds of 20 evaluations, 300 in all, were used as well.",
)

_TENSORFLOW = Recipe(
    source="TensorFlow's tutorial: Neural style transfer",
    network="vgg19",
    content_layers=["conv5_2"],
    style_layers=_FIRST,
    content_weight=1e4,
    style_weight=1e-2,
    content_convention="mean",
    style_convention="mean_per_position",
    tv_weight=30 / 255,  # 30 on a picture from 0 to 1
    tv_convention="absolute",
    init="content",
    size=512,
    resampling="bilinear",
    optimizer="adam",
    learning_rate=0.02 * 255,  # on a picture from 0 to 1, as is epsilon
    beta_1=0.99,
    epsilon=0.1 / 255,
    steps=1000,
    restart_every=100,
)

_KERAS = Recipe(
    source="Keras' example: Neural style transfer",
    network="vgg19",
    content_layers=["conv5_2"],
    style_layers=_FIRST,
    content_weight=2.5e-8,
    style_weight=1e-6,
    content_convention="sum",
    style_convention="image_size",
    tv_weight=1e-6,
    init="content",
    size=600,
    same_size=True,
    resampling="nearest",
    optimizer="sgd",
    learning_rate=100.0,
    decay=0.96,
    steps=4000,
    clipping="never",
    notes="The example's pictures have 400 rows; 600 columns are those of a photograph of 3:2.",
)

_PYTORCH = Recipe(
    source="PyTorch's tutorial: Neural Transfer Using PyTorch",
    network="vgg19",
    input_scale=0.226 * 255,  # the standard deviation of a channel
    content_layers=["conv2_2"],  # its “conv_4”
    style_layers=["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"],
    layer_weights=[1.0] * 5,
    content_weight=1.0,
    style_weight=1e6,
    content_convention="mean",
    style_convention="mean_per_element",
    init="content",
    size=512,
    same_size=True,
    resampling="bilinear",
    optimizer="lbfgs",
    steps=300,
    notes="Its network was trained anew, on pictures in units of their standard deviation. Here "
    "the authors' network stands in, in those units. The program compares maps before the ReLU, "
    "stylelib those after it. It needs pictures of one size; stretching the painting is assumed.",
)

_GATYS_PYTORCH = Recipe(
    source="Gatys: PytorchNeuralStyleTransfer",
    network="vgg19",
    content_layers=["conv4_2"],
    style_layers=_FIRST,
    layer_weights=[1 / filters**2 for filters in (64, 128, 256, 512, 512)],
    content_weight=1.0,
    style_weight=1e3,
    content_convention="mean",
    style_convention="mean_per_position",
    init="content",
    size=512,
    resampling="bilinear",
    optimizer="lbfgs",
    steps=500,
    clipping="never",
    notes="There 512 pixels are the shorter side.",
)

_JCJOHNSON = Recipe(
    source="Justin Johnson: neural-style",
    network="vgg19",
    content_layers=["conv4_2"],
    style_layers=_FIRST,
    layer_weights=[1.0] * 5,
    content_weight=5.0,
    style_weight=1e2,
    content_convention="mean",
    style_convention="mean_per_element",
    tv_weight=1e-3,
    tv_convention="squares",
    init="grey",  # its “random”: normal noise of 0.001 around the mean colour
    size=512,
    resampling="bilinear",
    optimizer="lbfgs",
    steps=1000,
    clipping="never",
)

_MULTISCALE = Recipe(
    source="stylelib: the best picture that this series knows how to paint",
    network="vgg16",
    pooling="average",
    padding="reflect",
    content_layers=["conv3_2", "conv4_2"],  # the details of a face lie in conv3_2
    style_layers=_FIRST,
    content_weight=0.5,
    style_weight=2e-3,
    content_convention="mean",
    style_convention="mean_per_position",
    init="content",
    size=512,
    optimizer="lbfgs",
    steps=310,
    stages=[
        Stage(0.25, 150),
        Stage(0.5, 100),
        Stage(1.0, 60),
    ],
    notes="Means in both losses, so that weights mean the same at every size. The weights fit many "
    "pairs of pictures, and no single one fits all: strength finds that of a pair.",
)

#: All recipes by name: ours, the paper's two versions, four write-ups, and five that learners meet.
RECIPES = MappingProxyType(
    {
        "multiscale": _MULTISCALE,
        "gatys2015": _GATYS_2015,
        "gatys2016": _GATYS_2016,
        "gatys2016_code": _GATYS_2016_CODE,
        "spirosbax": _SPIROSBAX,
        "jerkic": _JERKIC,
        "augustins": _AUGUSTINS,
        "augustins256": _AUGUSTINS.replace(size=(256, 256), content_weight=1e-6),
        "augustins512": _AUGUSTINS.replace(size=(512, 512), content_weight=1e-7),
        "style_over_matter": _STYLE_OVER_MATTER,
        "tensorflow": _TENSORFLOW,
        "keras": _KERAS,
        "pytorch": _PYTORCH,
        "gatys_pytorch": _GATYS_PYTORCH,
        "jcjohnson": _JCJOHNSON,
    }
)

#: For `reconstruct_content` and `reconstruct_style`: the paper's settings, smaller and shorter.
RECONSTRUCTION = _GATYS_2015.replace(size=256, steps=200)


def find_recipe(recipe):
    """Return the recipe of that name, or `recipe` itself where it is one.

    Examples
    --------
    >>> find_recipe("spirosbaks")
    Traceback (most recent call last):
    ...
    ValueError: expected recipe multiscale, ..., got 'spirosbaks'; did you mean 'spirosbax'?
    """
    if isinstance(recipe, Recipe):
        return recipe
    check_choice("recipe", recipe, RECIPES)
    return RECIPES[recipe]
