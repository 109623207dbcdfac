"""The style weight that leaves as much of a photograph as was asked for.

The losses of two pictures have no common scale: a weight that suits one pair leaves nothing of the
photograph of another. What is the same for all pairs is the content similarity of the result, see
`content_similarity`. It falls with the style weight, and is nearly the same for a small picture
painted in a few evaluations, so the weight is found there.
"""

import itertools
import logging
import math

from stylelib.images.load import load_image
from stylelib.objective import Objective
from stylelib.preprocessing import preprocess
from stylelib.recipes.conventions import at_size
from stylelib.runs.job import scaled_job, stage_jobs
from stylelib.runs.similarity import similarity_to
from stylelib.runs.start import start
from stylelib.training import minimize

#: Longer side of the pictures of the search, and evaluations for each of them.
SEARCH_SIZE, SEARCH_STEPS = 160, 40
#: Weights that are tried.
TRIALS = 3
#: The part of the whole work that the search may take; what it compiles comes on top.
LARGEST_SHARE = 0.25
#: Evaluations for each picture of the search even where they take a larger part of a short run: in
#: fewer, the similarity is hardly that of the weight, and stays high whatever is tried.
LEAST_SEARCH_STEPS = 25
#: How near a trial must come to end the search.
TOLERANCE = 0.02
#: Measured on pairs that differ much, for `multiscale`: the logit of the similarity where both
#: losses are in balance, see `_balance`, and how much it falls for a weight ten times as large.
LOGIT_IN_BALANCE, LOGIT_PER_DECADE = 1.3, -1.2
#: How much higher the logit is at the end of a run than it was in the search: it rises with the
#: evaluations of the run, up to that many.
DRIFT, DRIFT_STEPS = 0.38, 100

logger = logging.getLogger(__name__)


def find_style_weight(job, vgg, callback=None):
    """Search the style weight for a job's strength.

    The logit of the similarity is nearly a straight line over the logarithm of the weight, so a few
    steps of the secant method are enough.

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
    longer = max(job.size)
    small = scaled_job(job, min(SEARCH_SIZE, longer / 2) / longer, job.recipe.by_stage()[-1])
    recipe = at_size(small.recipe, job.size, small.size)
    unit = recipe.style_weight / job.recipe.style_weight
    similarity = similarity_to(job.images["content"], job.network, job.weights, job.coverage)
    x0 = start(small)
    steps, wanted = _steps(job, small), 1 - job.strength
    balance = _balance(vgg, recipe, small.terms)
    drift = DRIFT * min(1.0, job.recipe.steps / DRIFT_STEPS)
    tried, wanted_logit = [], _logit(wanted) - drift
    for trial in range(1, TRIALS + 1):
        exponent = _next_exponent(tried, wanted_logit)
        weight = balance * 10**exponent
        objective = Objective(vgg, recipe.replace(style_weight=weight), **small.terms)
        result = minimize(objective, x0, optimizer=recipe, steps=steps, callback=callback)
        if result.status == "interrupted":
            raise KeyboardInterrupt
        if result.status == "failed":
            raise ValueError(f"expected a search_callback without errors: {result.stop_reason}")
        if result.status == "stopped":
            break
        found = _logit(similarity(small.in_color(result.image)))
        tried.append((exponent, found))
        expected = 1 / (1 + math.exp(-found - drift))  # similarity at the end of the run
        logger.info(
            "style weight %.2e (%d of %d): similarity %.2f, %.2f wanted",
            weight / unit, trial, TRIALS, expected, wanted,
        )  # fmt: skip
        if abs(expected - wanted) < TOLERANCE:
            break
    else:
        exponent = _next_exponent(tried, wanted_logit)
    return float(f"{balance * 10**exponent / unit:.6g}")


def _steps(job, small):
    """Evaluations of each trial."""
    ends = [(stage.recipe.steps, math.prod(stage.size)) for stage in stage_jobs(job)]
    run = sum(
        (end - before) * pixels
        for (before, _), (end, pixels) in itertools.pairwise([(0, 0), *ends])
    )
    affordable = LARGEST_SHARE / (1 - LARGEST_SHARE) * run / (TRIALS * math.prod(small.size))
    return min(SEARCH_STEPS, max(int(affordable), min(LEAST_SEARCH_STEPS, job.recipe.steps)))


def _balance(vgg, recipe, terms):
    """The style weight for which a picture that ignores either term has the same loss.

    The painting has all of the content loss, the photograph all of the style loss.
    """
    objective = Objective(vgg, recipe.replace(style_weight=1.0), **terms)
    content_image = terms["content_image"]
    painting = load_image(terms["style_image"][0], size=content_image.shape[:2])
    style_loss = float(objective.losses(preprocess(content_image))["style"])
    content_loss = float(objective.losses(preprocess(painting))["content"])
    return content_loss / style_loss if content_loss > 0 < style_loss else 1.0


def _next_exponent(tried, wanted):
    """Where the line through the last two trials, or one of the usual slope, is as wanted."""
    if not tried:
        return (wanted - LOGIT_IN_BALANCE) / LOGIT_PER_DECADE
    slope, (exponent, found) = LOGIT_PER_DECADE, tried[-1]
    if len(tried) > 1 and exponent != tried[-2][0]:
        slope = (found - tried[-2][1]) / (exponent - tried[-2][0])
        slope = min(max(slope, 3 * LOGIT_PER_DECADE), LOGIT_PER_DECADE / 2)
    return exponent + min(max((wanted - found) / slope, -2.0), 2.0)


def _logit(similarity):
    similarity = min(max(similarity, 0.01), 0.99)
    return math.log(similarity / (1 - similarity))
