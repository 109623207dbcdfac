"""The loss of one picture, and its gradient."""

import re
from collections.abc import Sequence
from typing import Any

from stylelib._utils.checks import listed
from stylelib._utils.tensorflow import tf
from stylelib._utils.types import Array, Image
from stylelib.losses import (
    TV_LOSSES,
    content_loss,
    representation_distance,
    style_representation,
)
from stylelib.preprocessing import preprocess
from stylelib.recipes.conventions import check_style_size, paper_weights
from stylelib.recipes.recipe import Recipe
from stylelib.recipes.regions import regions
from stylelib.vgg.layers import canonical
from stylelib.vgg.network import VGG

# Each Objective has graphs of its own. TensorFlow takes that for one function traced too often.
_TRACED_AGAIN = re.compile(r"\b(Tiled)?Objective\._.*triggered tf\.function retracing")
tf.get_logger().addFilter(lambda record: not _TRACED_AGAIN.search(record.getMessage()))


class Objective:
    """Eq. 7 for one content and one style image: α L_content + β L_style.

    The recipe says how both are scaled, see `stylelib.recipes.conventions`. The content and style
    representations of the two images are computed once, here.

    Parameters
    ----------
    vgg : VGG
        Must give the recipe's layers.
    recipe : Recipe
        Its layers and weights are used. A term with weight 0 is left out.
    content_image, style_image : numpy.ndarray, optional
        ``uint8``, ``(H, W, 3)``, RGB, of any two sizes. Only needed for a term that counts.
        `style_image` may be a list of several.
    style_weights : sequence, optional
        How several styles are mixed, see `mixing_shares`.
    masks : sequence of numpy.ndarray, optional
        Where each style goes instead, ``(H, W)`` from 0 to 1, of the generated image's size. The
        style loss is Σ_r share_r E_r over the regions r, with `style_representation` of each
        region, and what part of the picture it is; see `disjoint` for where masks overlap or leave
        a rest.

    Raises
    ------
    ValueError
        Where an image or a layer is missing, and where weights or masks do not fit the styles.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image
    >>> recipe = RECIPES["gatys2015"].replace(style_layers=["conv1_1"], content_layers=["conv2_1"])
    >>> vgg = VGG(["conv1_1", "conv2_1"])
    >>> content_image, style_image = noise_image((32, 48), seed=1), noise_image((40, 32), seed=2)
    >>> objective = Objective(vgg, recipe, content_image, style_image)
    >>> losses, gradient = objective.loss_and_gradient(preprocess(content_image))
    >>> float(losses["content"]), tuple(gradient.shape)
    (0.0, (1, 32, 48, 3))
    """

    def __init__(
        self,
        vgg: VGG,
        recipe: Recipe,
        content_image: Image | None = None,
        style_image: Image | Sequence[Image] | None = None,
        style_weights: Sequence[Any] | None = None,
        masks: Sequence[Array] | None = None,
    ) -> None:
        check_terms(vgg, recipe, content_image, style_image)
        self.vgg = vgg
        self.recipe = recipe
        self.content_representation = {}
        self.regions = []
        self.style_sizes = []
        if recipe.content_weight:
            features = canonical_features(vgg, preprocess(content_image))
            self.content_representation = {
                layer: features[canonical(layer)] for layer in recipe.content_layers
            }
        if recipe.style_weight:
            styles = listed(style_image)
            features = [canonical_features(vgg, preprocess(image)) for image in styles]
            representations = [_style_representations(F, recipe.style_layers) for F in features]
            self.regions = regions(representations, recipe.style_layers, style_weights, masks)
            self.style_sizes = [image.shape[:2] for image in styles]
        # One graph for each size of picture; TensorFlow keeps them.
        self._compiled = tf.function(self._loss_and_gradient, autograph=False)

    @property
    def style_representation(self) -> dict[str, tf.Tensor]:
        """What the style loss compares with, by layer: of the whole picture, or the first region.

        ``float32``, ``(N, N)``; empty without a style.
        """
        return self.regions[0].target if self.regions else {}

    def losses(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the weighted losses of a picture.

        Parameters
        ----------
        x : tf.Tensor
            ``float32``, ``(1, H, W, 3)``, VGG space.

        Returns
        -------
        dict of str to tf.Tensor
            ``"total"``, ``"content"`` (α L_content), ``"style"`` (β L_style) and ``"tv"``.
        """
        check_style_sizes(self.recipe, x.shape[1:3], self.style_sizes)
        features = canonical_features(self.vgg, x)
        content_losses = {
            layer: content_loss(features[canonical(layer)], P)
            for layer, P in self.content_representation.items()
        }
        representations = [
            _style_representations(features, region.target, region.masks) for region in self.regions
        ]
        return weighted_losses(self.recipe, x, content_losses, representations, self.regions)

    def loss_and_gradient(
        self, x: tf.Tensor | tf.Variable
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Return `losses` and the gradient of the total loss, compiled.

        Parameters
        ----------
        x : tf.Tensor or tf.Variable
            ``float32``, ``(1, H, W, 3)``, VGG space.

        Returns
        -------
        losses : dict of str to tf.Tensor
        gradient : tf.Tensor
            ``float32``, of the shape of `x`.
        """
        return self._compiled(tf.convert_to_tensor(x))

    def _loss_and_gradient(self, x):
        # Without its argument the tape would also watch the weights, trainable or not.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            losses = self.losses(x)
        return losses, tape.gradient(losses["total"], x)


def check_terms(vgg, recipe, content_image, style_image):
    """Raise a ``ValueError`` where a term with a weight lacks its image or a layer.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image
    >>> check_terms(VGG(["conv4_2"]), RECIPES["gatys2015"], noise_image((32, 32)), None)
    Traceback (most recent call last):
    ...
    ValueError: expected a style image, since style_weight is not 0; got none
    """
    known = [canonical(layer) for layer in vgg.layers]
    terms = {
        "content": (recipe.content_weight, content_image, recipe.content_layers),
        "style": (recipe.style_weight, style_image, recipe.style_layers),
    }
    for term, (weight, image, layers) in terms.items():
        if not weight:
            continue
        if image is None:
            raise ValueError(f"expected a {term} image, since {term}_weight is not 0; got none")
        missing = [layer for layer in layers if canonical(layer) not in known]
        if missing:
            raise ValueError(f"expected a VGG with the {term} layers {layers}, {missing} missing")


def canonical_features(vgg, x):
    """Feature maps of a picture by Keras' names, so that a recipe may use either spelling.

    Parameters
    ----------
    vgg : VGG
    x : tf.Tensor
        ``float32``, ``(1, H, W, 3)``, VGG space.

    Returns
    -------
    dict of str to tf.Tensor
        ``float32``, ``(1, h, w, N)``.
    """
    return {canonical(layer): maps for layer, maps in vgg(x).items()}


def _style_representations(features, layers, masks=None):
    masks = masks or {}
    return {l: style_representation(features[canonical(l)], masks.get(l)) for l in layers}


def check_style_sizes(recipe, image_size, style_sizes):
    """`check_style_size` for each of several style images."""
    for style_size in style_sizes:
        check_style_size(recipe, image_size, style_size)


def weighted_losses(recipe, x, content_losses, generated, regions):
    """Eq. 7 from what is known of each layer, however that was computed.

    Parameters
    ----------
    recipe : Recipe
    x : tf.Tensor
        The generated image, ``float32``, ``(1, H, W, 3)``, VGG space.
    content_losses : dict of str to tf.Tensor
        Eq. 1 by content layer, ``float32`` scalars.
    generated : list of dict of str to tf.Tensor
        `style_representation` of the generated image by style layer, for each region: G / M,
        ``float32``, ``(N, N)``.
    regions : list of Region

    Returns
    -------
    dict of str to tf.Tensor
        ``float32`` scalars: ``"total"``, ``"content"``, ``"style"`` and ``"tv"``, weighted.
    """
    weights = paper_weights(recipe, tuple(x.shape[1:3]))
    content = style_loss = tv = tf.constant(0.0)
    for layer, loss in content_losses.items():
        content += weights["content"][layer] * loss
    for region, representations in zip(regions, generated, strict=True):
        for layer, representation in representations.items():
            distance = representation_distance(representation, region.target[layer])
            style_loss += weights["style"][layer] * region.share(layer) * distance
    if recipe.tv_weight:
        tv += recipe.tv_weight * TV_LOSSES[recipe.tv_convention](x)
    total = content + style_loss + tv
    return {"total": total, "content": content, "style": style_loss, "tv": tv}
