"""Parameters of a test, of which some take long."""

import pytest


def params(values, slow, name=str):
    """Return the values as parameters; those for which `slow` is true carry the mark."""
    marks = {True: pytest.mark.slow, False: ()}
    return [pytest.param(value, marks=marks[slow(value)], id=name(value)) for value in values]
