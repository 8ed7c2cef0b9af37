"""Rebuilds codeclone/data/stock_names.npz: in how many model folders settings and names occur.

    python benchmarks/build_names.py            # downloads the packages listed below with pip, by name

A model folder is what one model family is kept in: `models/llama` of transformers, whichever release; a file of timm's
models; a folder of the others. What the base classes of a package set (`return_dict`, `output_attentions`) is written into
every configuration, so such a setting counts as held by all folders; its key only as held by one more than those that give it
a value of their own, so that another value is not taken for rarer than this background can show.

Only hashes and counts are kept. The packages, versions and digests of what was read are written into docs/stock-names.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from codeclone import background
from codeclone.parse.entries import entries, written
from codeclone.parse.settings import settings_classes
from codeclone.parse.syntax import parse_python
from codeclone.read import folder

sys.path.insert(0, str(Path(__file__).parent))
from packages import fetch

PACKAGES = (
    "transformers==4.36.2",
    "transformers==4.46.3",
    "transformers==4.57.6",
    "transformers==5.23.0",
    "diffusers==0.35.1",
    "peft==0.17.1",
    "sentence-transformers==5.1.0",
    "timm==1.0.20",
    "open_clip_torch==3.3.0",
)

BASES = re.compile(
    r"(?:^|/)(?:configuration_utils|image_processing_\w*utils\w*|image_processing_base|feature_extraction_\w*utils\w*|"
    r"processing_utils|tokenization_utils\w*|video_processing_utils|training_args\w*)\.py$"
)
"""Files of base classes."""

SAVED_MODULES = ("sentence-transformers",)
"""Packages whose modules write the arguments that they were made with into configurations, whatever their classes are called."""

TOKEN = re.compile(
    r"<\|?[^\s<>|\"'`]{1,40}\|?>|\[[A-Z][A-Z0-9_/ ]{1,30}\]|<\|[^<>\"'`\n]{1,40}\|>|\[/?[A-Za-z_]{2,30}\]"
)
"""What looks like a special token."""

ATTRIBUTE = re.compile(r"\bself\.([A-Za-z_]\w*)[ \t]*(?::[^=\n]*)?=[^=]")
DEFINITION = re.compile(r"^(?:class|def|async def)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
MEAN = re.compile(r"\b(IMAGENET_\w+|OPENAI_CLIP_\w+)_(MEAN|STD)\b")


def folder_of(package: str, path: str) -> str:
    """Which model folder a file belongs to."""
    name = package.partition("==")[0]
    parts = path.split("/")
    if name == "transformers":
        return "/".join(parts[:3]) if len(parts) > 3 and parts[1] == "models" else "transformers"
    if name in ("timm", "diffusers"):
        return path.removesuffix(".py")
    return "/".join(parts[:-1])


class Counted:
    """What each folder holds, by section."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in background.SECTIONS}
        self.everywhere: dict[str, set[str]] = {name: set() for name in background.SECTIONS}
        self.folders: set[str] = set()

    def add(self, section: str, texts: set[str], where: str | None) -> None:
        """Texts of one folder; of all where none is given."""
        if where is None:
            self.everywhere[section] |= texts
        else:
            for text in texts:
                self.held[section][text].add(where)

    def table(self, section: str) -> background.Shares:
        counts = Counter({text: len(where) for text, where in self.held[section].items()})
        everywhere = 1 if section == "keys" else len(self.folders)
        counts.update(dict.fromkeys(self.everywhere[section], everywhere))
        texts = list(counts)
        keys = background.text_keys(texts)
        order = np.argsort(keys)
        numbers = np.minimum([counts[text] for text in texts], len(self.folders)).astype(np.uint32)
        return background.Shares(keys[order], numbers[order], len(self.folders))


def settings_of(text: str, path: str, constants: dict[str, object], *, every: bool) -> Iterator[tuple[str, object]]:
    """(key, value) of each default of a file; of processors also the means and deviations that they name."""
    for found in settings_classes(parse_python(text.encode("utf-8", "surrogatepass"), path), every=every):
        for setting in found.settings:
            yield setting.key, setting.value
    for name, which in set(MEAN.findall(text)):
        value = constants.get(f"{name}_{which}")
        if value is not None:
            yield f"image_{which.lower()}", value


def constants_of(text: str) -> dict[str, object]:
    pattern = re.compile(r"^([A-Z_]+(?:MEAN|STD))\s*=\s*[\[(]([-\d., ]+)[\])]", re.MULTILINE)
    return {name: [float(item) for item in items.split(",") if item.strip()] for name, items in pattern.findall(text)}


def count(package: str, counted: Counted) -> str:
    """Count a package; its line of the table."""
    root = fetch(package)
    snapshot = folder.read(str(root))
    texts = {
        file.path: file.read().decode("utf-8", "replace")
        for file in snapshot.files
        if file.path.endswith(".py") or ("/model_configs/" in file.path and file.path.endswith(".json"))
    }
    constants: dict[str, object] = {}
    for path, text in texts.items():
        if path.endswith("/image_utils.py"):
            constants |= constants_of(text)
    before = len(counted.folders)
    for path, text in texts.items():
        where = folder_of(package, path)
        if path.endswith(".json"):
            pairs = [("", json.loads(text))]
        else:
            every = package.partition("==")[0] in SAVED_MODULES
            pairs = [*settings_of(text, path, constants, every=every)]
        found = [entry for key, value in pairs for entry in entries({key: value} if key else value)]
        if found:
            counted.folders.add(where)
        target = None if BASES.search(path) else where
        counted.add("settings", {entry.text for entry in found}, target)
        counted.add("keys", {entry.key for entry in found}, target)
        counted.add("values", {written(entry.value) for entry in found}, target)
        counted.add("tokens", set(TOKEN.findall(text)), where)
        counted.add("attributes", set(ATTRIBUTE.findall(text)), target)
        counted.add("definitions", {*DEFINITION.findall(text), Path(path).stem}, where)
    print(package, len(counted.folders) - before, file=sys.stderr)
    return f"| {package} | {len(texts)} | {len(counted.folders) - before} | `{snapshot.repository.digest[:16]}` |"


def main() -> None:
    counted = Counted()
    lines = [count(package, counted) for package in PACKAGES]
    tables = {section: counted.table(section) for section in background.SECTIONS}
    description = f"{len(counted.folders)} model folders of {', '.join(PACKAGES)}"
    background.save_names(tables, description, background.NAMES)
    sizes = "\n".join(f"| {section} | {len(table.keys):,} |" for section, table in tables.items())
    docs = Path(__file__).parent.parent / "docs" / "stock-names.md"
    docs.write_text(
        "# The shipped background of settings and names\n\n"
        "Built by `python benchmarks/build_names.py` from the packages below: in how many of "
        f"{len(counted.folders)} model folders each text occurs. Configurations are read with the parser and never "
        "imported. What no folder holds counts as held by three (the rule of three). Only hashes and counts are kept.\n\n"
        "| package (wheel) | files read | new model folders with settings | snapshot digest |\n|---|---|---|---|\n"
        + "\n".join(lines)
        + "\n\n| section | distinct texts |\n|---|---|\n"
        + sizes
        + "\n",
        encoding="utf-8",
    )
    print(description, f"{background.NAMES.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
