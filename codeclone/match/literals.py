"""What literals and expressions of numbers alone are worth."""

from __future__ import annotations

import warnings
from typing import Any

MAX_CONSTANT = 1e18
"""Constant expressions are worked out up to here."""


def _kind(node: Any) -> str:
    return type(node).__name__


def string(node: Any) -> str:
    """The value of a string literal; as written where it has none of its own (a formatted one)."""
    if _kind(node) == "ConcatenatedString":
        pieces, rest = [], node
        while _kind(rest) == "ConcatenatedString":
            pieces.append(rest.left)
            rest = rest.right
        return "".join(string(piece) for piece in (*pieces, rest))
    if _kind(node) == "FormattedString":
        return "".join(str(part.value) if _kind(part) == "FormattedStringText" else "{}" for part in node.parts)
    prefix, raw = str(node.prefix).lower(), str(node.raw_value)
    value: str | bytes = raw
    if "\\" in raw and "r" not in prefix:
        try:
            with warnings.catch_warnings(action="ignore"):  # of escapes that mean nothing
                value = node.evaluated_value
        except (ValueError, SyntaxError):
            value = raw
    mark = "b" if "b" in prefix else ""
    return mark + (value if isinstance(value, str) else value.decode("latin-1"))


def number(node: Any) -> str:
    text = str(node.value).lower().replace("_", "")
    try:
        if text.endswith("j"):
            return text
        if _kind(node) == "Integer":
            return spell(int(text, 0))
        return spell(float(text))
    except ValueError:
        return text


def spell(value: float | int) -> str:
    """A number by value: 1.0 is not 1, for the two are different operands."""
    return repr(value) if isinstance(value, float) or abs(value) <= MAX_CONSTANT else hex(value)


def constant(node: Any, depth: int) -> float | int | None:
    """The value of an expression of numbers only."""
    kind = _kind(node)
    if depth == 0:
        return None
    if kind in ("Integer", "Float"):
        try:
            return int(node.value.replace("_", ""), 0) if kind == "Integer" else float(node.value)
        except ValueError:
            return None
    if kind == "UnaryOperation" and _kind(node.operator) == "Minus":
        value = constant(node.expression, depth - 1)
        return None if value is None else -value
    if kind != "BinaryOperation":
        return None
    left, right = constant(node.left, depth - 1), constant(node.right, depth - 1)
    if left is None or right is None or abs(left) > MAX_CONSTANT or abs(right) > MAX_CONSTANT:
        return None
    return _operate(_kind(node.operator), left, right)


def _operate(operator: str, left: float | int, right: float | int) -> float | int | None:
    if operator == "Add":
        return left + right
    if operator == "Subtract":
        return left - right
    if operator == "Multiply":
        return left * right
    if operator == "Divide" and right:
        return left / right
    if operator == "FloorDivide" and right:
        return left // right
    if operator == "Power" and left > 0 and abs(right) <= 64:
        try:
            return left**right if abs(left) <= 1024 else None
        except OverflowError:
            return None
    return None
