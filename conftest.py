"""Settings for every kind of test in the repository."""


def pytest_collectstart(collector):
    """Do not compare standard error: TensorFlow logs there, and times differ."""
    if getattr(collector, "skip_compare", None) is not None:
        collector.skip_compare += ("stderr",)
