"""Tensors of a checkpoint as matrices of float32: some rows and columns of one, or all of it in runs.

A tensor's rows are its first dimension, its columns all the others. Only what is asked for is read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from codeclone.model import Checkpoint, File, Tensor
from codeclone.read.file_bytes import Source
from codeclone.read.layouts import Layout, layout_of
from codeclone.read.number_types import ValuesError as ValuesError
from codeclone.read.number_types import decode, decoded

AT_ONCE = 2**18
"""Units, single values or blocks of them, that are held at once beside what is returned."""

TILE = 2**22
"""Values of a tensor that does not lie row by row that are brought into order at once."""

GAP = 4096
"""Bytes between two wanted parts that are read rather than left out: to copy them takes as long as another system call."""

MAX_OPEN = 16
"""Files that are open at once."""

_TORCH = {"torch", "torch zip"}


@contextmanager
def opened(files: Mapping[str, File], checkpoint: Checkpoint) -> Iterator[TensorValues]:
    """The values of a checkpoint's tensors, for as long as its files are open. `files`: by path."""
    values = TensorValues(files, checkpoint)
    try:
        yield values
    finally:
        values.close()


class TensorValues:
    """Reads a checkpoint's tensors, each by its place in `checkpoint.tensors`.

    Values are float32: F64 and large integers are rounded, or infinite; NaN and infinities are as they are.
    """

    def __init__(self, files: Mapping[str, File], checkpoint: Checkpoint) -> None:
        self._files, self._checkpoint = files, checkpoint
        self._open: OrderedDict[str, Source] = OrderedDict()
        self._closed = False
        self._big = checkpoint.metadata.get("byteorder") == "big"
        self._only_torch = _TORCH.issuperset(checkpoint.formats)

    def close(self) -> None:
        self._closed = True
        while self._open:
            self._open.popitem()[1].close()

    def grid(self, place: int, rows: NDArray[np.int64], first: int, count: int) -> NDArray[np.float32]:
        """Values of these rows, in any order, and of `count` columns from `first` on; shape (rows, count).

        Raises ValuesError, and ValueError for rows and columns that the tensor does not have.
        """
        tensor, layout = self._tensor(place)
        if len(rows) and not (rows.min() >= 0 and rows.max() < layout.rows):
            raise ValueError(f"rows of {layout.rows:,} that are not there")
        if first < 0 or count < 0 or first + count > layout.columns:
            raise ValueError(f"columns of {layout.columns:,} that are not there")
        if not len(rows) or not count:
            return np.empty((len(rows), count), np.float32)
        source, start = self._placed(place, layout)
        big = self._is_big(tensor)
        found = np.empty((len(rows), count), np.float32)
        block = layout.block
        begin, end = first // block, -(-(first + count) // block)
        for some, left, right in _blocks(layout, len(rows), begin, end):
            raw = _gathered(source, start, layout, rows[some], left, right - left)
            low, high = max(left * block, first), min(right * block, first + count)
            target = found[some, low - first : high - first]
            if block == 1:
                decode(raw, tensor.dtype, big, target)
            else:
                whole = decoded(raw.reshape(-1), tensor.dtype, big).reshape(len(raw), -1)
                target[...] = whole[:, low - left * block : high - left * block]
        return found

    def runs(self, place: int, count: int) -> Iterator[tuple[memoryview, NDArray[np.float32]]]:
        """All values row by row, at most about `count` at a time, each time with the bytes that they were decoded from.

        The bytes are those of the file, in the order of the values; both may be the same memory. Raises ValuesError.
        """
        if count < 1:
            raise ValueError("runs of no value")
        tensor, layout = self._tensor(place)
        if not layout.rows * layout.columns:
            return
        big = self._is_big(tensor)
        for raw in self._all_bytes(place, layout, max(1, count // layout.block)):
            yield raw.data, decoded(raw, tensor.dtype, big)

    def _all_bytes(self, place: int, layout: Layout, count: int) -> Iterator[NDArray[np.uint8]]:
        """All bytes row by row, those of `count` units at a time."""
        size, units = layout.size, layout.columns // layout.block
        if layout.is_flat:
            for begin in range(0, layout.rows * units, count):
                # Each time anew: between two runs other tensors may be read, and the file be closed for theirs.
                source, start = self._placed(place, layout)
                raw = np.empty(min(count, layout.rows * units - begin) * size, np.uint8)
                source.fill(start + begin * size, raw.data)
                yield raw
            return
        source, _ = self._placed(place, layout)
        if layout.rows * units * size > source.size:
            raise ValuesError("its shape has more values than its file has room for")
        width = min(units, TILE)
        for top in range(0, layout.rows, TILE // width):
            rows = np.arange(top, min(layout.rows, top + TILE // width))
            for left in range(0, units, width):
                source, start = self._placed(place, layout)
                tile = _gathered(source, start, layout, rows, left, min(width, units - left)).reshape(-1)
                for first in range(0, len(tile), count * size):
                    yield tile[first : first + count * size]

    def _tensor(self, place: int) -> tuple[Tensor, Layout]:
        tensor = self._checkpoint.tensors[place]
        return tensor, layout_of(tensor)

    def _is_big(self, tensor: Tensor) -> bool:
        """Whether its bytes are in big-endian order: only torch says so, and all formats can carry such a word."""
        return self._big and (self._only_torch or (tensor.stored is not None and tensor.stored.member is not None))

    def _placed(self, place: int, layout: Layout) -> tuple[Source, int]:
        """The open file of a tensor, and where in it the tensor begins."""
        stored = self._checkpoint.tensors[place].stored
        assert stored is not None
        source = self._source(self._checkpoint.paths[self._checkpoint.owners[place]])
        return source, source.start(stored, layout.span * layout.size)

    def _source(self, path: str) -> Source:
        if self._closed:
            raise ValueError("the files are closed")
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        if path not in self._files:
            raise ValuesError("its file is not there")
        if len(self._open) >= MAX_OPEN:
            self._open.popitem(last=False)[1].close()
        self._open[path] = Source(self._files[path])
        return self._open[path]


# Reading


def _blocks(layout: Layout, rows: int, begin: int, end: int) -> Iterator[tuple[slice, int, int]]:
    """Parts of a grid of `AT_ONCE` units and less: places in the rows that are asked for, and units of the columns."""
    if not layout.by_column:
        width = min(end - begin, AT_ONCE)
        height = AT_ONCE // width
    else:
        height = min(rows, AT_ONCE)
        width = AT_ONCE // height
    if layout.block > 1:
        height = max(1, height // layout.block)
        width = min(width, max(1, AT_ONCE // layout.block))
    for top in range(0, rows, height):
        for left in range(begin, end, width):
            yield slice(top, min(rows, top + height)), left, min(end, left + width)


def _gathered(
    source: Source, start: int, layout: Layout, rows: NDArray[np.int64], first: int, count: int
) -> NDArray[np.uint8]:
    """Bytes of some rows and of `count` units of each from `first` on; shape (rows, bytes)."""
    size = layout.size
    raw = np.empty((len(rows), count * size), np.uint8)
    if layout.tail is None:
        _strips(source, start, size, rows * layout.row_step + first, count, raw)
        return raw
    values = raw.view(f"u{size}")
    columns = np.arange(first, first + count)
    if layout.by_column:
        lines, within, values = _steps(columns, layout.tail), rows, values.T
    else:
        lines, within = rows * layout.row_step, _steps(columns, layout.tail)
    order = np.argsort(within, kind="stable")
    within = within[order]
    for begin, end in _near(within, 1, GAP // size):
        span = int(within[end - 1] - within[begin]) + 1
        height = max(1, AT_ONCE // span)
        for top in range(0, len(lines), height):
            some = lines[top : top + height] + within[begin]
            strips = np.empty((len(some), span * size), np.uint8)
            _strips(source, start, size, some, span, strips)
            wanted = strips.view(f"u{size}")[:, within[begin:end] - within[begin]]
            values[top : top + height, order[begin:end]] = wanted
    return raw


def _steps(columns: NDArray[np.int64], tail: tuple[tuple[int, int], ...]) -> NDArray[np.int64]:
    """How far each column lies from the first one of its row."""
    found = np.zeros(len(columns), np.int64)
    for length, step in reversed(tail):
        columns, within = np.divmod(columns, length)
        found += within * step
    return found


def _strips(
    source: Source, start: int, size: int, firsts: NDArray[np.int64], length: int, raw: NDArray[np.uint8]
) -> None:
    """Reads strips of one length, in units, into the rows of `raw`; those near each other in one go."""
    order = np.argsort(firsts, kind="stable")
    near, width = firsts[order], length * size
    places, rows, content = near.tolist(), order.tolist(), raw.reshape(-1).data
    for begin, end in _near(near, length, GAP // size):
        if end - begin == 1:
            row = rows[begin]
            source.fill(start + places[begin] * size, content[row * width : (row + 1) * width])
            continue
        run = np.empty((places[end - 1] - places[begin] + length) * size, np.uint8)
        source.fill(start + places[begin] * size, run.data)
        raw[order[begin:end]] = sliding_window_view(run, width)[(near[begin:end] - near[begin]) * size]


def _near(firsts: NDArray[np.int64], length: int, gap: int) -> Iterator[tuple[int, int]]:
    """Which of sorted strips are read together: (first, behind the last), none over `AT_ONCE` units unless it is one."""
    breaks = np.flatnonzero(np.diff(firsts) > length + gap) + 1
    for begin, end in pairwise([0, *breaks.tolist(), len(firsts)]):
        while end - begin > 1:
            reach = firsts[begin] + max(AT_ONCE - length, 0)
            upto = begin + int(np.searchsorted(firsts[begin:end], reach, "right"))
            yield begin, upto
            begin = upto
        if begin < end:
            yield begin, end
