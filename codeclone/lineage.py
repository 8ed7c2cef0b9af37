"""Which of the compared repositories the declarations of each side name, and which findings they cover."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codeclone.model import Candidate, Declaration, Declared, Evidence, Place, Snapshot
from codeclone.plain import plain

LEFT = "left"

LEAST_NAME = 5
"""Letters and digits of a repository's name by which it is recognised; shorter ones are common words too often."""

LEAST_FOLDER = 4
"""The same of the folder of a package, which has to be met exactly."""

LEAST_CLASS = 8
"""Characters of a bare name of a class or function that is looked for among definitions."""

ABOVE = 6
"""Lines above a function or class in which a mark is its own: decorators and a comment of a few lines stand between."""

HEAD = 40
"""First lines of a file: what is said there is said of all of it."""

GENERIC = frozenset(
    "models model modeling modelling code codes src source main master repo project paper demo utils util tools examples example "
    "research official core test tests data dataset datasets scripts train training pytorch tensorflow torch python package "
    "library libs common layers modules module network networks config configs docs unpacked download downloads readme "
    "introduction overview install installation usage license index".split()
)
"""Names that any repository or folder can have."""

OF_CODE = (".py", ".ipynb", ".cu", ".cuh", ".cpp", ".cc", ".cxx", ".hpp", ".h", ".c", ".hip", ".cl", ".metal")
NO_SOURCE = ("licence", "copyright")
"""Kinds that name no repository."""

_ADDRESS = re.compile(r"^(?:https?://|git@)?(?:www\.|raw\.)?([\w-]+(?:\.[\w-]+)+)[/:](.+)$")
_HOST = re.compile(r"github\.com|githubusercontent|gitlab|bitbucket|gitee|huggingface|^hf\.co|modelscope|codeaurora")
_INSIDE = re.compile(r"^(?:-/)?(?:blob|tree|raw|blame|edit|resolve|src)/[^/]+/(.+)$|^(?:master|main)/(.+)$")
_VERSION = re.compile(r"[-_=]+v?\d+(?:\.\d+)+.*$")


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
    """The last part of an address, path or name on a hub without its version: letters and digits only."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^a-z0-9]", "", _VERSION.sub("", last).lower())


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
    for own in sides:
        others = [own, *(other for other in sides if other.name != own.name)]
        seen: dict[tuple[str, str], str] = {}
        for declaration in own.declarations:
            key = (declaration.kind, declaration.source)
            if key not in seen:
                seen[key] = "" if declaration.kind in NO_SOURCE else _names(declaration, others)
            found.append(Declared(own.name, declaration, seen[key]))
    return tuple(found)


def _names(declaration: Declaration, others: Sequence[Side]) -> str:
    source = named(declaration)
    strengths = [_strength(source, declaration, other) for other in others]
    best = max(strengths, default=0)
    return others[strengths.index(best)].name if best else ""


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
    if any(
        _is_special(module) and f".{module}." in f".{source.inside}." for module in side.modules if "." not in module
    ):
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


# What is declared


@dataclass(frozen=True, slots=True)
class Openly:
    """Which sources the left repository names, and how often."""

    compared: tuple[tuple[str, int], ...]
    """(candidate, places), most named first."""
    others: tuple[tuple[str, int], ...]
    """(source that is not compared, places), most named first: worth being examined as claimed sources."""


def openly(declared: Sequence[Declared], side: str = LEFT) -> Openly:
    """What one side names; itself, licences and holders of copyright do not count."""
    compared: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for one in declared:
        if one.side != side or one.declaration.kind in NO_SOURCE or one.names == side:
            continue
        if one.names:
            compared[one.names] += one.count
        elif _is_repository(one.declaration):
            others[named(one.declaration).repository] += one.count
    return Openly(_most(compared), _most(others))


def _is_repository(declaration: Declaration) -> bool:
    """Whether one could go and get the source: an address, or a package by its name in small letters; no class and no file."""
    source = named(declaration)
    root = declaration.source.partition(".")[0]
    is_package = bool(source.repository) and root == root.lower() and root not in GENERIC and root.count("_") < 2
    return (source.is_address and "/" in source.repository) or (not source.is_address and is_package)


def _most(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def with_declared(
    evidence: Iterable[Evidence], declared: Sequence[Declared], candidates: Sequence[Candidate]
) -> tuple[Evidence, ...]:
    """The findings, those about code with the declaration of the left that covers them."""
    mine = naming(declared)
    return tuple(
        replace(finding, declared=covering(finding, mine, candidates)) if finding.kind == "code" else finding
        for finding in evidence
    )


Naming = Mapping[str, Sequence[Declared]]
"""Path -> the declarations of the left in it that name another side; empty path: those about the whole repository."""


def naming(declared: Iterable[Declared]) -> Naming:
    """The declarations of the left that name another side, by file."""
    found: dict[str, list[Declared]] = {}
    for one in declared:
        if one.side == LEFT and one.names not in ("", LEFT):
            path = one.declaration.place.location.path
            found.setdefault(path if path.lower().endswith(OF_CODE) else "", []).append(one)
    return found


def covering(finding: Evidence, mine: Naming, candidates: Sequence[Candidate]) -> str:
    """The sentence for what the left declares of a finding; empty where it declares nothing.

    A declaration in or right above the fragment comes first, then one at the head of the file, then one about the whole
    repository. Of these the right repository counts before others; the last counts only where it names the right one.
    """
    roles = {candidate.name: candidate.role for candidate in candidates}
    place = next(iter(finding.left), None)
    if place is None:
        return ""
    here = mine.get(place.location.path, ())
    inside = [one for one in here if is_of(one.declaration, place)]
    head = [one for one in here if is_of_file(one.declaration)]
    whole = [
        one for one in mine.get("", ()) if roles.get(one.names) == "right" and one.declaration.kind != "base model"
    ]
    for found, whose in ((inside, "of this fragment"), (head, "of the file"), (whole, "of the repository")):
        best = min(found, key=lambda one: roles.get(one.names) != "right", default=None)
        if best is not None:
            return _sentence(best, whose, roles.get(best.names, ""))
    return ""


def is_of(declaration: Declaration, place: Place) -> bool:
    """Whether a declaration stands in a fragment of the same file, or right above it."""
    said, span = declaration.place.location.span, place.location.span
    return said is not None and span is not None and span.first - ABOVE <= said.first <= span.last


def is_of_file(declaration: Declaration) -> bool:
    """Whether a declaration is about the whole of its file."""
    said = declaration.place.location.span
    return declaration.kind in (*NO_SOURCE, "modular import") or said is None or said.first <= HEAD


def _sentence(one: Declared, whose: str, role: str) -> str:
    known = {"right": "the right repository", "claimed": "a claimed source", "ancestor": "an ancestor"}.get(role, "")
    location = one.declaration.place.location
    line = f":{location.span.first}" if location.span else f"#{location.pointer}" if location.pointer else ""
    said = {"credit": "credits", "modular import": "imports from", "base model": "names as its base"}.get(
        one.declaration.kind, f"says {whose} that it is {one.declaration.kind}"
    )
    return plain(
        f"{location.path}{line} {said} {one.declaration.source}: {one.names}" + (f", {known}" if known else "")
    )
