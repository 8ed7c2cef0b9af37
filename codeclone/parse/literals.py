"""Numbers, strings, and text that is put together from parts."""

from __future__ import annotations

import re

from codeclone.parse import algebra
from codeclone.parse.lowering import MAX_KEPT_STRING, MAX_OPERANDS, Handler, Lowering, handles, value
from codeclone.parse.syntax import KIND

STRING, TUPLE, INTERPOLATION, CONTENT = KIND["string"], KIND["tuple"], KIND["interpolation"], KIND["string_content"]


@handles("integer", "float")
def _number(s: Lowering, node: int) -> int:
    return s.leaf(b"=" + number(s.syntax.text(node)), s.start[node])


def number(text: bytes) -> bytes:
    """The value of a numeric literal in one spelling: 0x10 is 16, 1_000 is 1000, 1e-6 is 0.000001, 2.0 is 2."""
    plain = text.replace(b"_", b"").rstrip(b"lL") or text
    try:
        return b"%d" % int(plain, 0)
    except ValueError:
        pass
    try:
        return algebra.spelled(float(plain))
    except (ValueError, OverflowError):
        return plain


_PREFIX = re.compile(rb"^[A-Za-z]{0,3}(\"\"\"|'''|\"|')")


def text_of(s: Lowering, node: int) -> bytes:
    """The characters of a string literal between its quotes, escapes as written."""
    raw = s.source[s.start[node] : s.end[node]]
    match = _PREFIX.match(raw)
    if match is None:
        return raw
    return raw[match.end() : len(raw) - len(match.group(1))]


def kept_text(s: Lowering, text: bytes, at: int) -> int:
    return s.leaf(b"'" + text if len(text) <= MAX_KEPT_STRING else b"<str>", at)


@handles("string")
def _string(s: Lowering, node: int) -> int:
    if s.next[node] == node + 1:
        return kept_text(s, text_of(s, node), s.start[node])
    return format_parts(s, _f_string(s, node), s.start[node])


def _f_string(s: Lowering, node: int) -> list[int]:
    parts: list[int] = []
    for child in s.syntax.children(node):
        if s.kind[child] == INTERPOLATION:
            if s.next[child] > child + 1:
                parts.append(value(s, child + 1))
        elif s.kind[child] == CONTENT:
            parts.append(kept_text(s, s.syntax.text(child), s.start[child]))
    return parts


@handles("concatenated_string")
def _concatenated(s: Lowering, node: int) -> int:
    children = s.syntax.children(node)
    if all(s.next[child] == child + 1 for child in children):
        return kept_text(s, b"".join(text_of(s, child) for child in children), s.start[node])
    return format_parts(s, [value(s, child) for child in children], s.start[node])


def format_parts(s: Lowering, parts: list[int], at: int) -> int:
    """Text put together from parts, however it is written: f-string, %, format, +, join."""
    flat: list[int] = []
    for part in parts:
        if s.is_label(part, b"<fmt>") or (s.is_label(part, b"str") and len(s.operands(part)) == 1):
            flat.extend(s.operands(part))
        elif s.label_of(part) != b"'":
            flat.append(part)
    return s.make_any_order(b"<fmt>", flat if len(flat) <= MAX_OPERANDS else parts, at)


_PERCENT = re.compile(rb"%(?:\(\w*\))?[-#0 +]*+[\d*]*+(?:\.[\d*]*+)?[hlL]?[diouxXeEfFgGcrsa%]")
_BRACES = re.compile(rb"\{[^{}]*\}")


def _pieces(s: Lowering, pattern: re.Pattern[bytes], text: bytes, at: int) -> list[int]:
    return [kept_text(s, piece, at) for piece in pattern.split(text) if piece]


def percent(s: Lowering, left: int, right: int) -> int:
    """`left % right`, where left is a string literal."""
    at = s.start[left]
    children = [left] if s.kind[left] == STRING else s.syntax.children(left)
    text = b"".join(text_of(s, child) for child in children)
    arguments = s.syntax.children(right) if s.kind[right] == TUPLE else [right]
    return format_parts(s, [*_pieces(s, _PERCENT, text, at), *(value(s, child) for child in arguments)], at)


def format_call(s: Lowering, text: int, values: list[int], at: int) -> int:
    """`"…".format(values)`."""
    return format_parts(s, [*_pieces(s, _BRACES, text_of(s, text), at), *values], at)


def is_text(s: Lowering, node: int) -> bool:
    """Whether a value is known to be text."""
    return s.label_of(node).startswith(b"'") or s.is_label(node, b"<fmt>") or s.is_label(node, b"<str>")


def _constant(label: bytes) -> Handler:
    return lambda s, node: s.leaf(label, s.start[node])


for _kind, _label in (("true", b"True"), ("false", b"False"), ("none", b"None"), ("ellipsis", b"...")):
    handles(_kind)(_constant(_label))
