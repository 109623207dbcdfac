"""Runs at the same time, in one process or several, paint what they paint alone."""

import concurrent.futures
import os

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from stylelib import noise_image, process_pool, transfer
from stylelib._utils.process import one_blas_thread
from stylelib.runs import memory

OPTIONS = {"size": 64, "steps": 12, "init": "content", "style_layers": ["conv1_1", "conv3_1"]}


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def paint(seed, optimizer):
    pictures = noise_image((48, 64), seed), noise_image((50, 50), seed + 1)
    return transfer(*pictures, optimizer=optimizer, **OPTIONS).image


@pytest.mark.usefixtures("either_network")
@pytest.mark.parametrize("optimizer", ["lbfgs", pytest.param("adam", marks=pytest.mark.slow)])
def test_two_transfers_in_two_threads_give_the_bytes_they_give_alone(optimizer):
    alone = [paint(seed, optimizer) for seed in (1, 2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        together = list(pool.map(paint, (1, 2), (optimizer, optimizer)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_processes_of_a_pool_start_afresh_and_share_cores_and_memory(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    pool = process_pool(3)
    assert pool._mp_context.get_start_method() == "spawn"
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")  # so that it is put back
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.setattr(memory, "SHARE", 0)
    pool._initializer(*pool._initargs)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"
    assert 0 < memory.SHARE < memory.shared_memory()
    pool.shutdown()


@pytest.mark.slow
def test_two_transfers_in_a_process_pool_give_the_bytes_they_give_alone():
    # Alone in such a process, which has one of two cores: on some processors the number of threads
    # changes how TensorFlow rounds its sums.
    with process_pool(2) as pool:
        alone = [pool.submit(paint, seed, "lbfgs").result() for seed in (1, 2)]
        together = list(pool.map(paint, (1, 2), ("lbfgs", "lbfgs")))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_blas_limit_is_set_once_and_lifted_by_the_last():
    before = blas_threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before
