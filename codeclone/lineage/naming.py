"""Which of the compared repositories the declarations of each side name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codeclone.model import NO_SOURCE, Declaration, Declared, Snapshot

LEFT = "left"

LEAST_NAME = 5
"""Letters and digits of a repository's name by which it is recognised; shorter ones are common words too often."""

LEAST_FOLDER = 4
"""The same of the folder of a package, which has to be met exactly."""

LEAST_CLASS = 8
"""Characters of a bare name of a class or function that is looked for among definitions."""

GENERIC = frozenset(
    "models model modeling modelling code codes src source main master repo project paper demo utils util tools examples example "
    "research official core test tests data dataset datasets scripts train training pytorch tensorflow torch python package "
    "library libs common layers modules module network networks config configs docs unpacked download downloads readme "
    "introduction overview install installation usage license index".split()
)
"""Names that any repository or folder can have."""

OF_CODE = (".py", ".ipynb", ".cu", ".cuh", ".cpp", ".cc", ".cxx", ".hpp", ".h", ".c", ".hip", ".cl", ".metal")

_ADDRESS = re.compile(r"^(?:https?://|git@)?(?:www\.|raw\.)?([\w-]+(?:\.[\w-]+)+)[/:](.+)$")
_HOST = re.compile(r"github\.com|githubusercontent|gitlab|bitbucket|gitee|huggingface|^hf\.co|modelscope|codeaurora")
_INSIDE = re.compile(r"^(?:-/)?(?:blob|tree|raw|blame|edit|resolve|src)/[^/]+/(.+)$|^(?:master|main)/(.+)$")
_VERSION = re.compile(r"(?<![-_=])[-_=]+v?\d+(?:\.\d+)+.*$")
_SIZE = re.compile(r"(?<=[a-z])\d{1,4}[bm]$")
"""Of a model, at the end of its name."""


@dataclass(frozen=True, slots=True)
class Side:
    """A compared repository: what it declares, and by what others can name it."""

    name: str
    """`left`, or a candidate's name."""
    declarations: tuple[Declaration, ...]
    titles: frozenset[str]
    """What it calls itself, as `called`."""
    packages: frozenset[str]
    """Folders of Python code that are in no other package."""
    modules: frozenset[str]
    """Dotted paths of its files of code, from the package on."""
    paths: frozenset[str]
    """Of its files of code, and every end of them of at least two parts."""
    definitions: Collection[str]


def side(
    name: str,
    snapshot: Snapshot,
    declarations: tuple[Declaration, ...],
    titles: Iterable[str],
    definitions: Collection[str],
) -> Side:
    """A side as it is known from its snapshot and from what the room of references found in it."""
    paths = [file.path for file in snapshot.files if file.path.lower().endswith(OF_CODE)]
    packages = _packages(paths)
    itself = {snapshot.repository.name, snapshot.repository.origin.rstrip("/").rpartition("/")[2], *titles}
    return Side(
        name,
        declarations,
        frozenset(name for name in map(called, itself) if len(name) >= LEAST_NAME and name not in GENERIC),
        frozenset(one for one in packages if len(one) >= LEAST_FOLDER and one.lower() not in GENERIC),
        frozenset(_dotted(path, packages) for path in paths if path.endswith(".py")),
        frozenset("/".join(path.split("/")[start:]) for path in paths for start in range(min(path.count("/") + 1, 12))),
        definitions,
    )


def sides(
    snapshots: Sequence[tuple[str, Snapshot]],
    declarations: Mapping[str, tuple[Declaration, ...]],
    titles: Mapping[str, Sequence[str]],
    definitions: Mapping[str, Collection[str]],
) -> list[Side]:
    """Every side, given as in `Findings` of the room of references; those that it did not look at declare nothing."""
    return [
        side(name, snapshot, declarations.get(name, ()), titles.get(name, ()), definitions.get(name, ()))
        for name, snapshot in snapshots
    ]


def called(name: str) -> str:
    """The last part of an address, path or name on a hub without its version and size: letters and digits only."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].removesuffix(".git")
    return _SIZE.sub("", re.sub(r"[^a-z0-9]", "", _VERSION.sub("", last).lower()))


def _packages(paths: Iterable[str]) -> frozenset[str]:
    """Names of folders that hold `__init__.py` and are in no such folder; of others those at the root, or in `src`."""
    folders = [path.split("/")[:-1] for path in paths if path.endswith(".py")]
    inits = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    outermost = {folder.rpartition("/")[2] for folder in inits if folder.rpartition("/")[0] not in inits}
    return frozenset(outermost | {folder[folder[0] == "src" and len(folder) > 1] for folder in folders if folder})


def _dotted(path: str, packages: Collection[str]) -> str:
    """As an import would be written: from the first folder on that is a package of the repository's own."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    start = next((place for place, part in enumerate(parts[:-1]) if part in packages and part != "src"), 0)
    return ".".join(parts[start:])


# Sources


@dataclass(frozen=True, slots=True)
class Named:
    """The source of a declaration, taken apart."""

    repository: str
    """`owner/name` of a host of code, another host alone, a package, or a name; in small letters."""
    inside: str
    """Dotted path, without the repository for an address; empty where all of it is meant."""
    is_address: bool


def named(declaration: Declaration) -> Named:
    """What a declaration names, however it is written."""
    source = declaration.source
    address = _ADDRESS.match(source) if "/" in source else None
    if address is not None and ("://" in source or "." in source.partition("/")[0]):
        if _HOST.search(address[1]) is None:
            return Named(address[1].lower(), "", True)
        owner, _, rest = re.sub(r"^(?:datasets|spaces|models)/", "", address[2]).partition("/")
        repository, _, behind = rest.partition("/")
        inside = _INSIDE.match(behind.partition("#")[0])
        path = (inside[1] or inside[2]) if inside is not None else ""
        return Named(f"{owner}/{repository.partition('#')[0].removesuffix('.git')}".lower(), _path_inside(path), True)
    if "/" in source and source.lower().endswith(OF_CODE):
        return Named("", _path_inside(source), False)
    if "/" in source:
        return Named(source.lower(), "", True)
    if source.lower().endswith(OF_CODE):
        return Named("", source.rpartition(".")[0], False)
    return Named(source.partition(".")[0].lower(), source if "." in source else "", False)


def _path_inside(path: str) -> str:
    return ".".join(re.sub(r"\.\w{1,5}$", "", path).removeprefix("src/").split("/")) if path else ""


def resolve(sides: Sequence[Side]) -> tuple[Declared, ...]:
    """Every declaration of every side with the side that it names, in order of side, file and line.

    A side can name itself: most of the marks inside a large library do. Where two sides can be meant, it is the one that
    has the very file under the very path; of two of these itself, then the first.
    """
    found: list[Declared] = []
    strengths: dict[str, list[int]] = {}
    for number, own in enumerate(sides):
        for declaration in own.declarations:
            source, names = declaration.source, ""
            if declaration.kind not in NO_SOURCE:
                if source not in strengths:
                    strengths[source] = [_strength(named(declaration), declaration, side) for side in sides]
                names = _strongest(strengths[source], number, sides)
            found.append(Declared(own.name, declaration, names))
    return tuple(found)


def _strongest(strengths: Sequence[int], own: int, sides: Sequence[Side]) -> str:
    best = max(strengths)
    return sides[own if strengths[own] == best else strengths.index(best)].name if best else ""


def _strength(source: Named, declaration: Declaration, side: Side) -> int:
    """How surely a source is a side: 4 for the repository itself or its very module, 1 for the weakest; 0 where it is not."""
    if source.is_address:
        name = called(source.repository)
        known = len(name) >= LEAST_NAME and name not in GENERIC and name in side.titles
        package = source.repository.rpartition("/")[2].replace("-", "_") in side.packages
        return 4 if known else 3 if package else 0
    if not source.inside:
        return _strength_of_name(declaration.source, side)
    parts = source.inside.split(".")
    prefixes = [".".join(parts[:count]) for count in range(len(parts), 1, -1)]
    if any(prefix in side.modules for prefix in prefixes):
        return 4
    if parts[0] in side.packages:
        return 3
    tails = [prefix.replace(".", "/") for prefix in prefixes if prefix.count(".")] or [source.inside]
    if any(f"{tail}.py" in side.paths for tail in tails if "/" in tail or _is_special(tail)):
        return 2
    if any(_is_special(part) and part in side.modules and not part.startswith("__") for part in parts):
        return 1
    return _strength_of_name(parts[0], side) if "." in declaration.source else 0


def _strength_of_name(name: str, side: Side) -> int:
    if name.lower().replace("-", "_") in side.packages:
        return 3
    simple = called(name)
    if len(simple) >= LEAST_NAME and simple not in GENERIC and simple in side.titles:
        return 3
    return 2 if _is_special(name) and name in side.definitions else 0


def _is_special(name: str) -> bool:
    return len(name) >= LEAST_CLASS and (name != name.lower() or "_" in name) and name.lower() not in GENERIC


def counted(declared: Iterable[Declared]) -> tuple[Declared, ...]:
    """Equal declarations of one side once, with their number; the first place is given."""
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], Declared] = {}
    for one in declared:
        key = (one.side, one.declaration.kind, one.declaration.source)
        first.setdefault(key, one)
        counts[key] += one.count
    return tuple(replace(one, count=counts[key]) for key, one in first.items())


# What counts as the same


_NO_HOLDER = re.compile(
    r"\b(?:the|inc|llc|ltd|co|corp|corporation|company|limited|team|authors?|and|its|affiliates|contributors|group|research)\b|[\W_]"
)


def key_of(declaration: Declaration) -> tuple[str, str]:
    """What two marks agree in that say the same in other words: no years, no renames, no branch, no wording."""
    if declaration.kind == "licence":
        return "licence", re.sub(r"-(?:only|or-later)$", "", declaration.source.lower())
    if declaration.kind == "copyright":
        return "copyright", _NO_HOLDER.sub("", declaration.source.lower())
    source = named(declaration)
    return (
        "source",
        f"{source.repository}#{source.inside.lower()}"
        if source.is_address
        else source.inside.lower() or source.repository,
    )


def everything_said(declarations: Iterable[Declaration]) -> frozenset[tuple[str, str]]:
    """Everything that the left says, with what follows from it."""
    return frozenset(
        key for declaration in declarations for key in (key_of(declaration), *_wider(declaration, of_left=True))
    )


def _wider(declaration: Declaration, *, of_left: bool) -> list[tuple[str, str]]:
    """The modules and the repository that a source is part of. A dotted path of the left stands for its module alone: a mark
    about another module is no credit for this one; an address stands for the whole repository."""
    if declaration.kind in NO_SOURCE:
        return []
    source = named(declaration)
    found = [("module", module) for module in _modules(source.inside)]
    if source.repository and (source.is_address or not source.inside or not of_left):
        found.append(("repository", source.repository.rpartition("/")[2].replace("-", "_")))
    return found


def _modules(inside: str) -> list[str]:
    """What may be the module of a dotted path: a folder and a file, before a class or before a function."""
    parts = inside.split(".")
    end = next((place for place, part in enumerate(parts) if part[:1].isupper()), len(parts))
    ends = (end,) if end < len(parts) else (end, end - 1)
    return [".".join(parts[last - 2 : last]).lower() for last in ends if last > 1]


def is_said(declaration: Declaration, said: frozenset[tuple[str, str]]) -> bool:
    """Whether what a declaration says is among `everything_said` of another side, be it of all that the source is part of."""
    return key_of(declaration) in said or any(key in said for key in _wider(declaration, of_left=False))
