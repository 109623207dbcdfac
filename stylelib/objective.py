"""The loss of one picture, and its gradient."""

from stylelib._utils.tensorflow import tf
from stylelib.losses import (
    TV_LOSSES,
    content_loss,
    representation_distance,
    style_representation,
)
from stylelib.preprocessing import preprocess
from stylelib.recipes.conventions import check_style_size, paper_weights
from stylelib.vgg.layers import canonical

# Each Objective has graphs of its own. TensorFlow takes that for one function traced too often.
tf.get_logger().addFilter(lambda record: "Objective._" not in record.getMessage())


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

    Raises
    ------
    ValueError
        Where an image or a layer is missing.

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

    def __init__(self, vgg, recipe, content_image=None, style_image=None):
        self.vgg = vgg
        self.recipe = recipe
        self.style_size = None if style_image is None else style_image.shape[:2]
        self.content_representation = {}
        self.style_representation = {}
        if recipe.content_weight:
            self._check("content", content_image, recipe.content_layers)
            self.content_representation = self._content_target(preprocess(content_image))
        if recipe.style_weight:
            self._check("style", style_image, recipe.style_layers)
            self.style_representation = self._style_target(preprocess(style_image))
        # One graph for each size of picture; TensorFlow keeps them.
        self._compiled = tf.function(self._loss_and_gradient, autograph=False)

    def _check(self, term, image, layers):
        if image is None:
            raise ValueError(f"expected a {term} image, since {term}_weight is not 0; got none")
        known = [canonical(layer) for layer in self.vgg.layers]
        missing = [layer for layer in layers if canonical(layer) not in known]
        if missing:
            raise ValueError(f"expected a VGG with the {term} layers {layers}, {missing} missing")

    def _content_target(self, x):
        features = self._features(x)
        return {layer: features[canonical(layer)] for layer in self.recipe.content_layers}

    def _style_target(self, x):
        features = self._features(x)
        return {
            layer: style_representation(features[canonical(layer)])
            for layer in self.recipe.style_layers
        }

    def _features(self, x):
        """Feature maps by Keras' names, so that a recipe may use either spelling."""
        return {canonical(layer): maps for layer, maps in self.vgg(x).items()}

    def losses(self, x):
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
        features = self._features(x)
        distances = {
            layer: content_loss(features[canonical(layer)], target)
            for layer, target in self.content_representation.items()
        }
        representations = {
            layer: style_representation(features[canonical(layer)])
            for layer in self.style_representation
        }
        return self._weighted(distances, representations, x)

    def _weighted(self, distances, representations, x):
        """Eq. 7 for what is known of each layer: Eq. 1 of content layers, G / M of style layers."""
        weights = self._paper_weights(x)
        content = style = tv = tf.constant(0.0)
        for layer, distance in distances.items():
            content += weights["content"][layer] * distance
        for layer, representation in representations.items():
            distance = representation_distance(representation, self.style_representation[layer])
            style += weights["style"][layer] * distance
        if self.recipe.tv_weight:
            tv += self.recipe.tv_weight * TV_LOSSES[self.recipe.tv_convention](x)
        return {"total": content + style + tv, "content": content, "style": style, "tv": tv}

    def _paper_weights(self, x):
        """Every recipe is one of weights for the paper's losses, once the sizes are known."""
        image_size = tuple(x.shape[1:3])
        if self.style_representation:
            check_style_size(self.recipe, image_size, self.style_size)
        return paper_weights(self.recipe, image_size)

    def loss_and_gradient(self, x):
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
