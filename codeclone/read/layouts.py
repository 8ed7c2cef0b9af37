"""How tensors lie in their files as matrices, by what their heads say: nothing is read, and nothing said is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codeclone.model import MAX_SIDE, Tensor, matrix_shape
from codeclone.read.number_types import ValuesError, unit_of


@dataclass(frozen=True, slots=True)
class Layout:
    """How the matrix lies in its bytes. Steps are in units: single values, or blocks that can only be read whole."""

    rows: int
    columns: int
    """In values."""
    block: int
    """Values of a unit."""
    size: int
    """Bytes of a unit."""
    span: int
    """Units from the first to the last one, both included."""
    row_step: int
    tail: tuple[tuple[int, int], ...] | None = None
    """(length, step) of each dimension of a row; None where a row has no gaps."""
    by_column: bool = False
    """Whether the entries of a column lie one behind the other; `tail` says where each column begins."""

    @property
    def is_flat(self) -> bool:
        """Whether everything lies row by row without gaps."""
        gaps = self.rows > 1 and self.row_step != self.columns // self.block
        return self.tail is None and not gaps


def layout_of(tensor: Tensor) -> Layout:
    """How a tensor can be read. Raises ValuesError for one whose bytes are not there, or lie in no order that is read."""
    shape, stored = tensor.shape, tensor.stored
    if shape is None:
        raise ValuesError("only its name is known")
    if stored is None:
        raise ValuesError("its bytes are not there")
    block, size = unit_of(tensor.dtype)
    rows, columns = matrix_shape(shape)
    if min(shape, default=0) < 0 or max(rows, columns) >= MAX_SIDE:
        raise ValuesError("it has a shape that no tensor has")
    if shape and shape[-1] % block:
        raise ValuesError(f"its rows of {shape[-1]:,} values are no whole blocks of {block}")
    if stored.strides is None or not rows * columns:
        return Layout(rows, columns, block, size, rows * columns // block, columns // block)
    if block > 1 or len(stored.strides) != len(shape) or min(stored.strides, default=0) < 0:
        raise ValuesError("its strides do not fit its shape and type")
    # Where a dimension has one entry its stride says nothing, and can be any number.
    steps = [stride if length > 1 else 0 for length, stride in zip(shape, stored.strides, strict=True)]
    span = 1 + sum((length - 1) * step for length, step in zip(shape, steps, strict=True))
    if span * size >= 2**63:
        raise ValuesError("its strides reach beyond every file")
    row_step, inner = (steps[0], 1) if len(shape) > 1 else (0, 0)
    tail = [(n, step) for n, step in zip(shape[inner:], steps[inner:], strict=True) if n > 1]
    if all(step == math.prod(n for n, _ in tail[place + 1 :]) for place, (_, step) in enumerate(tail)):
        return Layout(rows, columns, block, size, span, row_step)
    if any(step == 1 for _, step in tail):
        return Layout(rows, columns, block, size, span, row_step, tail=tuple(tail))
    if row_step == 1:
        return Layout(rows, columns, block, size, span, row_step, tail=tuple(tail), by_column=True)
    raise ValuesError("its values lie scattered: neither its rows nor its columns are without gaps")
