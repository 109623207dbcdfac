"""Neural style transfer, layer by layer: the library behind the notebooks.

Names are imported when they are first used, so that ``import stylelib`` is instant and
``stylelib --help`` does not wait for TensorFlow.
"""

import importlib

__version__ = "0.1.0"

_HOME = {
    "load_image": "images.load",
    "save_image": "images.save",
    "match_color": "images.colour_control",
    "replace_luminance": "images.colour_control",
    "preprocess": "preprocessing",
    "deprocess": "preprocessing",
    "deprocess_stretched": "preprocessing",
    "noise_image": "preprocessing",
    "pixel_bounds": "preprocessing",
    "VGG": "vgg.network",
    "layer_names": "vgg.layers",
    "load_weights": "vgg.weights",
    "content_loss": "losses",
    "gram_matrix": "losses",
    "style_representation": "losses",
    "representation_distance": "losses",
    "style_layer_loss": "losses",
    "style_loss": "losses",
    "total_variation_loss": "losses",
    "paper_weights": "recipes.conventions",
    "relative_layer_weights": "recipes.conventions",
    "convert": "recipes.conventions",
    "Recipe": "recipes.recipe",
    "OptimizerSettings": "recipes.optimizers",
    "RECIPES": "recipes.published",
    "Objective": "objective",
    "TiledObjective": "tiled_objective",
    "train_step": "training",
    "minimize": "training",
    "Result": "training",
    "StopRun": "training",
    "transfer": "api",
    "reconstruct_content": "api",
    "reconstruct_style": "api",
    "versions": "_utils.tensorflow",
    "content_similarity": "runs.similarity",
    "Film": "visualization.animation",
    "sweep": "sweeps.sweep",
    "load_sweep": "sweeps.sweep",
    "process_pool": "sweeps.sweep",
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'stylelib' has no attribute {name!r}")
    return getattr(importlib.import_module(f"stylelib.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *_HOME])
