"""Which names of a file are the programmer's own, and which belong to a library everyone can call.

A name is kept in facts when it is a library's: imported from outside the repository, built in, or listed in
one of data/{api,property,self}_names.txt. Everything else is the programmer's own and a copier can change it, so it is stripped.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from codeclone.parse.syntax import KIND, Syntax

DATA = Path(__file__).parent.parent / "data"

BUILTINS = frozenset(name.encode() for name in dir(builtins)) | frozenset(
    b"unicode xrange long basestring raw_input unichr reduce cmp execfile reload intern apply coerce buffer".split()
)

OLD_METHODS = frozenset(b"iteritems itervalues iterkeys viewitems viewvalues viewkeys".split())
"""Methods of Python 2 that no package of today calls; data/spellings.txt says what they are now."""

LIBRARIES = frozenset(
    b"torch numpy np jax jaxlib flax tensorflow keras paddle mindspore einops PIL cv2 scipy pandas sklearn torchvision "
    b"torchaudio transformers timm math os re sys json itertools functools collections typing random copy".split()
)
"""Root modules that stay libraries even where a repository has a folder of the same name."""

_IMPORT, _IMPORT_FROM = KIND["import_statement"], KIND["import_from_statement"]
_ALIASED, _DOTTED, _RELATIVE = KIND["aliased_import"], KIND["dotted_name"], KIND["relative_import"]
_TOLD = frozenset((_IMPORT, _IMPORT_FROM, KIND["function_definition"], KIND["class_definition"]))
_ASSIGNMENT, _ATTRIBUTE, _IDENTIFIER, _CALL = (
    KIND["assignment"],
    KIND["attribute"],
    KIND["identifier"],
    KIND["call"],
)


@cache
def api_names() -> frozenset[bytes]:
    """Names that are kept wherever they are called."""
    return frozenset((DATA / "api_names.txt").read_bytes().split()) | OLD_METHODS


@cache
def property_names() -> frozenset[bytes]:
    """Names that are kept where they are read as an attribute, without a call."""
    return frozenset((DATA / "property_names.txt").read_bytes().split())


@cache
def self_names() -> frozenset[bytes]:
    """Names that are kept where they are called on `self`: methods of well-known base classes."""
    return frozenset((DATA / "self_names.txt").read_bytes().split())


@cache
def common_names() -> frozenset[bytes]:
    """Names of several words that several unrelated packages use."""
    return frozenset((DATA / "common_names.txt").read_bytes().split())


@cache
def spellings() -> dict[bytes, bytes]:
    """Name -> the one label of all names that mean the same."""
    table: dict[bytes, bytes] = {}
    for line in (DATA / "spellings.txt").read_bytes().splitlines():
        if not line.startswith(b"#"):
            label, *others = line.split()
            table.update(dict.fromkeys(others, label))
    return table


USUAL_ALIASES = dict(
    part.split(b"=")
    for part in (
        b"torch=torch nn=nn F=functional np=numpy numpy=numpy tf=tensorflow keras=keras jnp=numpy jax=jax lax=lax "
        b"math=math os=os re=re json=json copy=copy random=random itertools=itertools functools=functools einops=einops "
        b"paddle=paddle mindspore=mindspore ops=ops init=init"
    ).split()
)
"""What these names stand for in a file that neither imports nor binds them: a function cut out of its file."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the names of one file stand for."""

    imported: dict[bytes, bytes]
    """Local name -> last part of the library name it stands for."""
    own: frozenset[bytes]
    """Names that the file defines or imports from the repository itself."""
    constants: dict[bytes, int]
    """Module-level name that is bound once, to a number or a string -> the syntax node of that literal."""
    listed_only: bool = False
    """Library names count only where data/api_names.txt lists them."""
    told_by_file: frozenset[bytes] = frozenset()
    """Names that would stand for something else if the fragment were cut out of its file."""

    def library(self, name: bytes) -> bytes | None:
        """The library name that a bare name stands for; None for the programmer's own."""
        found = self.imported.get(name)
        if found is None and name not in self.own:
            if name in BUILTINS:
                return name
            found = USUAL_ALIASES.get(name) or (name if name in api_names() else None)
        return None if found is None or (self.listed_only and not self.is_listed(found)) else found

    def is_module(self, name: bytes) -> bool:
        """Whether a bare name can stand for a library module or class, so that what follows a dot is the library's."""
        return name in self.imported or (name not in self.own and name in USUAL_ALIASES)

    def is_listed(self, name: bytes) -> bool:
        return name in api_names() or name in BUILTINS or name in LIBRARIES or name in USUAL_ALIASES.values()

    def cut_out(self) -> Names:
        """The same names as they would be read if a fragment stood alone in an empty file: only aliases are left of the
        imports, and a name is a library's exactly where it is listed."""
        return Names(self.imported, frozenset(), {}, listed_only=True)


def roots_of(paths: tuple[str, ...]) -> frozenset[bytes]:
    """Names by which modules of a repository can import each other absolutely."""
    roots: set[str] = set()
    for path in paths:
        *folders, name = path.split("/")
        roots.update(folders)
        roots.add(name.rpartition(".")[0])
    return frozenset(root.encode("utf-8", "replace") for root in roots) - LIBRARIES


def resolve(syntax: Syntax, roots: frozenset[bytes]) -> Names:
    """Resolve a file's imports and constants. `roots`: see `roots_of`."""
    imported: dict[bytes, bytes] = {}
    own: set[bytes] = set()
    for node in [node for node, kind in enumerate(syntax.kind) if kind in _TOLD]:
        kind = syntax.kind[node]
        if kind == _IMPORT:
            for child in syntax.children(node):
                dotted, alias = _imported_as(syntax, child)
                root = dotted.partition(b".")[0]
                if root in roots:
                    own.add(alias or root)
                elif alias:
                    imported[alias] = dotted.rpartition(b".")[2]
                else:
                    imported[root] = root
        elif kind == _IMPORT_FROM:
            children = syntax.children(node)
            if not children:
                continue
            module = syntax.text(children[0])
            inside = syntax.kind[children[0]] == _RELATIVE or module.partition(b".")[0] in roots
            for child in children[1:]:
                name, alias = _imported_as(syntax, child)
                if inside:
                    own.add(alias or name)
                else:
                    imported[alias or name] = name
        elif syntax.next[node] > node + 1:
            own.add(syntax.text(node + 1))
    names = Names(imported, frozenset(own), _constants(syntax))
    alone = names.cut_out()
    told = {name for name in names.own | imported.keys() if names.library(name) != alone.library(name)}
    return replace(names, told_by_file=frozenset(told | names.constants.keys()))


def _imported_as(syntax: Syntax, node: int) -> tuple[bytes, bytes]:
    """(dotted name, alias or empty)."""
    if syntax.kind[node] == _ALIASED:
        dotted, alias = syntax.children(node)[:2]
        return syntax.text(dotted), syntax.text(alias)
    return syntax.text(node), b""


_LITERALS = frozenset((KIND["integer"], KIND["float"], KIND["string"]))
_STATEMENT = KIND["expression_statement"]


def _constants(syntax: Syntax) -> dict[bytes, int]:
    constants: dict[bytes, int] = {}
    rebound: set[bytes] = set()
    if not syntax.kind:
        return constants
    for statement in syntax.top_level():
        if syntax.kind[statement] != _STATEMENT:
            continue
        for node in syntax.children(statement):
            if syntax.kind[node] != _ASSIGNMENT:
                continue
            children = syntax.children(node)
            name = syntax.text(children[0])
            if name in constants:
                rebound.add(name)
            elif (
                len(children) == 2
                and syntax.kind[children[1]] in _LITERALS
                and syntax.next[children[1]] == children[1] + 1  # nothing inside: not a formatted string
            ):
                constants[name] = children[1]
    return {name: node for name, node in constants.items() if name not in rebound}
