"""How the notebooks check an exercise: with assertions in the cell, and one line about them."""

import traceback
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def check(exercise):
    """Print one line: not solved yet, solved, or what the first mistake is.

    That is the message of the first assertion that fails, or the error that the answer raises.
    """
    try:
        yield
    except NotImplementedError:
        print(f"{exercise}: not solved yet")
    except AssertionError as mistake:
        print(f"{exercise}: not right yet. {mistake}")
    except Exception as error:
        print(f"{exercise}: not right yet. {_described(error)}")
    else:
        print(f"{exercise}: solved")


def _described(error):
    """Say which line of the answer raised an error, or that the check cannot use what came back."""
    _, check_cell, *frames = traceback.extract_tb(error.__traceback__)
    of_cells = Path(check_cell.filename).parent
    inside = [frame for frame in frames if Path(frame.filename).parent == of_cells]
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:200]
    if inside and inside[-1].filename != check_cell.filename:
        return f"The line `{inside[-1].line}` raises {message}"
    return f"The check cannot use what your function returns (is there a `return`?): {message}"
