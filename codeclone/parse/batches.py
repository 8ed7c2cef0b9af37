"""Work on many files in several processes, where there is enough of it and more than one processor.

The result is the same however the work is divided, and whatever becomes of the processes: what one of them does not
deliver, because it was killed or found no memory, is done here. Only on Linux, and only by forking: a child begins with
everything the parent has read, and nothing is started anew.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

LEAST_BYTES = 400_000
"""Less than this is done before another process could begin to help."""

MOST_PROCESSES = 8

BATCHES_EACH = 2
"""Batches for each processor: files differ in how much work they are."""

Result = TypeVar("Result")
Work = Callable[[Sequence[object]], Result]


def in_batches(
    items: Sequence[object], sizes: Sequence[int], work: Work[Result], meanwhile: Callable[[], None]
) -> list[Result]:
    """The results of `work` on consecutive runs of the items, in their order: at least one.

    `sizes`: bytes of each. `meanwhile` is called once where the work is done by others.
    """
    processes = min(MOST_PROCESSES, _processors())
    if processes < 2 or len(items) < 2 or sum(sizes) < LEAST_BYTES or not _can_fork():
        return [work(items)]
    batches = _runs(items, sizes, processes * BATCHES_EACH)
    delivered = _delivered(batches, processes, work, meanwhile)
    return [delivered[number] if number in delivered else work(batch) for number, batch in enumerate(batches)]


def _delivered(
    batches: Sequence[Sequence[object]], processes: int, work: Work[Result], meanwhile: Callable[[], None]
) -> dict[int, Result]:
    """Number of a batch -> its result, of those that a process of their own delivers; so many processes at a time."""
    results: dict[int, Result] = {}
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    waiting = list(enumerate(batches))
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                number, batch = waiting.pop(0)
                receiver, child = _started(work, batch)
                running[receiver] = number, child
                if number + 1 == min(processes, len(batches)):
                    meanwhile()
            ready = wait([*running])
            for receiver in [one for one in running if one in ready]:
                with receiver, contextlib.suppress(EOFError, OSError):  # the child has died
                    results[running[receiver][0]] = receiver.recv()
                running.pop(receiver)[1].join()
    except OSError:  # no room for another process
        pass
    finally:
        for receiver, (_, child) in running.items():
            receiver.close()
            child.kill()
            child.join()
    return results


def _started(work: Work[Result], batch: Sequence[object]) -> tuple[Connection, BaseProcess]:
    """(where the result will arrive, the process that works on it)."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_deliver, args=(work, batch, sender), daemon=True)
    try:
        child.start()
    except OSError:
        receiver.close()
        raise
    finally:
        sender.close()  # the child alone holds it, so that its end is seen here
    return receiver, child


def _deliver(work: Work[Any], batch: Sequence[object], sender: Connection) -> None:
    # The parent is interrupted as well and ends its children; what goes wrong here comes up again there.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(Exception):
        sender.send(work(batch))


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
