"""Syntax -> how the definitions of a repository depend on each other: which calls, inherits from and is built of which.

By syntax alone: names are followed through the imports of a file to the files of the repository whose paths fit, and
nothing is imported. What cannot be followed is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from codeclone.model import Part
from codeclone.parse.names import LIBRARIES
from codeclone.parse.syntax import KIND, Syntax
from codeclone.parse.units import Unit

Relation = Literal["calls", "inherits", "composes"]

CONTAINERS = frozenset(b"ModuleList ModuleDict Sequential LayerList CellList SequentialCell ParameterList".split())
"""Library classes that hold what a class is built of and are themselves no part."""

MAX_HOPS = 4
"""Files through which a name is passed on (`from .attention import Attention` in an `__init__.py`)."""

MAX_NAME = 200
"""Bytes of a dotted name that is followed."""

MAX_STARS = 8
"""`from … import *` of one file that are followed."""

MAX_STEPS = 1_000_000
"""Files that are looked into for names, over a whole repository; transformers takes 45,000."""

MAX_ALIKE = 200
"""Files of one name among which the nearest is looked for."""

MAX_TABLE = 200
"""Syntax nodes of a table of classes (`KINDS = {"full": Attention, …}`) that are read for each call of what it holds."""

_CALL, _FUNCTION, _CLASS = KIND["call"], KIND["function_definition"], KIND["class_definition"]
_ASSIGNMENT, _KEYWORD, _RAISE = KIND["assignment"], KIND["keyword_argument"], KIND["raise_statement"]
_IMPORT, _IMPORT_FROM = KIND["import_statement"], KIND["import_from_statement"]
_ALIASED, _WILDCARD, _RELATIVE = KIND["aliased_import"], KIND["wildcard_import"], KIND["relative_import"]
_IDENTIFIER, _ATTRIBUTE, _SUBSCRIPT = KIND["identifier"], KIND["attribute"], KIND["subscript"]
_ARGUMENTS, _PATTERNS, _EXPRESSIONS = KIND["argument_list"], KIND["pattern_list"], KIND["expression_list"]
_LOOPS = frozenset(
    KIND[kind]
    for kind in (
        *("list_comprehension", "generator_expression", "dictionary_comprehension", "set_comprehension"),
        *("for_statement", "while_statement"),
    )
)
_IMPORTS = frozenset((_IMPORT, _IMPORT_FROM))
_TOLD = _LOOPS | _IMPORTS | {_CALL, _FUNCTION, _CLASS, _ASSIGNMENT, _KEYWORD, _RAISE}


@dataclass(frozen=True, slots=True)
class Reference:
    """A definition of a file names another one, which may stand in another file or in a library."""

    unit: int
    relation: Relation
    name: bytes
    """As written, dots included."""
    attribute: str = ""
    """What it is kept in, for `composes`."""
    many: bool = False
    """Built in a loop."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What one file says about its definitions and their relations."""

    path: str
    qualnames: dict[bytes, int]
    """Qualified name -> unit; the first of that name."""
    classes: frozenset[int]
    aliases: dict[bytes, bytes]
    """Imported name -> dotted name it stands for, with leading dots where the import is relative."""
    stars: tuple[bytes, ...]
    """Modules all of whose names are imported."""
    references: tuple[Reference, ...]
    bindings: tuple[tuple[bytes, int, int], ...]
    """(name, unit, byte offset) where a module-level name, a field of a class or an attribute of `self` is first given a
    value."""

    def imported(self) -> set[bytes]:
        """Imported names, and what they are called where they come from."""
        return {*self.aliases, *(target.rpartition(b".")[2] for target in self.aliases.values())}


@dataclass(slots=True)
class Relations:
    """What one definition depends on, as indices of fragments."""

    calls: set[int] = field(default_factory=set)
    inherits: set[int] = field(default_factory=set)
    parts: list[Part] = field(default_factory=list)


# One file


def outline(path: str, syntax: Syntax, found: Sequence[Unit]) -> Outline:
    """`found`: the units of the file, from `units.units`."""
    qualnames: dict[bytes, int] = {}
    for index, unit in enumerate(found[1:], 1):
        qualnames.setdefault(unit.qualname.encode("utf-8", "replace"), index)
    aliases: dict[bytes, bytes] = {}
    stars: list[bytes] = []
    told = [node for node, kind in enumerate(syntax.kind) if kind in _TOLD]
    for node in told:
        if syntax.kind[node] in _IMPORTS:
            _add_imports(syntax, node, aliases, stars)
    walk = _Walk(syntax, found, qualnames, aliases, bool(stars))
    walk.run(told)
    return Outline(
        path,
        qualnames,
        frozenset(index for index, unit in enumerate(found) if unit.kind == "class"),
        aliases,
        tuple(stars[:MAX_STARS]),
        (*dict.fromkeys(walk.references), *walk.parts),
        tuple((name, unit, offset) for (name, unit), offset in walk.bindings.items()),
    )


def _add_imports(syntax: Syntax, node: int, aliases: dict[bytes, bytes], stars: list[bytes]) -> None:
    children = syntax.children(node)
    module = b""
    if syntax.kind[node] == _IMPORT_FROM and children:
        module = b"".join(syntax.text(children.pop(0)).split())
    for child in children:
        if syntax.kind[child] == _WILDCARD:
            stars.append(module)
            continue
        inner = syntax.children(child) if syntax.kind[child] == _ALIASED else []
        dotted = syntax.text(inner[0] if inner else child)
        if module:
            target = module + dotted if module.endswith(b".") else module + b"." + dotted
            aliases[syntax.text(inner[1]) if len(inner) > 1 else dotted] = target
        elif len(inner) > 1:
            aliases[syntax.text(inner[1])] = dotted
        else:
            root = dotted.partition(b".")[0]
            aliases[root] = root


class _Walk:
    """One pass over the calls, classes and assignments of a file, in source order."""

    def __init__(
        self,
        syntax: Syntax,
        found: Sequence[Unit],
        qualnames: dict[bytes, int],
        aliases: dict[bytes, bytes],
        open_names: bool,
    ) -> None:
        self.syntax, self.found, self.qualnames = syntax, found, qualnames
        self.known = {*qualnames, *aliases}
        self.open_names = open_names
        """Names that are neither defined nor imported may come from a `*` import."""
        self.references: list[Reference] = []
        self.parts: list[Reference] = []
        self.bindings: dict[tuple[bytes, int], int] = {}
        self.tables: dict[bytes, int] = {}
        """Module-level name -> its assignment: a table of classes, perhaps."""
        self.current = 0
        self.kept: list[tuple[int, int, str]] = []
        """(first node, node behind the last, attribute) of the values that the class keeps in attributes, last first."""
        self.part_end = self.loop_end = self.raise_end = 0

    def run(self, told: Sequence[int]) -> None:
        syntax = self.syntax
        starts = {unit.node: index for index, unit in enumerate(self.found)}
        open_units = [(0, len(syntax.kind))]
        for node in told:
            while node >= open_units[-1][1]:
                open_units.pop()
            self.current = open_units[-1][0]
            kind = syntax.kind[node]
            if kind == _CALL:
                self._call(node)
            elif kind == _ASSIGNMENT:
                self._assignment(node)
            elif kind in _LOOPS:
                self.loop_end = max(self.loop_end, syntax.next[node])
            elif kind == _RAISE:
                self.raise_end = syntax.next[node]
            elif kind == _KEYWORD:
                if syntax.text(node + 1) == b"default_factory" and self._attribute(node) is not None:
                    self._name(node, node + 2)
            elif node in starts:
                self.current = starts[node]
                open_units.append((self.current, syntax.next[node]))
                if kind == _CLASS:
                    self._bases(node)

    def _bases(self, node: int) -> None:
        arguments = node + 2
        if arguments < self.syntax.next[node] and self.syntax.kind[arguments] == _ARGUMENTS:
            for base in self.syntax.children(arguments):
                if self.syntax.kind[base] == _SUBSCRIPT:
                    base += 1
                name = self._dotted(base)
                if name and self._is_known(name):
                    self.references.append(Reference(self.current, "inherits", name))

    def _assignment(self, node: int) -> None:
        syntax = self.syntax
        target = node + 1
        kind = syntax.kind[target] if target < syntax.next[node] else -1
        if kind != _PATTERNS and not (kind in (_IDENTIFIER, _ATTRIBUTE) and self._kept_in(target)):
            return
        children = syntax.children(node)
        targets = syntax.children(children[0]) if syntax.kind[children[0]] == _PATTERNS else children[:1]
        values = children[1:2]
        if len(targets) > 1 and values and syntax.kind[values[0]] == _EXPRESSIONS:
            values = syntax.children(values[0])
        names = [self._kept_in(target) for target in targets]
        for name, target in zip(names, targets, strict=True):
            if name:
                owner = self.current if syntax.kind[target] == _IDENTIFIER else self._class()
                self.bindings.setdefault((name, owner), syntax.start[target])
        if self.current == 0:
            if names[0] and values:
                self.tables[names[0]] = node
            return
        if len(values) != len(targets):
            names = names[:1]
        for name, value in reversed(list(zip(names, values, strict=False))):
            if name:
                self.kept.append((value, syntax.next[value], name.decode("utf-8", "replace")[:MAX_NAME]))

    def _kept_in(self, target: int) -> bytes:
        """Name of an attribute of `self`, a field of a class or a module-level name; empty for anything else."""
        syntax = self.syntax
        kind = syntax.kind[target]
        if kind == _IDENTIFIER:
            return syntax.text(target) if self.found[self.current].kind != "function" else b""
        is_own = kind == _ATTRIBUTE and syntax.next[target] == target + 3 and syntax.text(target + 1) == b"self"
        return syntax.text(target + 2) if is_own and self._class() > 0 else b""

    def _class(self) -> int:
        """The class around the current definition; 0 where there is none."""
        unit = self.current
        while unit > 0 and self.found[unit].kind != "class":
            unit = self.found[unit].parent
        return max(0, unit)

    def _attribute(self, node: int) -> str | None:
        """What the value at a node is kept in; None where it is kept in nothing."""
        while self.kept and node >= self.kept[-1][1]:
            self.kept.pop()
        return self.kept[-1][2] if self.kept and node >= self.kept[-1][0] else None

    def _call(self, node: int) -> None:
        syntax = self.syntax
        function = node + 1
        kind = syntax.kind[function] if function < syntax.next[node] else -1
        if kind == _SUBSCRIPT and syntax.kind[function + 1] == _IDENTIFIER:
            table = self.tables.get(syntax.text(function + 1))
            if table is not None:
                # Any class of the table can be the one: each is a part, where one call has one part else.
                part_end = self.part_end
                for inner in range(table + 2, min(syntax.next[table], table + MAX_TABLE)):
                    if syntax.kind[inner] == _IDENTIFIER:
                        self.part_end = part_end
                        self._name(node, inner)
        elif kind in (_IDENTIFIER, _ATTRIBUTE):
            self._name(node, function)

    def _name(self, node: int, function: int) -> None:
        """A definition is named as what is called at a node."""
        name = self._dotted(function)
        root, _, rest = name.partition(b".")
        if root == b"self":
            parent = self.found[self.current].parent
            if parent > 0 and b"." not in rest:
                inner = self.found[parent].qualname.encode("utf-8", "replace") + b"." + rest
                if inner in self.qualnames:
                    self.references.append(Reference(self.current, "calls", inner))
            return
        known = self.open_names or root in self.known
        if known:
            self.references.append(Reference(self.current, "calls", name))
        last = name.rpartition(b".")[2]
        if not last[:1].isupper() or node < self.part_end or node < self.raise_end or last in CONTAINERS:
            return
        attribute = self._attribute(node)
        if attribute is None and not (known and self.found[self.current].qualname.endswith(".__init__")):
            return
        owner = self._class()
        if owner:
            self.parts.append(Reference(owner, "composes", name, attribute or "", node < self.loop_end))
            self.part_end = self.syntax.next[node]

    def _is_known(self, name: bytes) -> bool:
        return self.open_names or name.partition(b".")[0] in self.known

    def _dotted(self, node: int) -> bytes:
        """`a.b.c`; empty for what is no such name."""
        syntax = self.syntax
        kind = syntax.kind[node]
        if kind == _IDENTIFIER:
            return syntax.text(node)
        inner = node
        while syntax.kind[inner] == _ATTRIBUTE:
            inner += 1
        if inner == node or syntax.kind[inner] != _IDENTIFIER or syntax.end[node] - syntax.start[node] > MAX_NAME:
            return b""
        text = syntax.text(node)
        return text if b"\n" not in text else b"".join(text.split())


# All files


def relations(outlines: Sequence[Outline], bases: Sequence[int]) -> tuple[dict[int, Relations], bool]:
    """(fragment -> what it depends on, whether all names were followed). `bases`: index of the first fragment of each
    file."""
    linker = _Linker(outlines, bases)
    return linker.run(), linker.steps <= MAX_STEPS


class _Linker:
    """Follows names from file to file."""

    def __init__(self, outlines: Sequence[Outline], bases: Sequence[int]) -> None:
        self.outlines, self.bases = outlines, bases
        self.parts = [_module_of(outline.path) for outline in outlines]
        self.modules = {parts: index for index, parts in reversed(list(enumerate(self.parts)))}
        self.by_last: dict[str, list[int]] = {}
        for index, parts in enumerate(self.parts):
            if parts:
                self.by_last.setdefault(parts[-1], []).append(index)
        self.found: dict[tuple[int, bytes, int], tuple[int, int] | None] = {}
        self.places: dict[tuple[int, tuple[str, ...]], int | None] = {}
        self.steps = 0

    def run(self) -> dict[int, Relations]:
        result: dict[int, Relations] = {}
        for file, its_outline in enumerate(self.outlines):
            for reference in its_outline.references:
                target = self._resolve(file, reference.name, MAX_HOPS)
                is_class = target is not None and target[1] in self.outlines[target[0]].classes
                definition = self.bases[target[0]] + target[1] if target else -1
                one = self.bases[file] + reference.unit
                if definition == one or (target is None and reference.relation != "composes"):
                    continue
                of = result.setdefault(one, Relations())
                if reference.relation == "calls":
                    of.calls.add(definition)
                elif reference.relation == "inherits" and is_class:
                    of.inherits.add(definition)
                elif reference.relation == "composes" and (is_class or (target is None and reference.attribute)):
                    last = reference.name.rpartition(b".")[2].decode("utf-8", "replace")
                    of.parts.append(Part(reference.attribute, last, definition, reference.many))
        return result

    def _resolve(self, file: int, name: bytes, hops: int) -> tuple[int, int] | None:
        """(file, unit) that a name in a file stands for."""
        key = (file, name, hops)
        if key not in self.found:
            self.steps += 1
            self.found[key] = self._follow(file, name, hops) if self.steps <= MAX_STEPS else None
        return self.found[key]

    def _follow(self, file: int, name: bytes, hops: int) -> tuple[int, int] | None:
        its_outline = self.outlines[file]
        unit = its_outline.qualnames.get(name)
        if unit is not None:
            return file, unit
        if hops == 0:
            return None
        root, dot, rest = name.partition(b".")
        alias = its_outline.aliases.get(root)
        targets = [alias + dot + rest] if alias else [_joined(star, name) for star in its_outline.stars]
        for target in targets:
            for other, left in self._modules(file, target):
                if left and other != file:
                    found = self._resolve(other, left, hops - 1)
                    if found is not None:
                        return found
        return None

    def _modules(self, file: int, dotted: bytes) -> Iterator[tuple[int, bytes]]:
        """(file, what is left of the name) for each way to read the first parts of a dotted name as a module."""
        text = dotted.decode("utf-8", "replace")
        names = text.lstrip(".").split(".")
        dots = len(text) - len(text.lstrip("."))
        for cut in range(len(names) - 1, -1, -1):
            module = tuple(names[:cut])
            other = self._relative(file, dots, module) if dots else self._absolute(file, module)
            if other is not None:
                yield other, ".".join(names[cut:]).encode()

    def _relative(self, file: int, dots: int, module: tuple[str, ...]) -> int | None:
        folder = PurePosixPath(self.outlines[file].path).parent.parts
        if dots - 1 > len(folder):
            return None
        return self.modules.get(folder[: len(folder) - (dots - 1)] + module)

    def _absolute(self, file: int, module: tuple[str, ...]) -> int | None:
        """The file whose path ends like the module's name, or the other way round; of several the nearest one."""
        if not module or module[0].encode() in LIBRARIES:
            return None
        key = (file, module)
        if key not in self.places:
            self.places[key] = self._nearest(file, module)
        return self.places[key]

    def _nearest(self, file: int, module: tuple[str, ...]) -> int | None:
        best, most = None, (0, 0)
        for other in self.by_last.get(module[-1], ())[:MAX_ALIKE]:
            parts = self.parts[other]
            common = _common(parts[::-1], module[::-1])
            nearness = common, _common(self.parts[file], parts)
            if common in (len(parts), len(module)) and nearness > most:
                best, most = other, nearness
        return best


def _module_of(path: str) -> tuple[str, ...]:
    """Parts of the name by which a file is imported."""
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[:-1] if parts and parts[-1] == "__init__" else parts


def _joined(module: bytes, name: bytes) -> bytes:
    return module + name if module.endswith(b".") else module + b"." + name


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
