"""Work on many things in several processes, where there is enough of it and more than one processor.

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
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

LEAST = 200_000
"""Less work than this is done before other processes could begin to help. Work is counted in bytes of Python source: to
parse 2 MB and lower them takes a second."""

MOST_PROCESSES = 8

BATCHES_EACH = 4
"""Batches for each processor: files differ in how much work they are."""

Result = TypeVar("Result")
Item = TypeVar("Item")
_Job = tuple[int, Sequence[Item]]


def in_batches(
    groups: Sequence[Sequence[Item]],
    sizes: Sequence[Sequence[int]],
    work: Callable[[int, Sequence[Item]], Result],
    meanwhile: Callable[[], None] = lambda: None,
) -> list[list[Result]]:
    """Of each group the results of `work`, which is given the group's number, on consecutive runs of its items, in their
    order: at least one.

    `sizes`: how much work each item is. `meanwhile` is called once where the work is done by others.
    """
    processes = min(MOST_PROCESSES, _processors())
    whole = sum(map(sum, sizes))
    if processes < 2 or whole < LEAST or not _can_fork():
        return [[work(number, items)] for number, items in enumerate(groups)]
    each = whole / (processes * BATCHES_EACH)
    jobs = [
        (number, run)
        for number, (items, its_sizes) in enumerate(zip(groups, sizes, strict=True))
        for run in _runs(items, its_sizes, max(1, round(sum(its_sizes) / each)))
    ]
    delivered = _delivered(jobs, processes, work, meanwhile)
    results: list[list[Result]] = [[] for _ in groups]
    for place, job in enumerate(jobs):
        results[job[0]].append(delivered[place] if place in delivered else work(*job))
    return results


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The result of `work` on each item, in threads: for work on large arrays, which holds no lock."""
    if _processors() > 1:
        with contextlib.suppress(RuntimeError), ThreadPoolExecutor(_processors()) as threads:  # no room for a thread
            return list(threads.map(work, items))
    return [work(item) for item in items]


def _delivered(
    jobs: Sequence[_Job[Item]],
    processes: int,
    work: Callable[[int, Sequence[Item]], Result],
    meanwhile: Callable[[], None],
) -> dict[int, Result]:
    """Place of a job -> its result, of those that the processes deliver; each takes the next that none has taken."""
    results: dict[int, Result] = {}
    running: dict[Connection, BaseProcess] = {}
    taken, offered = os.pipe()
    try:
        os.write(offered, b"".join(place.to_bytes(_PLACE, "little") for place in range(len(jobs))))
        os.close(offered)  # before the first fork, so that all see the end of it
        for _ in range(min(processes, len(jobs))):
            receiver, child = _started(jobs, work, taken)
            running[receiver] = child
        meanwhile()
        while running:
            ready = wait([*running])
            for receiver in [one for one in running if one in ready]:
                try:
                    place, result = receiver.recv()
                    results[place] = result
                except (EOFError, OSError):  # it has done all, or has died
                    receiver.close()
                    running.pop(receiver).join()
    except OSError:  # no room for another process
        pass
    finally:
        os.close(taken)
        for receiver, child in running.items():
            receiver.close()
            child.kill()
            child.join()
    return results


_PLACE = 4
"""Bytes of a place of a job, read and written as one."""


def _started(
    jobs: Sequence[_Job[Item]], work: Callable[[int, Sequence[Item]], Any], taken: int
) -> tuple[Connection, BaseProcess]:
    """(where results will arrive, the process that works on the jobs)."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_deliver, args=(jobs, work, taken, sender), daemon=True)
    try:
        child.start()
    except OSError:
        receiver.close()
        raise
    finally:
        sender.close()  # the child alone holds it, so that its end is seen here
    return receiver, child


def _deliver(
    jobs: Sequence[_Job[Item]], work: Callable[[int, Sequence[Item]], Any], taken: int, sender: Connection
) -> None:
    # The parent is interrupted as well and ends its children; what goes wrong here comes up again there.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    results: SimpleQueue[object] = SimpleQueue()
    # A thread sends: what is worked on next does not wait for the parent to be ready for it.
    sending = threading.Thread(target=_send, args=(results, sender), daemon=True)
    sending.start()
    while place := os.read(taken, _PLACE):
        number = int.from_bytes(place, "little")
        with contextlib.suppress(Exception):
            results.put((number, work(*jobs[number])))
    results.put(None)
    sending.join()


def _send(results: SimpleQueue[object], sender: Connection) -> None:
    with contextlib.suppress(Exception):
        while (result := results.get()) is not None:
            sender.send(result)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _can_fork() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _runs(items: Sequence[Item], sizes: Sequence[int], count: int) -> list[Sequence[Item]]:
    """The items in at most `count` consecutive runs of about the same size."""
    whole = sum(sizes)
    runs: list[Sequence[Item]] = []
    start = done = 0
    for place, size in enumerate(sizes):
        done += size
        if done * count >= whole * (len(runs) + 1):
            runs.append(items[start : place + 1])
            start = place + 1
    return [*runs, items[start:]] if start < len(items) or not runs else runs
