"""Pairs of repositories of which nobody copied from the other, or which say that they did: what calibration.py compares.

A pair is *declared* where one side says in words that it took code from the other, or both name one public repository as
where theirs comes from; such pairs have a shared origin and are counted apart.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from counterparts import ARCHITECTURES, CALLED, MODELS, PLACES, TRANSFORMERS
from packages import fetch

from codeclone.model import Repository, Snapshot
from codeclone.read import folder

UPSTREAM = "samples/upstream"
"""The ancestor that explains nothing: a level above moderate needs one that was examined."""

PACKAGES = (
    "x-transformers==2.31.10",
    "litgpt==0.5.13",
    "torchmetrics==1.9.0",
    "kornia==0.9.0",
    "gensim==4.4.0",
    "keras-hub==0.32.0",
    "speechbrain==1.1.2",
    "torchtune==0.6.1",
    "open_clip_torch==3.3.0",
    "nltk==3.10.4",
    "flair==0.15.1",
    "fastai==2.8.12",
    "gpytorch==1.15.2",
    "stable-baselines3==2.9.2",
    "segmentation-models-pytorch==0.6.0",
    "torchaudio==2.11.0",
    "torch-geometric==2.8.1",
    "timm==1.0.20",
    "sentence-transformers==5.1.0",
    "peft==0.17.1",
    "torchvision==0.20.1",
)
"""Libraries of machine learning by different authors. Of the last four other releases are in the background of code."""

DECLARED = frozenset(
    frozenset(pair)
    for pair in (
        ("kornia", "timm"),  # kornia/models/common.py, kornia/models/vit.py
        ("kornia", "torchvision"),  # kornia/models/rt_detr/architecture/resnet_d.py
        ("kornia", "torchmetrics"),  # kornia/losses/dice.py
        ("kornia", "segmentation-models-pytorch"),  # kornia/models/segmentation/segmentation_models.py
        ("timm", "torchvision"),  # timm/models/resnet.py, densenet.py, vgg.py
        ("open_clip_torch", "timm"),  # open_clip/transform.py
        ("flair", "sentence-transformers"),  # flair/nn/distance/cosine.py
        ("stable-baselines3", "timm"),  # stable_baselines3/common/sb2_compat/rmsprop_tf_like.py
        ("segmentation-models-pytorch", "timm"),  # segmentation_models_pytorch/encoders/
        ("segmentation-models-pytorch", "torchvision"),  # segmentation_models_pytorch/encoders/_senet.py
        ("torchtune", "litgpt"),  # torchtune/modules/attention.py
        ("torchtune", "peft"),  # torchtune/training/checkpointing/_utils.py
        ("speechbrain", "torchaudio"),  # speechbrain/augment/time_domain.py
        ("speechbrain", "nltk"),  # speechbrain/lm/counting.py
    )
)
"""Packages of which one names code of the other as the source of its own, with where it says so."""

RELEASE, OLDER = TRANSFORMERS, "transformers==4.46.3"
SEED = 20261123
SAME_RELEASE, OLDER_RELEASE = 60, 130
"""Pairs of model folders that are drawn; not counted are those of one family, which come on top as they are drawn."""

FIELDS = {
    "several": ("IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "VISUAL_QUESTION_ANSWERING"),
    "audio": ("AUDIO_CLASSIFICATION", "CTC", "SPEECH_SEQ_2_SEQ", "TEXT_TO_WAVEFORM"),
    "vision": ("IMAGE_CLASSIFICATION", "OBJECT_DETECTION", "SEMANTIC_SEGMENTATION", "DEPTH_ESTIMATION", "BACKBONE"),
    "text": ("CAUSAL_LM", "MASKED_LM", "SEQ_TO_SEQ_CAUSAL_LM"),
}
"""Field -> tasks of models/auto/modeling_auto.py; a folder is of the first that has it."""


@dataclass(frozen=True)
class Unit:
    """What is compared as a repository."""

    name: str
    package: str
    snapshot: Snapshot


@dataclass(frozen=True)
class Pairing:
    """Two units, by name, and what is declared as their common ancestor."""

    population: str
    left: str
    right: str
    ancestor: str
    detail: str = ""
    """Why it is in its population, where that is not plain."""


@dataclass(frozen=True)
class Populations:
    """All pairings, and the units in them."""

    units: dict[str, Unit]
    pairings: tuple[Pairing, ...]


@cache
def _package(requirement: str) -> Snapshot:
    return folder.read(str(fetch(requirement)))


def _part(requirement: str, within: str) -> Unit:
    """A folder of a package, or a file of it, as a repository of its own."""
    every = _package(requirement)
    short = requirement.partition("==")[0]
    start = within.rpartition("/")[0] + "/" if within.endswith(".py") else within.rstrip("/") + "/"
    files = tuple(
        replace(file, path=file.path[len(start) :])
        for file in every.files
        if file.path == within or (file.path.startswith(start) and not within.endswith(".py"))
    )
    if not files:
        raise LookupError(f"{requirement} has no {within}")
    digest = hashlib.sha256("".join(f"{file.path}\0{file.sha256}\n" for file in files).encode()).hexdigest()
    name = f"{short}:{Path(within).stem if within.endswith('.py') else Path(within).name}"
    return Unit(name, short, Snapshot(Repository(name, name, None, digest), files))


def _whole(requirement: str) -> Unit:
    snapshot = _package(requirement)
    return Unit(requirement, requirement.partition("==")[0], _renamed(snapshot, requirement))


def _renamed(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(snapshot, repository=replace(snapshot.repository, name=name, origin=name))


def upstream() -> Unit:
    """The sample that explains nothing."""
    path = Path(__file__).parent.parent / UPSTREAM
    return Unit(UPSTREAM, UPSTREAM, _renamed(folder.read(str(path)), UPSTREAM))


# Independent packages


def packages(quick: bool) -> Iterator[tuple[Pairing, Unit, Unit]]:
    """All ordered pairs of packages."""
    units = [_whole(requirement) for requirement in PACKAGES[: 4 if quick else None]]
    for left, right in itertools.permutations(units, 2):
        is_declared = frozenset((left.package, right.package)) in DECLARED
        population = "packages, declared" if is_declared else "packages"
        yield Pairing(population, left.name, right.name, UPSTREAM), left, right


# Model folders of one package


def siblings(quick: bool) -> Iterator[tuple[Pairing, Unit, Unit]]:
    """Model folders of one field, with the same release as their ancestor and with one that is older than one of them.

    One family are two that declare, over any number of steps, a common source among the model folders, or each other: what
    that source became after the older release is shared by both, and the older release does not explain it.
    """
    older = {_folder_of(file.path) for file in _package(OLDER).files}
    by_field = _by_field()
    parents = {name: _closure(name) for names in by_field.values() for name in names}
    chance = random.Random(SEED)
    for population, ancestor, count in (
        ("siblings, same release", RELEASE, SAME_RELEASE),
        ("siblings, older release", OLDER, OLDER_RELEASE),
    ):
        drawn: set[tuple[str, str]] = set()
        wanted = count // 10 if quick else count
        while wanted:
            names = by_field[chance.choice(sorted(by_field))]
            left, right = chance.sample(names, 2)
            if (left, right) in drawn or (ancestor == OLDER and {left, right} <= older):
                continue
            drawn.add((left, right))
            common = sorted(parents[left] & parents[right]) if ancestor == OLDER else []
            apart = ", one family" if common else ""
            wanted -= not common
            units = _part(RELEASE, MODELS + left), _part(RELEASE, MODELS + right)
            yield Pairing(population + apart, units[0].name, units[1].name, ancestor, " ".join(common)), *units


def _folder_of(path: str) -> str:
    return path[len(MODELS) :].partition("/")[0] if path.startswith(MODELS) else ""


def _text(requirement: str, path: str) -> str:
    return next(f for f in _package(requirement).files if f.path == path).read().decode("utf-8", "replace")


def _by_field() -> dict[str, list[str]]:
    """Field -> names of model folders with a file `modeling_NAME.py`."""
    tree = ast.parse(_text(RELEASE, f"{MODELS}auto/modeling_auto.py"))
    folders = {_folder_of(f.path) for f in _package(RELEASE).files if f.path.rpartition("/")[2].startswith("modeling_")}
    tasks: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            constants = {child.value for child in ast.walk(node.value) if isinstance(child, ast.Constant)}
            tasks[node.targets[0].id] = {str(value).replace("-", "_") for value in constants} & folders
    found: dict[str, list[str]] = {}
    taken: set[str] = {"auto", "deprecated"}
    for field, names in FIELDS.items():
        its = {name for task in names for name in tasks.get(f"MODEL_FOR_{task}_MAPPING_NAMES", ())} - taken
        found[field] = sorted(its)
        taken |= its
    return found


_IMPORTED = re.compile(r"^from (?:\.\.|transformers\.models\.)(\w+)[\w.]* import", re.MULTILINE)
_COPIED = re.compile(r"[Cc]opied from transformers\.models\.(\w+)\.")


@cache
def _named_by(name: str) -> frozenset[str]:
    """Model folders that the modular files and the marks of a model folder name as their source."""
    named: set[str] = set()
    for file in _package(RELEASE).files:
        if _folder_of(file.path) == name and file.path.endswith(".py"):
            text = file.read().decode("utf-8", "replace")
            named.update(_COPIED.findall(text), _IMPORTED.findall(text))
    return frozenset(named - {"auto", name})


def _closure(name: str) -> frozenset[str]:
    """A model folder and all that it says, over any number of steps, that its code comes from."""
    found = [name]
    for one in found:
        found += sorted(_named_by(one) - set(found))
    return frozenset(found)


# One architecture, written twice


SAYS = re.compile(
    r"\b(?:cop(?:y|ied)|adapt\w*|taken|borrow\w*|deriv\w*|modif\w*|based|port(?:ed)?|inspired|credit\w*|follow\w*|hacked|original\w*)\b",
    re.IGNORECASE,
)
SOURCE = re.compile(r"github\.com/([\w.-]+/[\w-]+)", re.IGNORECASE)
WINDOW = 2
"""Lines before and after the name of a package in which a word of `SAYS` makes it a declaration."""


def architectures(quick: bool) -> Iterator[tuple[Pairing, Unit, Unit]]:
    """Implementations of one architecture by different authors, both ways."""
    for (one, other), listed in ARCHITECTURES.items():
        for entry in listed.split()[: 2 if quick else None]:
            first, _, second = entry.partition("=")
            left = _part(one, PLACES[one] + first)
            right = _part(other, PLACES[other] + (second or first))
            why = _declares(left, right) or _declares(right, left) or _one_source(left, right)
            population = "architectures, declared" if why else "architectures"
            yield Pairing(population, left.name, right.name, UPSTREAM, why), left, right
            yield Pairing(population, right.name, left.name, UPSTREAM, why), right, left


def _texts(unit: Unit) -> Iterator[tuple[str, list[str]]]:
    for file in unit.snapshot.files:
        if file.path.endswith(".py"):
            yield file.path, file.read().decode("utf-8", "replace").splitlines()


def _declares(one: Unit, other: Unit) -> str:
    """Where one says that something of it comes from the other's package; empty where it does not."""
    called = re.compile(CALLED[other.package], re.IGNORECASE)
    for path, lines in _texts(one):
        for number, line in enumerate(lines):
            if called.search(line) and not line.lstrip().startswith(("import ", "from ")):
                around = " ".join(lines[max(0, number - WINDOW) : number + WINDOW + 1])
                if SAYS.search(around):
                    return f"{one.name} {path}:{number + 1}"
    return ""


def _one_source(one: Unit, other: Unit) -> str:
    """Public repositories that both name, other than the packages themselves."""
    named = [
        {found.lower() for _, lines in _texts(unit) for line in lines for found in SOURCE.findall(line)}
        for unit in (one, other)
    ]
    own = re.compile("|".join(CALLED.values()), re.IGNORECASE)
    return " ".join(sorted(source for source in named[0] & named[1] if not own.search(source)))


def populations(quick: bool, only: Sequence[str] = ()) -> Populations:
    """All of them; `only`: names with which a population begins."""
    units: dict[str, Unit] = {}
    pairings: list[Pairing] = []
    made: Iterable[tuple[Pairing, Unit, Unit]] = itertools.chain(packages(quick), siblings(quick), architectures(quick))
    for pairing, left, right in made:
        if not only or pairing.population.startswith(tuple(only)):
            pairings.append(pairing)
            units |= {left.name: left, right.name: right}
    for name in sorted({pairing.ancestor for pairing in pairings}):
        units[name] = upstream() if name == UPSTREAM else _whole(name)
    return Populations(units, tuple(pairings))
