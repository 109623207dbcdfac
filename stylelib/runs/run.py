"""Do what a job says: build the network, minimise the loss, say in the settings what was done."""

import dataclasses

from stylelib._utils.checks import check_count, check_flag
from stylelib._utils.tensorflow import tf, versions
from stylelib.images.load import load_image
from stylelib.preprocessing import deprocess, preprocess
from stylelib.runs.checkpoints import Checkpoints
from stylelib.runs.job import described, stage_jobs
from stylelib.runs.memory import check_fits, ran_out
from stylelib.runs.start import Objectives, start
from stylelib.runs.strength import find_style_weight
from stylelib.training import AT_ITS_END, check_callback, minimize
from stylelib.vgg.network import VGG

#: Evaluations between two saves of a run.
SAVE_EVERY = 50
#: What Python and TensorFlow raise where memory runs out.
OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


def run(job, callback=None, folder=None, save_every=None, resume=False, search_callback=None):
    """Do what a job says, here and now.

    Parameters
    ----------
    job : Job
    callback : callable, optional
        See `minimize`.
    folder, save_every, resume, search_callback
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
    check_callback(search_callback)
    job.check_weights()
    if not tf.config.get_visible_devices("GPU"):  # which have memory of their own
        check_fits(job)
    checkpoints = None
    if folder is not None:
        checkpoints = Checkpoints(folder, job.settings, save_every, resume, job.in_color)
    try:
        return _run(job, callback, checkpoints, search_callback)
    except OUT_OF_MEMORY as error:
        raise MemoryError(ran_out(job)) from error
    finally:
        if checkpoints is not None:
            checkpoints.close()


def _run(job, callback, checkpoints, search_callback):
    recipe = job.recipe
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
    if job.strength is not None:
        job = _with_style_weight(job, vgg, checkpoints, search_callback)
    jobs = stage_jobs(job)
    stages, first = len(jobs), start(jobs[0])
    x0 = first
    if checkpoints is not None and checkpoints.state is not None:
        jobs, x0 = _left(jobs, x0, checkpoints)
    result = _stages(jobs, stages, vgg, x0, _in_color(callback, job), checkpoints)
    init = described(job.sources["init"], deprocess(first))
    here = {"init": init, "precision": vgg.precision, "versions": versions()}
    settings = job.settings | here
    return dataclasses.replace(result, image=job.in_color(result.image), settings=settings)


def _stages(jobs, stages, vgg, x0, callback, checkpoints):
    """Paint one stage after the other; where one ends before its time, so does the run."""
    result, objectives = None, Objectives(vgg)
    for number, stage in enumerate(jobs, start=stages - len(jobs) + 1):
        where = f" (stage {number} of {stages})"
        if checkpoints is not None:
            checkpoints.last_stage = number == stages
        try:
            result = _paint(stage, objectives, x0, callback, checkpoints, result)
        except (KeyboardInterrupt, *OUT_OF_MEMORY) as error:
            if result is None:  # nothing is painted yet
                raise
            status, reason = _why(error, result, stage)
            return _cut_short(result, jobs[-1].size, status, reason + where)
        if number < stages and result.status not in AT_ITS_END:
            return _cut_short(result, jobs[-1].size, result.status, result.stop_reason + where)
    return result


def _why(error, earlier, stage):
    """How a stage has ended that has no result: a status, and a reason."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", f"interrupted at evaluation {earlier.evaluations}"
    return "failed", ran_out(stage)


def _cut_short(result, size, status, reason):
    """The result of a stage, in place of that of the last one."""
    image = load_image(result.image, size=size)
    return dataclasses.replace(result, image=image, status=status, stop_reason=reason)


def _with_style_weight(job, vgg, checkpoints, search_callback):
    """Return the job with the style weight for its strength, that of the run if one goes on."""
    if checkpoints is not None and checkpoints.state is not None:
        style_weight = checkpoints.before["recipe"]["style_weight"]
    else:
        style_weight = find_style_weight(job, vgg, search_callback)
    job = dataclasses.replace(job, recipe=job.recipe.replace(style_weight=style_weight))
    if checkpoints is not None:
        checkpoints.settings = job.settings
    return job


def _left(jobs, x0, checkpoints):
    """The stages that a run has not ended, and the picture with which the first of them begins."""
    ended = len(checkpoints.state["stage_starts"]) - 1
    sizes = [stage.size for stage in jobs[ended:]]
    if sizes[:1] != [checkpoints.state["best"].shape[1:3]]:
        raise ValueError(
            f"expected a number of steps with the stages that the run in {checkpoints.folder} has, "
            f"got {jobs[-1].recipe.steps}"
        )
    return jobs[ended:], tf.constant(checkpoints.state["best"]) if ended else x0


def _paint(stage, objectives, x0, callback, checkpoints, earlier):
    """Lower the loss of one stage; `earlier` is the result of the stage before it, if there is one.

    Then the stage begins with that, enlarged, else with `x0`.
    """
    if earlier is not None:
        x0 = preprocess(load_image(earlier.image, size=stage.size))
    return minimize(
        objectives(stage),
        x0,
        optimizer=stage.recipe,
        steps=stage.recipe.steps,
        callback=callback,
        postprocess=stage.recipe.postprocess,
        checkpoints=checkpoints,
        earlier=earlier,
    )


def _in_color(callback, job):
    """A callback that is given the picture as it is shown."""
    if callback is None or job.recipe.preserve_color != "luminance":
        return callback
    return lambda evaluation, losses, x: callback(
        evaluation, losses, preprocess(job.in_color(deprocess(x))).numpy()
    )
