"""Work on many files in several processes, where there is enough of it and more than one processor.

The result is the same however the work is divided. Only on Linux, and only by forking: a child begins with everything the
parent has read, and nothing is started anew.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

LEAST_BYTES = 400_000
"""Less than this is done before another process could begin to help."""

MOST_PROCESSES = 8

BATCHES_EACH = 2
"""Batches for each process: files differ in how much work they are."""

Result = TypeVar("Result")

_work: Callable[[int], Any] | None = None
"""What a child does with the number of a batch; set before the children are made, which inherit it."""


def in_batches(
    items: Sequence[object],
    sizes: Sequence[int],
    work: Callable[[Sequence[object]], Result],
    meanwhile: Callable[[], None],
) -> list[Result]:
    """The results of `work` on consecutive runs of the items, in their order: at least one.

    `sizes`: bytes of each. `meanwhile` is called once where the work is done by others.
    """
    processes = min(MOST_PROCESSES, _processors())
    if processes < 2 or sum(sizes) < LEAST_BYTES or not _can_fork():
        return [work(items)]
    batches = _runs(items, sizes, processes * BATCHES_EACH)
    global _work
    _work = lambda number: work(batches[number])  # noqa: E731
    try:
        with warnings.catch_warnings():
            # Threads of the numerical libraries sleep while nobody multiplies matrices: there is nothing to wait for.
            warnings.simplefilter("ignore", DeprecationWarning)
            pool = multiprocessing.get_context("fork").Pool(processes)
        with pool:
            results = pool.map_async(_do, range(len(batches)), chunksize=1)
            meanwhile()
            return results.get()
    except OSError:  # no room for another process
        return [work(items)]
    finally:
        _work = None


def _do(number: int) -> Any:
    assert _work is not None  # a child is made after it is set
    return _work(number)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _can_fork() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _runs(items: Sequence[object], sizes: Sequence[int], count: int) -> list[Sequence[object]]:
    """The items in at most `count` consecutive runs of about the same size."""
    whole = sum(sizes)
    runs: list[Sequence[object]] = []
    start = done = 0
    for place, size in enumerate(sizes):
        done += size
        if done * count >= whole * (len(runs) + 1):
            runs.append(items[start : place + 1])
            start = place + 1
    return [*runs, items[start:]] if start < len(items) else runs
