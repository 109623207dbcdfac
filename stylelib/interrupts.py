"""What Ctrl-C does for a while."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def answering_ctrl_c(handler):
    """Answer Ctrl-C in another way; only the main thread can, and is asked.

    Parameters
    ----------
    handler : callable or signal.SIG_IGN
        As `signal.signal` takes it. Processes that are started meanwhile take over ``SIG_IGN``.

    Examples
    --------
    >>> pressed = []
    >>> with answering_ctrl_c(lambda *_: pressed.append(True)):
    ...     signal.raise_signal(signal.SIGINT)
    >>> pressed
    [True]
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
