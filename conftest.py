"""Settings for every kind of test in the repository."""

import pytest

#: Examples that paint with all of VGG; tests of the same names do so with a small network.
SLOW_EXAMPLES = (
    "stylelib.runs.checkpoints.Checkpoints",
    "stylelib.sweeps.sweep.sweep",
    "stylelib.visualization.animation.Film",
    "stylelib.visualization.playground.Playground",
)


#: Takes a minute and more; if it came last, one worker would wait for the other.
LONGEST = "test_checks_refuse_stubs_and_wrong_answers"


def pytest_collection_modifyitems(items):
    """Leave the examples that take long to `make test`, and begin with the longest tests."""
    for item in items:
        if item.name in SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


def pytest_collectstart(collector):
    """Do not compare standard error: TensorFlow logs there, and times differ."""
    if getattr(collector, "skip_compare", None) is not None:
        collector.skip_compare += ("stderr",)
