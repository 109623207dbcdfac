"""Many transfers at once: a grid or a list of changes to a recipe, each result kept in a folder.

One transfer of a sweep is a trial. Trials are independent, so any `concurrent.futures` executor
can run them: threads, processes, or a Dask cluster of many machines. Pictures are read, and results
written, by the process that called `sweep`; its workers need nothing but this library.
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stylelib._utils.checks import check_choice, check_count, check_flag, one_line, shortened
from stylelib._utils.files import user_path, writable_folder
from stylelib._utils.process import sigint_handler
from stylelib._utils.progress import Progress
from stylelib._utils.types import Changes, Precision, Source
from stylelib._utils.types import Path as AnyPath
from stylelib.images.save import ENDINGS
from stylelib.recipes.recipe import Recipe
from stylelib.runs import memory
from stylelib.sweeps.grid import make_trials
from stylelib.sweeps.results import as_table, is_done, read_results, write_result

if TYPE_CHECKING:
    import pandas

#: Trials handed to an executor and not finished yet: as many as a large cluster has workers, and
#: few enough that their pictures fit into memory.
IN_FLIGHT = 256


def sweep(
    content: Source | Sequence[Source],
    style: Source | Sequence[Source],
    changes: Mapping[str, Sequence[Any]] | Sequence[Changes],
    folder: AnyPath,
    recipe: str | Recipe = "multiscale",
    executor: concurrent.futures.Executor | None = None,
    ending: str = ".png",
    progress: bool = True,
    precision: Precision = "float32",
    **settings: Any,
) -> "pandas.DataFrame":
    """Run `transfer` for every combination of pictures and changes.

    Each result is written as it finishes, as a picture and a JSON file of its settings and losses.
    A second run on the same folder does only what is missing, and tries again what failed without
    a picture. A trial that diverged has one, the best until then, and the reason as its error.

    Parameters
    ----------
    content, style : a picture or a list of them
        Whatever `load_image` takes; in the list of styles, a list of several that are used at once.
    changes : dict of lists, or list of dicts
        A dict is a grid: each name with a list of values, and every combination is a trial. A list
        holds the trials themselves. Names are those of `transfer`: settings of a recipe, and
        ``recipe``, ``size``, ``steps``, ``network``, ``weights``, ``init``, ``style_scale``,
        ``precision``, ``seed``, ``as_published``, ``tile``, ``strength``, ``style_weights`` and
        ``masks``.
    folder : str or path
        Made if it is not there.
    recipe : str or Recipe
    executor : concurrent.futures.Executor, optional
        Where the trials run; by default here, one after the other. `process_pool` makes one for
        this machine, ``dask.distributed.Client.get_executor()`` one for a cluster.
    ending : str
        Of the pictures, see `ENDINGS`; ``".jpg"`` takes less room.
    progress : bool
        Whether standard error tells how far it is.
    precision : {"float32", "bfloat16", "float16", "auto"}
        By default otherwise than in `transfer`: what ``"auto"`` takes depends on the machine, and
        the trials of a sweep are compared, whichever machines they ran on.
    **settings
        What all trials share, such as ``size=160``.

    Returns
    -------
    pandas.DataFrame
        The trials of this sweep, in order; see `load_sweep`.

    Raises
    ------
    ValueError
        For any name, value or picture that `transfer` would refuse, and a folder that cannot be
        written to, or an executor that is shut down. All of this is found out before the first
        trial runs. A trial that fails later
        stops nothing: its error is in the table.

    Examples
    --------
    >>> import tempfile
    >>> from stylelib import noise_image
    >>> content, style = noise_image((40, 60), seed=1), noise_image((50, 50), seed=2)
    >>> grid = {"style_weight": [1e2, 1e4], "pooling": ["max", "average"]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = sweep(content, style, grid, folder, size=32, steps=2, progress=False)
    >>> table[["style_weight", "pooling", "evaluations"]].values.tolist()[-1]
    [10000.0, 'average', 2]
    """
    check_choice("ending", ending, ENDINGS)
    check_flag("progress", progress)
    _check_executor(executor)
    settings |= {"recipe": recipe, "precision": precision}
    trials = make_trials(content, style, changes, settings)
    folder = user_path(folder)
    there = read_results(folder)
    missing = [trial for trial in trials if not is_done(there.get(trial.key), folder)]
    if missing:  # else a folder that may only be read is enough
        writable_folder(folder)
    with Progress(len(missing), "trial") if progress else contextlib.nullcontext() as bar:
        if bar and missing:
            bar.show()
        with contextlib.closing(_outcomes(missing, executor)) as outcomes:
            for trial, outcome in outcomes:
                write_result(folder, trial, outcome, ending)
                if bar:
                    bar.update(trial.title or "done")
    records = read_results(folder)
    names = dict.fromkeys(name for trial in trials for name in trial.changes)
    return as_table([records[trial.key] for trial in trials], folder, names)


def load_sweep(folder: AnyPath) -> "pandas.DataFrame":
    """Read all that `sweep` has written into a folder, in one run or in several.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    pandas.DataFrame
        A row for each trial: ``content_image`` and ``style_image`` (names), a column for each
        setting that was changed, ``total_loss`` (weighted), ``content_loss``, ``style_loss`` and
        ``tv_loss`` (each without its weight, in the recipe's convention, NaN where the weight is
        0) of the picture, ``evaluations``, ``seconds``, ``stop_reason``, ``picture`` (a path),
        ``error`` (missing where all went well), ``history``, ``stage_starts`` and ``settings`` (as
        in `Result`).

    Raises
    ------
    ValueError
        Where there is no such folder, or a file in it is not from a sweep.

    Examples
    --------
    >>> load_sweep("no such folder")
    Traceback (most recent call last):
    ...
    ValueError: cannot read no such folder: there is no such folder
    """
    folder = user_path(folder)
    name = shortened(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"cannot read {name}: there is no such folder")
    records = sorted(read_results(folder).values(), key=lambda record: record["number"])
    if not records:
        raise ValueError(f"cannot read {name}: expected results of a sweep, found none")
    names = dict.fromkeys(name for record in records for name in record["changes"])
    return as_table(records, folder, names)


def process_pool(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    """Make an executor of several processes that share this machine's cores and memory evenly.

    Parameters
    ----------
    workers : int
        Number of processes. One evaluation already uses all cores, so two processes pay where
        pictures are small, and need twice the memory. Each may take its share of what is free now;
        a trial that needs more fails before it begins.

    Returns
    -------
    concurrent.futures.ProcessPoolExecutor
        Its processes start afresh. A script that uses it needs ``if __name__ == "__main__":``.

    Examples
    --------
    >>> process_pool(0)
    Traceback (most recent call last):
    ...
    ValueError: expected workers as a whole number of at least 1, got 0
    """
    check_count("workers", workers)
    return _Pool(
        workers,
        # TensorFlow hangs in a process forked from one that has used it.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_take_share,
        initargs=(workers, memory.shared_memory() / workers),
    )


class _Pool(concurrent.futures.ProcessPoolExecutor):
    """After Ctrl-C it ends its processes, which know nothing of it, instead of waiting for them."""

    def submit(self, *arguments, **options):
        with sigint_handler(signal.SIG_IGN):  # which a process that is started here takes over
            return super().submit(*arguments, **options)

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for process in list((self._processes or {}).values()):
                process.terminate()
        return super().__exit__(kind, error, trace)


def _take_share(workers, share):
    """Keep to a share of the memory and, with TensorFlow, not imported yet, of the cores."""
    memory.SHARE = share  # else each worker would take what is free for its own
    allowed = getattr(os, "sched_getaffinity", None)  # only Linux tells
    cores = len(allowed(0)) if allowed else os.cpu_count()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, cores // workers)))


def _check_executor(executor):
    if executor is None:
        return
    if not isinstance(executor, concurrent.futures.Executor):
        raise ValueError(
            "expected executor as a concurrent.futures.Executor, such as process_pool(2) or "
            f"Dask's client.get_executor(), got a {type(executor).__name__}"
        )
    context = getattr(executor, "_mp_context", None)
    if context and context.get_start_method() == "fork" and "tensorflow" in sys.modules:
        raise ValueError(
            "expected processes that start afresh, since TensorFlow hangs in a forked one: use "
            "process_pool, or ProcessPoolExecutor with mp_context=get_context('spawn')"
        )


def _outcomes(trials, executor):
    """Yield each trial with its `Result`, or its error in words, as it finishes."""
    if executor is None:
        for trial in trials:
            yield trial, _compute(trial.job)
        return
    waiting = {}
    try:
        for trial in trials:
            if len(waiting) == IN_FLIGHT:
                yield from _finished(waiting)
            waiting[_submitted(executor, trial.job)] = trial
        while waiting:
            yield from _finished(waiting)
    finally:  # also after Ctrl-C
        for future in waiting:
            future.cancel()


def _compute(job):
    """Run one trial, wherever the executor has sent it."""
    from stylelib.runs.run import run

    try:
        result = run(job)
    except Exception as error:  # whatever it is must not stop the other trials
        return _described(error)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    if result.status == "failed":  # as memory ran out; the picture is only that of a stage
        return result.stop_reason
    return result


def _submitted(executor, job):
    try:
        return executor.submit(_compute, job)
    except concurrent.futures.BrokenExecutor as error:  # no worker is left
        future = concurrent.futures.Future()
        future.set_exception(error)
        return future
    except RuntimeError as error:
        raise ValueError(
            f"expected an executor that takes trials, got one that does not: {one_line(error)}"
        ) from error


def _finished(waiting):
    """Take at least one trial out of those that wait."""
    done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
    for future in done:
        trial = waiting.pop(future)
        try:
            yield trial, future.result()
        except Exception as error:  # of a worker that died
            yield trial, _described(error)


def _described(error):
    return f"{type(error).__name__}: {one_line(error)}"
