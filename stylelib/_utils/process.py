"""State that belongs to the whole process: what Ctrl-C does, threads of BLAS, what is kept."""

import contextlib
import functools
import signal
import threading

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_users = 0
_limits = None


@contextlib.contextmanager
def sigint_handler(handler):
    """Let Ctrl-C do something else for a while, where that can be undone.

    It cannot in a thread, for only the main thread of the main interpreter may set handlers, nor
    where Python runs inside of another program that has a handler of its own, in C.

    Parameters
    ----------
    handler : callable or signal.SIG_IGN
        As `signal.signal` takes it. Processes that are started meanwhile take over ``SIG_IGN``.

    Examples
    --------
    >>> pressed = []
    >>> with sigint_handler(lambda *_: pressed.append(True)):
    ...     signal.raise_signal(signal.SIGINT)
    >>> pressed
    [True]
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        signal.signal(signal.SIGINT, handler)
    except ValueError:  # the main thread of another interpreter than the main one
        yield
        return
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handler:  # and not one that was set meanwhile
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def one_blas_thread():
    """Hold NumPy's and SciPy's BLAS to one thread.

    Its threads keep spinning after each small product and would take the cores from TensorFlow.
    The limit belongs to the process. So the first run sets it and the last one lifts it: a run must
    not find itself with other threads half-way, which would round its sums in another way.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_blas_thread():
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    {1}
    """
    global _users, _limits
    with _lock:
        if _users == 0:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.restore_original_limits()


def cached_once(function):
    """Keep a function's latest few results; threads that ask for one at once compute it once.

    Parameters
    ----------
    function : callable
        Its arguments must be hashable, and nobody may change what it returns.

    Examples
    --------
    >>> @cached_once
    ... def square(number):
    ...     print("computed")
    ...     return number**2
    >>> square(3), square(3)
    computed
    (9, 9)
    """
    lock = threading.Lock()
    cached = functools.lru_cache(maxsize=4)(function)

    @functools.wraps(function)
    def once(*arguments):
        with lock:
            return cached(*arguments)

    return once
