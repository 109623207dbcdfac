"""Do what a job says: build the network, minimise the loss, say in the settings what was done."""

import dataclasses

from stylelib._utils.checks import check_count, check_flag
from stylelib._utils.tensorflow import tf, versions
from stylelib.images.load import load_image
from stylelib.objective import Objective
from stylelib.preprocessing import deprocess, grey_start, noise_image, preprocess
from stylelib.runs.checkpoints import Checkpoints
from stylelib.runs.job import described
from stylelib.runs.memory import check_fits, ran_out
from stylelib.tiled_objective import TiledObjective
from stylelib.training import check_callback, minimize
from stylelib.vgg.network import VGG

#: Evaluations between two saves of a run.
SAVE_EVERY = 50


def run(job, callback=None, folder=None, save_every=None, resume=False):
    """Do what a job says, here and now.

    Parameters
    ----------
    job : Job
    callback : callable, optional
        See `minimize`.
    folder, save_every, resume
        See `transfer`.

    Returns
    -------
    Result

    Examples
    --------
    >>> import numpy as np
    >>> from stylelib.runs.job import make_job
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> run(make_job({"content": grey, "style": grey}, size=32, steps=2)).image.shape
    (21, 32, 3)
    """
    save_every = SAVE_EVERY if save_every is None else save_every
    check_count("save_every", save_every)
    check_flag("resume", resume)
    check_callback(callback)
    if not tf.config.get_visible_devices("GPU"):  # which have memory of their own
        check_fits(job)
    checkpoints = None
    if folder is not None:
        checkpoints = Checkpoints(folder, job.settings, save_every, resume)
    try:
        return _run(job, callback, checkpoints)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise MemoryError(ran_out(job)) from error


def _run(job, callback, checkpoints):
    x0, recipe = _start(job), job.recipe
    vgg = VGG(
        job.layers,
        job.network,
        job.weights,
        recipe.pooling,
        recipe.normalized,
        job.precision,
        recipe.padding,
    )
    if checkpoints is not None:  # nothing above is wrong
        checkpoints.open()
    images = job.images.get("content"), job.images.get("style")
    if job.tile is None:
        objective = Objective(vgg, recipe, *images)
    else:
        objective = TiledObjective(vgg, recipe, *images, tile=job.tile)
    result = minimize(
        objective,
        x0,
        optimizer=recipe,
        steps=recipe.steps,
        callback=callback,
        postprocess=recipe.postprocess,
        checkpoints=checkpoints,
    )
    start = described(job.sources["init"], deprocess(x0))
    here = {"init": start, "precision": vgg.precision, "versions": versions()}
    settings = result.settings | job.settings | here
    return dataclasses.replace(result, settings=settings)


def _start(job):
    """The picture to begin with, in VGG space."""
    if not isinstance(job.init, str):
        return preprocess(job.init)
    if job.init == "grey":
        return grey_start(job.size, job.seed)
    if job.init == "noise":
        return preprocess(noise_image(job.size, job.seed))
    return preprocess(load_image(job.images[job.init], size=job.size))
