"""What a run begins with: its first picture, and the loss that is to fall."""

from stylelib.images.load import load_image
from stylelib.objective import Objective
from stylelib.preprocessing import grey_start, noise_image, preprocess
from stylelib.tiled_objective import TiledObjective


def start(job):
    """Make the picture that `Job.init` stands for.

    Parameters
    ----------
    job : Job

    Returns
    -------
    tf.Tensor
        ``float32``, ``(1, H, W, 3)``, VGG space, of the size of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from stylelib.runs.job import make_job
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> tuple(start(make_job({"content": grey, "style": grey}, size=48, init="noise")).shape)
    (1, 32, 48, 3)
    """
    if not isinstance(job.init, str):
        return preprocess(job.init)
    if job.init == "grey":
        return grey_start(job.size, job.seed)
    if job.init == "noise":
        return preprocess(noise_image(job.size, job.seed))
    return preprocess(load_image(job.seen[job.init], size=job.size))


class Objectives:
    """Make the objective of one stage of a run after the other, in tiles where it asks for them.

    Stages that differ in their number of steps alone, as those of a small picture do, share theirs:
    TensorFlow takes longer to compile it than to paint such a picture.

    Parameters
    ----------
    vgg : VGG
        With the layers of all stages.
    """

    def __init__(self, vgg):
        self.vgg = vgg
        self._loss = self._objective = None

    def __call__(self, job):
        """Return the `Objective` or `TiledObjective` of the job of a stage."""
        sizes = {role: image.shape for role, image in job.images.items()}
        loss = sizes, job.recipe.replace(steps=1)
        if loss != self._loss:
            self._objective = None  # before the next one takes memory, too
            self._objective, self._loss = self._make(job), loss
        return self._objective

    def _make(self, job):
        if job.tile is None:
            return Objective(self.vgg, job.recipe, **job.terms)
        return TiledObjective(self.vgg, job.recipe, **job.terms, tile=job.tile)
