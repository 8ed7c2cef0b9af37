"""Names that give a source away: what the left names and only the right defines, and what both define.

A copier renames definitions and forgets a comment, an entry of a list, a call of what is gone. Such a name is a leftover
when it is distinctive (several words in one, not listed in data/{common,api,property,self}_names.txt), the right defines it
in few places, and the left neither defines nor imports it nor gives it a value. Where the left's code uses it, it resolves
nowhere: the stronger kind.

Leftovers are a list of their own in the report and no evidence with a level: a name is also what a reader of the same
paper, or of a library that both use, may write. They point the reader to places, and no verdict rests on them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from codeclone.model import Binding, CommonNames, Fragment, Leftover, Location, Place, Span
from codeclone.parse.names import BUILTINS, api_names, common_names, property_names, self_names
from codeclone.parse.syntax import KIND, Syntax, parse_python
from codeclone.parse.units import line_starts

MAX_DEFINED = 3
"""A name that the right defines in more places than this is a habit of its authors."""

MAX_FRAGMENTS = 1_000
"""Left fragments that hold such names and are read again to see how they use them."""

MAX_OCCURRENCES = 5_000
"""Places in them that are looked at."""

MAX_LOOK_BACK = 10_000
"""Syntax nodes between a name and what it stands in."""

MAX_LISTED = 200
"""Leftovers and common names that are listed."""

MAX_PLACES = 5
"""Places of the left that are listed for a name."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{7,59}(?![A-Za-z0-9_])")
_WORD_BYTES = re.compile(_WORD.pattern.encode())
_SEVERAL = re.compile(r"[A-Za-z0-9]_+[A-Za-z0-9]|[a-z0-9][A-Z]")

_IDENTIFIER, _ATTRIBUTE = KIND["identifier"], KIND["attribute"]


def _kinds(names: str) -> frozenset[int]:
    return frozenset(KIND[name] for name in names.split())


_TARGETS = _kinds("""pattern_list tuple_pattern list_pattern list_splat_pattern dictionary_splat_pattern typed_parameter
dotted_name aliased_import as_pattern""")
"""Around a name that is given a value these may stand between it and what gives it."""

_GIVES_FIRST = _kinds("""assignment augmented_assignment for_statement for_in_clause named_expression default_parameter
typed_default_parameter keyword_argument""")
"""These give a value to their first child."""

_GIVES_ALL = _kinds("""parameters lambda_parameters import_statement import_from_statement future_import_statement
global_statement nonlocal_statement with_item except_clause""")
"""These give a value to each name that is their child."""


def is_distinctive(name: str) -> bool:
    """Several words in one, between 8 and 60 characters: `MiniResampler`, `slot_table`."""
    return 8 <= len(name) <= 60 and not name.startswith("__") and _SEVERAL.search(name) is not None


def is_stock(name: str) -> bool:
    """Whether a name is listed as one that unrelated projects use."""
    word = name.encode()
    return any(word in listed for listed in (common_names(), api_names(), property_names(), self_names(), BUILTINS))


def defined(fragments: Sequence[Fragment], bindings: Sequence[Binding]) -> dict[str, list[Place]]:
    """Distinctive name -> where it is defined: definitions, module-level names, fields, attributes of `self`."""
    found: dict[str, list[Place]] = defaultdict(list)
    for fragment in fragments:
        name = fragment.qualname.rpartition(".")[2]
        if is_distinctive(name):
            found[name].append(Place(fragment.location, fragment.qualname))
    for binding in bindings:
        if is_distinctive(binding.name):
            holder = fragments[binding.fragment]
            place = Place(Location(holder.location.path, Span(binding.line, binding.line)), holder.qualname)
            found[binding.name].append(place)
    return dict(found)


def shared_names(left: Collection[str], right: Collection[str], explained: Collection[str] | None) -> CommonNames:
    """Names that both define. `explained`: those that ancestors and claimed sources define; None without any."""
    both = sorted(set(left) & set(right))
    rest = [name for name in both if not is_stock(name)]
    telling = [name for name in rest if name not in explained] if explained is not None else rest
    return CommonNames(
        len(both),
        len(both) - len(rest),
        None if explained is None else len(rest) - len(telling),
        tuple(telling[:MAX_LISTED]),
    )


@dataclass(slots=True)
class _Uses:
    """How the left uses one name."""

    is_bound: bool = False
    code: list[Place] = field(default_factory=list)
    text: list[Place] = field(default_factory=list)


def leftovers(
    left: Sequence[Fragment],
    left_defines: Collection[str],
    left_imports: Collection[str],
    right_defines: dict[str, list[Place]],
    explained: Collection[str],
) -> tuple[list[Leftover], int]:
    """(leftovers, the unresolved ones first, then those in most lines; number of fragments that were not looked at). A
    name in a fragment that was not looked at may be given a value there, and is none.

    `explained`: names that ancestors and claimed sources define.
    """
    wanted = {
        name
        for name, places in right_defines.items()
        if len(places) <= MAX_DEFINED
        and not (name in left_defines or name in left_imports or name in explained or is_stock(name))
    }
    uses: dict[str, _Uses] = defaultdict(_Uses)
    unsure: set[str] = set()
    fragments = occurrences = unread = 0
    for fragment in left:
        # A function inside a function stands in the lines of the outer one.
        if fragment.kind == "function" and left[fragment.parent].kind == "function":
            continue
        text = "\n".join(line for _, line in fragment.lines)
        names = wanted.intersection(_WORD.findall(text))
        if not names:
            continue
        if fragments < MAX_FRAGMENTS and occurrences <= MAX_OCCURRENCES:
            fragments += 1
            occurrences += _look(fragment, text, names, left_imports, uses, MAX_OCCURRENCES - occurrences)
            if occurrences <= MAX_OCCURRENCES:
                continue
        unread += 1
        unsure |= names
    found = [
        Leftover(name, bool(use.code), len(places), tuple(places[:MAX_PLACES]), tuple(right_defines[name]))
        for name, use in uses.items()
        if not use.is_bound and name not in unsure
        for places in [list(dict.fromkeys(use.code or use.text))]
        if places
    ]
    found.sort(key=lambda leftover: (not leftover.unresolved, -leftover.count, leftover.name))
    return found[:MAX_LISTED], unread


def _look(
    fragment: Fragment, text: str, names: set[str], imported: Collection[str], uses: dict[str, _Uses], most: int
) -> int:
    """Add how one fragment uses the names, in at most so many places; how many were looked at, one more if not all."""
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    # What is inside a definition parses below a header, and a class of which only the methods are missing with a body.
    header = ["if 1:"] if indent else []
    body = [f"{indent}    pass"] if fragment.kind == "class" else []
    source = "\n".join([*header, text, *body, ""])
    syntax = parse_python(source.encode("utf-8", "surrogatepass"), fragment.location.path)
    wanted = {name.encode() for name in names}
    starts = line_starts(syntax.source)
    looked_at = 0
    for match in _WORD_BYTES.finditer(syntax.source):
        start, name = match.start(), match.group()
        if name not in wanted:
            continue
        looked_at += 1
        if looked_at > most:
            break
        row = bisect_right(starts, start) - 1
        line = fragment.lines[row - len(header)][0]
        place = Place(Location(fragment.location.path, Span(line, line)), fragment.qualname)
        use = uses[name.decode()]
        # Nodes stand in the order of their starts: the last that does not start behind a place is the innermost there.
        node = bisect_right(syntax.start, start) - 1
        if node < 0 or syntax.end[node] <= start:
            # Comments and annotations are no nodes.
            is_comment = b"#" in syntax.source[starts[row] : start]
            (use.text if is_comment else use.code).append(place)
        elif syntax.kind[node] != _IDENTIFIER:
            # A string that is the name and no more is a key as likely as a name, unless a class is named so.
            if syntax.text(node).strip(b"rRbBuUfF\"'") != name or name[:1].isupper():
                use.text.append(place)
        elif _is_bound(syntax, node) or _root(syntax, node) in imported:
            use.is_bound = True
        else:
            use.code.append(place)
    return looked_at


def _parent(syntax: Syntax, node: int) -> int:
    """The node around a node; -1 where it has none near."""
    for around in range(node - 1, max(-1, node - MAX_LOOK_BACK), -1):
        if syntax.next[around] > node:
            return around
    return -1


def _root(syntax: Syntax, node: int) -> str:
    """`a` for the `c` in `a.b.c`; empty for a name that follows no dot, and where no plain name stands first."""
    parent = _parent(syntax, node)
    if parent < 0 or syntax.kind[parent] != _ATTRIBUTE or node == parent + 1:
        return ""
    while syntax.kind[parent] == _ATTRIBUTE:
        parent += 1
    return syntax.text(parent).decode("utf-8", "replace") if syntax.kind[parent] == _IDENTIFIER else ""


def _is_bound(syntax: Syntax, node: int) -> bool:
    """Whether a name is given a value, imported, or the name of an argument here."""
    parent = _parent(syntax, node)
    while parent >= 0:
        kind = syntax.kind[parent]
        is_last = syntax.next[node] == syntax.next[parent]
        if not (kind in _TARGETS or (kind == _ATTRIBUTE and is_last)):
            return kind in _GIVES_ALL or (kind in _GIVES_FIRST and node == parent + 1)
        node, parent = parent, _parent(syntax, parent)
    return False
