"""Seconds for the same sweeps here, in two processes, and on a Dask cluster of two workers.

``python -m benchmarks.sweeps`` runs all plans of data/sweeps in each way, into a folder that is
thrown away, and prints a table. Names of plans and ways can be given: ``... optimizer here dask``.
"""

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine
from stylelib import process_pool, sweep
from stylelib.sweeps.plan_file import read_plan
from stylelib.vgg.weights import DATA

PLANS = {path.stem: path for path in sorted((DATA / "sweeps").glob("*.toml"))}
WORKERS = 2


@contextlib.contextmanager
def dask():
    from distributed import Client, LocalCluster

    os.environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, os.cpu_count() // WORKERS))
    options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.wait_for_workers(WORKERS)
        yield client.get_executor()
    del os.environ["TF_NUM_INTRAOP_THREADS"]


WAYS = {
    "here": contextlib.nullcontext,
    "processes": lambda: process_pool(WORKERS),
    "dask": dask,
}


def measured(way, plans):
    """Trials and seconds of some plans, with the start of the workers."""
    start, trials = time.perf_counter(), 0
    with WAYS[way]() as executor, tempfile.TemporaryDirectory() as folder:
        for name in plans:
            arguments = read_plan(PLANS[name]) | {"folder": Path(folder, name)}
            trials += len(sweep(**arguments, executor=executor, progress=False))
    return trials, time.perf_counter() - start


def main(names):
    if unknown := [name for name in names if name not in {*PLANS, *WAYS}]:
        sys.exit(f"expected some of {', '.join([*PLANS, *WAYS])}, got {', '.join(unknown)}")
    plans = [name for name in names if name in PLANS] or list(PLANS)
    ways = [name for name in WAYS if name in names] or list(WAYS)
    print("| way | trials | seconds |\n|---|---|---|", flush=True)
    for way in ways:
        trials, seconds = measured(way, plans)
        print(f"| {way} | {trials} | {seconds:.0f} |", flush=True)
    print(f"\n{machine()}")


if __name__ == "__main__":
    main(sys.argv[1:])
