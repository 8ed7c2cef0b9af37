"""Which of the left's references lead nowhere in the left, and where else they lead.

Nobody points at a stranger's class by accident; but a public library, a common ancestor or a source that is named openly can
be what is meant, so each of these is tried before the right repository is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from codeclone.background import Shares
from codeclone.match.leftovers import is_distinctive, is_stock
from codeclone.model import LEVELS, Level, Location, Place, Span
from codeclone.parse.mentions import Named, Reference

MAX_DEFINED = 3
"""A name that a repository defines in more places than this is a habit, and tells nothing of where it came from."""

LEAST_CAMEL, LEAST_SNAKE = 10, 14
"""Characters of a name in capitals and small letters, and of two words in small letters."""

SEVERAL = 3
"""Different words that the left only mentions: from so many on they are weak together."""

LEAST_NAME = 5
"""Letters and digits of a repository's name that is taken for one of its kind."""

MAX_FOUND = 100
"""References that are followed to the end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One place where a reference was looked for."""

    where: str
    """A side, a candidate, or the public packages."""
    looked_for: str
    found: tuple[Place, ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference that leads nowhere in the left."""

    text: str
    references: tuple[Reference, ...]
    """Where the left has it."""
    target: tuple[Place, ...]
    """What is meant in the right repository; empty where that is none of these."""
    explained_by: str
    """The ancestor or claimed source that has it as well, as `others` calls it; empty where there is none."""
    steps: tuple[Step, ...]
    level: Level


@dataclass(frozen=True, slots=True)
class _Side:
    """A repository, with what its origins are looked up by: there can be as many of them as of references."""

    named: Named
    titles: frozenset[str]
    """What the repository calls itself, as `_called`."""
    origins: dict[str, tuple[Place, ...]]
    """Where it names each origin, by the whole name and as `_called`."""


def _side(named: Named) -> _Side:
    origins: dict[str, list[Place]] = {}
    for reference in named.references:
        if reference.kind == "origin":
            for name in dict.fromkeys((reference.name, _called(reference.name))):
                origins.setdefault(name, []).append(reference.place)
    return _Side(
        named,
        frozenset(_called(title) for title in named.titles),
        {name: tuple(places) for name, places in origins.items()},
    )


def dangling(left: Named, right: Named, others: Sequence[tuple[str, Named]], definitions: Shares) -> list[Dangling]:
    """References of the left that lead to the right, or to an ancestor or claimed source, those that tell most first.

    `others`: what to call each ancestor and claimed source, and what it names; the first that has a reference explains it.
    `definitions`: names that public packages define.
    """
    groups: dict[str, list[Reference]] = {}
    mine, theirs = _side(left), _side(right)
    candidates = [(name, _side(named)) for name, named in others]
    sides = [theirs, *(side for _, side in candidates)]
    for reference in (*left.references, *_mentions(left, [side.named for side in sides])):
        if _can_tell(reference) and not _resolves(reference, mine):
            groups.setdefault(_name_of(reference), []).append(reference)
    public = dict(zip(groups, definitions.held_by([name.removesuffix(".py") for name in groups]).tolist(), strict=True))
    mentioned = [name for name, some in groups.items() if "/" not in name and {r.kind for r in some} == {"mention"}]
    several = len(mentioned) >= SEVERAL
    found: list[Dangling] = []
    for name, references in groups.items():
        if len(found) >= MAX_FOUND:
            break
        strongest = max(references, key=_weight)
        if not public[name] and any(_target(strongest, side) for side in sides):
            found.append(_followed(name, references, strongest, left, theirs, candidates, several))
    return sorted(found, key=lambda one: (-LEVELS.index(one.level), -len(one.references), one.text))


def _weight(reference: Reference) -> int:
    return ("mention", "origin", "import", "class name", "class path").index(reference.kind)


def _name_of(reference: Reference) -> str:
    """What references are grouped by."""
    return reference.name or reference.module.rpartition(".")[2]


def _mentions(left: Named, sides: Sequence[Named]) -> list[Reference]:
    """Words of the left's prose that one of the sides defines, files that it has, and names by which a hub knows it."""
    files = {f"{module}.py" for side in sides for module in side.modules}
    called = {_called(title) for side in sides for title in side.titles}
    return [
        Reference("mention", "", word, Place(Location(path, Span(line, line))))
        for word, places in left.words.items()
        if word in files or any(word in side.definitions for side in sides) or ("/" in word and _called(word) in called)
        for path, line in places
    ]


def _can_tell(reference: Reference) -> bool:
    """Whether the reference is to something of which there is only one."""
    name = _name_of(reference)
    if reference.kind == "origin" or "/" in name:
        return bool(name)
    stem = name.removesuffix(".py")
    return is_distinctive(stem) and not is_stock(stem) and _is_special(stem)


def _is_special(name: str) -> bool:
    """Long enough that two people hardly come upon it alone: `get_loader` is not."""
    return len(name) >= LEAST_CAMEL if name != name.lower() else name.count("_") > 1 or len(name) >= LEAST_SNAKE


def _root(reference: Reference) -> str:
    return reference.module.lstrip(".").partition(".")[0]


# Where a reference leads


def _resolves(reference: Reference, side: _Side) -> bool:
    """Whether it leads anywhere in the repository itself."""
    if reference.kind == "origin" or "/" in reference.name:
        return _called(reference.name) in side.titles
    name = _name_of(reference)
    if name.endswith(".py"):
        return name.removesuffix(".py") in side.named.modules
    return name in side.named.definitions or name in side.named.modules


def _target(reference: Reference, side: _Side) -> tuple[Place, ...]:
    """What is meant in a repository; empty where nothing there is."""
    if reference.kind == "origin" or "/" in reference.name:
        return _origin(reference, side)
    name = _name_of(reference)
    if name.endswith(".py"):
        return _files(name.removesuffix(".py"), side.named)
    defined = side.named.definitions.get(name, ())
    if len(defined) > MAX_DEFINED:
        return ()
    module = reference.module.rpartition(".")[2]
    if reference.kind in ("class path", "import") and module:
        if not reference.name:
            return _files(name, side.named)
        files = side.named.modules.get(module, ()) if defined else ()
        inside = tuple(p for p in defined if p.location.path in files or _within(p.location.path, files))
        # The class alone will do, but for an import by the name of a package: that can be any library.
        is_library = reference.kind == "import" and not reference.module.startswith(".")
        return inside if is_library else inside or defined
    return defined


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _files(module: str, side: Named) -> tuple[Place, ...]:
    """The files or folders that an import of a module can mean."""
    return tuple(Place(Location(path)) for path in side.modules.get(module, ()))


_LOCAL = re.compile(r"^(?:[/~.]|[A-Za-z]:[\\/])|(?:[^/]*/){2}")
"""A path on somebody's machine: absolute, or of at least three parts, as no name on a hub has."""


def _is_local(path: str) -> bool:
    """Whether an origin is a path on a machine and no name on a hub."""
    return _LOCAL.search(path) is not None


def _origin(reference: Reference, side: _Side) -> tuple[Place, ...]:
    """Where a repository names the same path, or is called like the last part of it."""
    if _is_local(reference.name) and reference.name in side.origins:
        return side.origins[reference.name]
    called = _called(reference.name)
    if len(called) < LEAST_NAME or called not in side.titles:
        return ()
    return side.origins.get(called) or (Place(Location(side.named.titles[0])),)


def _called(name: str) -> str:
    """The last part of a path or hub name, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", PurePosixPath(name.replace("\\", "/")).name.lower())


# What it comes to


def _followed(
    name: str,
    references: Sequence[Reference],
    strongest: Reference,
    left: Named,
    right: _Side,
    others: Sequence[tuple[str, _Side]],
    several: bool,
) -> Dangling:
    text = strongest.text or name
    steps = [
        Step("left", text, (), _nowhere(strongest, left)),
        Step("public packages", name, (), "none of the packages in the shipped table defines it"),
    ]
    explained = ""
    for other, its_names in others:
        place = _target(strongest, its_names)
        steps.append(Step(other, text, place, "found" if place else "not there"))
        explained = explained or (other if place else "")
    target = _target(strongest, right)
    steps.append(Step("right", text, target, "found" if target else "not there"))
    level: Level = "none" if explained else _level(strongest, target, left, right.named, several)
    return Dangling(text, tuple(references), target, explained, tuple(steps), level)


def _nowhere(reference: Reference, left: Named) -> str:
    if reference.kind == "origin":
        return "the left repository is not called so"
    definitions, modules = len(left.definitions), len(left.modules)
    return (
        f"not among its {definitions:,} names of classes and functions and its {modules:,} names of modules and folders"
    )


def _level(reference: Reference, target: Sequence[Place], left: Named, right: Named, several: bool) -> Level:
    """Strong: a class path or an import that hits module and name. Moderate: a class name, or a path. Weak: a mention of a file,
    of a name with the right's own name in it, or one of several; and what says openly which architecture or repository it is of,
    as whatever is made from a public model with code of its own does. None: a word alone, which can be that of a paper or a data
    set, and the right repository itself, which is as likely a credit.
    """
    if reference.kind == "mention" and "/" in reference.name:
        return "none"
    if reference.kind == "mention":
        return "weak" if several or reference.name.endswith(".py") or _has_name_of(reference.name, right) else "none"
    if reference.source:
        return "weak"
    if reference.kind in ("class name", "origin"):
        return "weak" if reference.key == "architectures" else "moderate"
    if reference.kind == "import" and _root(reference) in left.dependencies:
        return "none"
    module = reference.module.rpartition(".")[2]
    is_package = any("/" in place.location.path for place in target) and not reference.module.startswith(".")
    hits = bool(module) and any(PurePosixPath(place.location.path).stem == module for place in target)
    if is_package and (reference.kind == "import" or "." in reference.module):
        return "weak"  # the right may be installed and used as a library
    return "strong" if hits and reference.name else "moderate"


def _has_name_of(name: str, side: Named) -> bool:
    """Whether one of the words that a repository calls itself by stands in a name."""
    words = {word for title in side.titles for word in re.findall(r"[a-z]{5,}", title.lower())}
    return any(word in name.lower() for word in words)
