"""The picture with which a run begins."""

from stylelib.images.load import load_image
from stylelib.preprocessing import grey_start, noise_image, preprocess


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
