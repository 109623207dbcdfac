"""The style weight that leaves as much of a photograph as was asked for.

The losses of two pictures have no common scale: a weight that suits one pair leaves nothing of the
photograph of another. What is the same for all pairs is the content similarity of the result, see
`content_similarity`. It falls with the style weight, so the weight is found by trying. A trial is a
run in miniature: its stages take few evaluations, and its similarity tells that of the run.
"""

import dataclasses
import logging
import math
from itertools import pairwise

from stylelib.images.load import load_image
from stylelib.objective import Objective
from stylelib.preprocessing import preprocess
from stylelib.recipes.conventions import at_size
from stylelib.recipes.stages import Stage
from stylelib.runs.job import scaled_job, stage_jobs
from stylelib.runs.similarity import similarity_to
from stylelib.runs.start import Objectives, start
from stylelib.training import StopRun, minimize

#: The stages of a trial, whatever those of the run are; their steps are evaluations.
TRIAL_STAGES = (Stage(0.25, 60), Stage(0.5, 40), Stage(1.0, 10))
#: The part of the whole work that the search may take; what it compiles comes on top.
LARGEST_SHARE = 0.25
#: Evaluations of the first stage even where they take a larger part of a short run: in fewer, the
#: similarity is hardly that of the weight, and stays high whatever is tried.
LEAST_STEPS = 25
#: For each weight that may be tried, how near it must come after the first stage of its trial to be
#: the last: only that one goes on to the other stages. The third is the last, however near.
TOLERANCES = 0.02, 0.1, 1.0
TRIALS = len(TOLERANCES)
#: Measured on pairs that differ much, for `multiscale`: the logit of the similarity at the end of
#: a run where both losses are in balance, see `_balance`, and its fall for ten times the weight.
LOGIT_IN_BALANCE, LOGIT_PER_DECADE = 1.35, -1.0
#: Measured likewise: that logit is `SHRINK` times the trial's, plus one of these numbers; the first
#: is for a trial's first stage, the second for its last. To them comes, for each ten times that the
#: weight is above the balance, what a run wins back of the photograph where its trial is too short.
#: A run that has fewer evaluations than `DRIFT_STEPS` is so much closer to its trial.
SHRINK, DRIFTS, DRIFT_PER_DECADE, DRIFT_STEPS = 0.87, (0.01, -0.12), 0.19, 100

logger = logging.getLogger(__name__)


def find_style_weight(job, vgg, callback=None):
    """Search the style weight for a job's strength.

    The logit of the similarity is nearly a straight line over the logarithm of the weight, so a
    step or two of the secant method are enough.

    Parameters
    ----------
    job : Job
        With a strength.
    vgg : VGG
        With the layers of the job.
    callback : callable, optional
        See `minimize`, which calls it for each picture of the search. `StopRun` ends the search,
        and the weight is the best guess until then.

    Returns
    -------
    float
        For `Recipe.style_weight` of the job.
    """
    stages = trial_jobs(job)
    similarity = similarity_to(job.images["content"], job.network, job.weights, job.coverage)
    balance, objectives = _balance(vgg, stages[0]), Objectives(vgg)
    wanted, tried = 1 - job.strength, []  # exponents, and the logits that they lead to

    def weight(exponent):
        return float(f"{balance * 10**exponent:.6g}")

    def expected(stage, image, drift, what):
        """The logit of the similarity at the end of a run, and tell of it."""
        now = _logit(similarity(stage.in_color(image)))
        logit = _at_the_end(now, drift + DRIFT_PER_DECADE * exponent, job.recipe.steps)
        logger.info(
            "style weight %.2e (%s): similarity %.2f, %.2f wanted",
            weight(exponent), what, _similarity(logit), wanted,
        )  # fmt: skip
        return logit

    try:
        for trial, tolerance in enumerate(TOLERANCES, start=1):
            exponent = _next_exponent(tried, _logit(wanted))
            image = _paint(stages[0], objectives, weight(exponent), start(stages[0]), callback)
            logit = expected(stages[0], image, DRIFTS[0], f"{trial} of {TRIALS}")
            tried.append((exponent, logit))
            if abs(_similarity(logit) - wanted) < tolerance:
                break
        for stage in stages[1:]:
            x0 = preprocess(load_image(image, size=stage.size))
            image = _paint(stage, objectives, weight(exponent), x0, callback)
        # What the later stages change here, they would change for another weight.
        change = expected(stage, image, DRIFTS[1], "in all sizes") - logit
        tried = [(exponent, logit + change) for exponent, logit in tried]
    except StopRun:
        pass
    return weight(_next_exponent(tried, _logit(wanted)))


def trial_jobs(job):
    """Return the job of each stage of a trial, with its own number of steps.

    Their style weight is 1 in the unit of the job, which `at_size` turns into that of their size.

    Examples
    --------
    >>> import numpy as np
    >>> from stylelib.runs.job import make_job
    >>> grey = np.full((400, 600, 3), 128, np.uint8)
    >>> job = make_job({"content": grey, "style": grey}, size=768, strength=0.5)
    >>> [(small.size, small.recipe.steps) for small in trial_jobs(job)]
    [((128, 192), 60), ((256, 384), 40), ((512, 768), 10)]
    """
    recipe = job.recipe.by_stage()[-1].replace(style_weight=1.0)
    jobs = [scaled_job(job, stage.scale, recipe) for stage in TRIAL_STAGES]
    share = _share(job, [math.prod(small.size) for small in jobs])
    return [
        dataclasses.replace(
            small,
            recipe=at_size(recipe, job.size, small.size).replace(
                steps=max(1, round(stage.steps * share))
            ),
        )
        for small, stage in zip(jobs, TRIAL_STAGES, strict=True)
    ]


def _share(job, pixels):
    """What part of the evaluations of a trial a run can afford, at stages of so many pixels."""
    ends = [(stage.recipe.steps, math.prod(stage.size)) for stage in stage_jobs(job)]
    run = sum((end - before) * size for (before, _), (end, size) in pairwise([(0, 0), *ends]))
    first, *later = (stage.steps * size for stage, size in zip(TRIAL_STAGES, pixels, strict=True))
    affordable = LARGEST_SHARE / (1 - LARGEST_SHARE) * run / (TRIALS * first + sum(later))
    least = min(LEAST_STEPS, job.recipe.steps) / TRIAL_STAGES[0].steps
    return min(1.0, max(affordable, least))


def _balance(vgg, small):
    """The style weight for which a picture that ignores either term has the same loss.

    The painting has all of the content loss, the photograph all of the style loss.
    """
    terms = small.terms
    objective, photo = Objective(vgg, small.recipe, **terms), terms["content_image"]
    painting = load_image(terms["style_image"][0], size=photo.shape[:2])
    style_loss = float(objective.losses(preprocess(photo))["style"])
    content_loss = float(objective.losses(preprocess(painting))["content"])
    return content_loss / style_loss if content_loss > 0 < style_loss else 1.0


def _paint(small, objectives, style_weight, x0, callback):
    """Paint one stage of a trial; `style_weight` is in the unit of the whole job."""
    recipe = small.recipe.replace(style_weight=style_weight * small.recipe.style_weight)
    objective = objectives(dataclasses.replace(small, recipe=recipe))
    result = minimize(objective, x0, optimizer=recipe, steps=recipe.steps, callback=callback)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    if result.status == "failed":
        raise ValueError(f"expected a search_callback without errors: {result.stop_reason}")
    if result.status == "stopped":
        raise StopRun
    return result.image


def _at_the_end(logit, drift, steps):
    """The logit of a run's similarity, from that of a trial's, for a run of so many steps."""
    return logit + min(1.0, steps / DRIFT_STEPS) * ((SHRINK - 1) * logit + drift)


def _next_exponent(tried, wanted):
    """Where the line through the last two trials, or one of the usual slope, is as wanted."""
    if not tried:
        return (wanted - LOGIT_IN_BALANCE) / LOGIT_PER_DECADE
    slope, (exponent, found) = LOGIT_PER_DECADE, tried[-1]
    # Between weights that are nearly the same, chance makes any slope.
    if len(tried) > 1 and abs(exponent - tried[-2][0]) > 0.25:
        slope = (found - tried[-2][1]) / (exponent - tried[-2][0])
        slope = min(max(slope, 3 * LOGIT_PER_DECADE), LOGIT_PER_DECADE / 2)
    return exponent + min(max((wanted - found) / slope, -2.0), 2.0)


def _logit(similarity):
    similarity = min(max(similarity, 0.01), 0.99)
    return math.log(similarity / (1 - similarity))


def _similarity(logit):
    return 1 / (1 + math.exp(-logit))
