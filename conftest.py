"""Settings for every kind of test in the repository."""

import pytest

#: Examples that paint with all of VGG; tests of the same names do so with a small network.
SLOW_EXAMPLES = (
    "stylelib.api.transfer",
    "stylelib.runs.checkpoints.Checkpoints",
    "stylelib.runs.run.run",
    "stylelib.sweeps.sweep.sweep",
    "stylelib.training.StopRun",
    "stylelib.visualization.animation.Film",
    "stylelib.visualization.playground.Playground",
)


#: Takes a minute and more; if it came last, one worker would wait for the other.
LONGEST = "test_checks_refuse_stubs_and_wrong_answers"


def pytest_collection_modifyitems(config, items):
    """Leave what takes long to `make test`, not measure what it covers, and begin with the longest.

    The quick tests are to cover the library by themselves. Tracing takes a quarter of the time of
    whatever paints, since it is all of TensorFlow's Python that is traced.
    """
    measured = config.pluginmanager.hasplugin("_cov")
    for item in items:
        if item.name in SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)
        if measured and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


def pytest_collectstart(collector):
    """Do not compare standard error: TensorFlow logs there, and times differ."""
    if getattr(collector, "skip_compare", None) is not None:
        collector.skip_compare += ("stderr",)
