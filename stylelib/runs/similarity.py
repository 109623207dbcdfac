"""How much of a photograph is left in a painted picture, as one number."""

import numpy as np

from stylelib._utils.tensorflow import tf
from stylelib._utils.types import Network, Path, Source
from stylelib.images.load import load_image
from stylelib.images.sizes import scaled_size
from stylelib.preprocessing import preprocess
from stylelib.recipes.regions import layer_mask
from stylelib.vgg.network import VGG

#: Longer side to which both pictures are reduced before they are compared.
SIMILARITY_SIZE = 160
#: The layer of the paper's content loss.
SIMILARITY_LAYER = "conv4_2"


def content_similarity(
    image: Source, content: Source, network: Network = "vgg16", weights: Path | None = None
) -> float:
    """Correlation of two pictures' feature maps: 1 for the same content, near 0 for none of it.

    With F and P the feature maps of conv4_2 (average pooling), each filter's maps minus their mean
    over positions, it is Σ F P / √(Σ F² Σ P²). Not in the paper. The content loss, Eq. 1, depends
    on the size of the picture and on how strong its activations are; this number does not, so it
    compares between pictures: a strength of style transfer is 1 − similarity. Both pictures are
    first reduced to `SIMILARITY_SIZE` pixels on the longer side.

    Parameters
    ----------
    image, content : array, path, https address or anything else that `load_image` takes
        The painted picture and the photograph. `image` is brought to the proportions of `content`.
    network : {"vgg16", "vgg19"}
    weights : str or path, optional
        See `load_weights`.

    Returns
    -------
    float
        Between −1 and 1; near 0 where one of them has no content, as a picture of one colour.

    Raises
    ------
    ValueError
        For a picture that cannot be read.

    Examples
    --------
    >>> from stylelib import noise_image
    >>> photo, other = noise_image((60, 90), seed=1), noise_image((60, 90), seed=2)
    >>> round(content_similarity(photo, photo), 3), abs(content_similarity(other, photo)) < 0.5
    (1.0, True)
    """
    return similarity_to(content, network, weights)(image)


def similarity_to(content, network="vgg16", weights=None, where=None):
    """Return a function of a picture that says how similar it is to `content`.

    For many pictures of one photograph; see `content_similarity`. With `where`, a mask, each
    position counts as much as that says.

    Examples
    --------
    >>> from stylelib import noise_image
    >>> similarity = similarity_to(noise_image((60, 90)))
    >>> round(similarity(noise_image((60, 90))), 3)
    1.0
    """
    content = load_image(content)
    size = scaled_size(content.shape[:2], SIMILARITY_SIZE)
    vgg = VGG([SIMILARITY_LAYER], network, weights, pooling="average", padding="reflect")

    where = layer_mask(_at_size(where, size), SIMILARITY_LAYER)

    def centred_maps(picture):
        return _centred(vgg(preprocess(load_image(picture, size=size)))[SIMILARITY_LAYER], where)

    P = centred_maps(content)

    def similarity(image):
        F = centred_maps(image)
        norms = float(tf.norm(F) * tf.norm(P))
        value = float(tf.reduce_sum(F * P)) / norms if norms > 0 else 0.0
        return min(max(value, -1.0), 1.0)  # which rounding may overshoot

    return similarity


def _at_size(mask, size):
    """A mask, or none, at a size: ``float32``, ``(H, W)``, from 0 to 1."""
    if mask is None:
        return np.ones(size, np.float32)
    return np.float32(load_image(mask, size=size, resampling="bilinear").mean(axis=2) / 255)


def _centred(maps, where):
    """Feature maps (1, h, w, N) minus each filter's mean over positions, which count as `where`."""
    weights = where[np.newaxis, :, :, np.newaxis]
    means = np.sum(maps * weights, axis=(1, 2), keepdims=True) / max(weights.sum(), 1e-6)
    return (maps - means) * np.sqrt(weights)
