"""A run in stages: small pictures first, each enlarged for the next, also called coarse-to-fine.

Strokes larger than the receptive field of the deepest style layer have to be painted where the
picture is small, and a small picture costs little. Gatys et al. do so in their paper on control,
arXiv 1611.07865. Nothing here imports TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from stylelib._utils.checks import check_choice, check_number, shown

#: Settings that a stage may have otherwise than its recipe. The style weight is not among them: one
#: number says how strong the style is.
STAGE_SETTINGS = ("content_layers", "content_weight", "style_layers", "layer_weights", "tv_weight")
#: Longer side, in pixels, below which no stage goes unless the result does.
SMALLEST_STAGE = 128
#: Evaluations of each stage, at least: in fewer, L-BFGS hardly leaves the enlarged picture.
LEAST_STEPS = 5


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of a recipe.

    Parameters
    ----------
    scale : float
        Its longer side as a share of the result's, above 0 and at most 1. No stage is smaller than
        `SMALLEST_STAGE` pixels, or than its layers need.
    steps : float
        Its evaluations of the loss, as a share of those of all stages: a recipe of 300 steps and
        stages of 2 and 1 evaluates 200 and 100 times.
    changes : dict, optional
        Settings of the recipe that this stage has otherwise, of `STAGE_SETTINGS`.

    Raises
    ------
    ValueError
        For a value out of range, and a setting that is not one of a stage.

    Examples
    --------
    >>> Stage(0.5, 100, {"content_weight": 0.5})
    Stage(scale=0.5, steps=100, changes=(('content_weight', 0.5),))
    """

    scale: float
    steps: float
    changes: Any = ()

    def __post_init__(self):
        check_number("scale of a stage", self.scale, positive=True)
        if self.scale > 1:
            raise ValueError(f"expected scale of a stage as at most 1, got {self.scale}")
        check_number("steps of a stage", self.steps, positive=True)
        try:
            changes = dict(self.changes)
        except (TypeError, ValueError):
            raise ValueError(
                f"expected changes of a stage as a dict, got {shown(self.changes)}"
            ) from None
        for name in changes:
            check_choice("a setting of a stage:", name, STAGE_SETTINGS)
        tuples = {n: tuple(v) if isinstance(v, list) else v for n, v in changes.items()}
        object.__setattr__(self, "changes", tuple(sorted(tuples.items())))

    def without(self, names: Any) -> "Stage":
        """Return a copy that has these settings as its recipe has them.

        Examples
        --------
        >>> Stage(0.5, 100, {"content_weight": 0.5}).without(["content_weight"]).changes
        ()
        """
        kept = {name: value for name, value in self.changes if name not in names}
        return dataclasses.replace(self, changes=kept)


def as_stages(stages):
    """Turn whatever describes stages, as it comes from a JSON or TOML file, into a tuple of them.

    Examples
    --------
    >>> as_stages([(0.5, 2), {"scale": 1, "steps": 1}])
    (Stage(scale=0.5, steps=2, changes=()), Stage(scale=1, steps=1, changes=()))
    """
    if not isinstance(stages, (list, tuple)):
        raise ValueError(f"expected stages as a list, got {shown(stages)}")
    stages = tuple(map(_as_stage, stages))
    if stages and stages[-1].scale != 1:
        raise ValueError(f"expected 1 as the scale of the last stage, got {stages[-1].scale}")
    return stages


def _as_stage(stage):
    if isinstance(stage, Stage):
        return stage
    try:
        return Stage(**stage) if isinstance(stage, Mapping) else Stage(*stage)
    except TypeError:
        raise ValueError(
            f"expected a stage as scale, steps and changes, got {shown(stage)}"
        ) from None


def stage_ends(stages, steps):
    """After how many evaluations of the run each stage ends.

    Where there are fewer than `LEAST_STEPS` for each stage, only the last stages take place.

    Examples
    --------
    >>> stages = as_stages([(0.25, 150), (0.5, 100), (1, 60)])
    >>> [stage_ends(stages, steps) for steps in (310, 31, 18, 12, 3)]
    [[150, 250, 310], [15, 25, 31], [8, 13, 18], [7, 12], [3]]
    """
    stages = stages[-max(1, steps // LEAST_STEPS) :]
    total, share, ends = sum(stage.steps for stage in stages), 0.0, []
    for number, stage in enumerate(stages, start=1):
        share += stage.steps
        end = int(share / total * steps + 1e-9)  # what is whole stays whole
        end = max(end, (ends[-1] if ends else 0) + LEAST_STEPS)
        ends.append(min(end, steps - LEAST_STEPS * (len(stages) - number)))
    return ends
