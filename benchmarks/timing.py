"""Clocks: medians, and rounds in turn, so that a drifting machine is as unfair to one as to all."""

import itertools
import statistics
import time

import numpy as np


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def timed(step, count):
    """Median seconds of a step, a function without arguments that returns one number."""
    return statistics.median(seconds_of(lambda: float(step())) for _ in range(count))  # waits


def in_turn(contestants, rounds):
    """Call every contestant once a round: what each returned, one number for each round."""
    values = {name: [] for name in contestants}
    for _, (name, run) in itertools.product(range(rounds), contestants.items()):
        values[name].append(run())
    return values


def compared(contestants, rounds=5, count=3):
    """Seconds of each step in each round."""
    for step in contestants.values():
        timed(step, 2)  # compiles
    runs = {name: lambda step=step: timed(step, count) for name, step in contestants.items()}
    return in_turn(runs, rounds)


def ratio(values, name, other):
    """Median of the ratios within each round: of two drifting clocks, these drift the least."""
    return statistics.median(np.divide(values[name], values[other]))


def medians(values):
    return {name: statistics.median(each) for name, each in values.items()}
