"""The public names, for type checkers; `__init__.py` imports each when it is first used."""

from stylelib._utils.tensorflow import versions as versions
from stylelib.api import reconstruct_content as reconstruct_content
from stylelib.api import reconstruct_style as reconstruct_style
from stylelib.api import transfer as transfer
from stylelib.images.colour_control import match_color as match_color
from stylelib.images.colour_control import replace_luminance as replace_luminance
from stylelib.images.load import load_image as load_image
from stylelib.images.save import save_image as save_image
from stylelib.losses import content_loss as content_loss
from stylelib.losses import gram_matrix as gram_matrix
from stylelib.losses import representation_distance as representation_distance
from stylelib.losses import style_layer_loss as style_layer_loss
from stylelib.losses import style_loss as style_loss
from stylelib.losses import style_representation as style_representation
from stylelib.losses import total_variation_loss as total_variation_loss
from stylelib.objective import Objective as Objective
from stylelib.preprocessing import deprocess as deprocess
from stylelib.preprocessing import deprocess_stretched as deprocess_stretched
from stylelib.preprocessing import noise_image as noise_image
from stylelib.preprocessing import pixel_bounds as pixel_bounds
from stylelib.preprocessing import preprocess as preprocess
from stylelib.recipes.conventions import convert as convert
from stylelib.recipes.conventions import paper_weights as paper_weights
from stylelib.recipes.conventions import relative_layer_weights as relative_layer_weights
from stylelib.recipes.optimizers import OptimizerSettings as OptimizerSettings
from stylelib.recipes.published import RECIPES as RECIPES
from stylelib.recipes.recipe import Recipe as Recipe
from stylelib.runs.similarity import content_similarity as content_similarity
from stylelib.sweeps.sweep import load_sweep as load_sweep
from stylelib.sweeps.sweep import process_pool as process_pool
from stylelib.sweeps.sweep import sweep as sweep
from stylelib.tiled_objective import TiledObjective as TiledObjective
from stylelib.training import Result as Result
from stylelib.training import StopRun as StopRun
from stylelib.training import minimize as minimize
from stylelib.training import train_step as train_step
from stylelib.vgg.layers import layer_names as layer_names
from stylelib.vgg.network import VGG as VGG
from stylelib.vgg.weights import load_weights as load_weights
from stylelib.visualization.animation import Film as Film

__version__: str
