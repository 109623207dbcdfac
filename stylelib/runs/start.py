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


def objective_of(job, vgg):
    """Make the objective of a job, in tiles where it asks for them.

    Parameters
    ----------
    job : Job
    vgg : VGG
        With the layers of the job.

    Returns
    -------
    Objective or TiledObjective
    """
    if job.tile is None:
        return Objective(vgg, job.recipe, **job.terms)
    return TiledObjective(vgg, job.recipe, **job.terms, tile=job.tile)
