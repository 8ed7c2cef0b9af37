"""The documents say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeclone.cli import main
from codeclone.model import LEVELS, PARTS
from codeclone.report.words import OP_MEANING, PART_MEANING

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "samples" / "README.md"]


def test_every_command_is_in_the_readme() -> None:
    for command in main.commands:
        assert f"codeclone {command}" in README


def test_every_option_in_the_readme_exists() -> None:
    help_text = "".join(CliRunner().invoke(main, [command, "--help"]).output for command in main.commands)
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)):
        assert option in help_text, option


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^ *)make ([a-z][\w-]*)", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert target in targets, f"{document.name}: make {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (document.parent / link).exists(), link


def test_the_report_format_names_every_field(schema: dict) -> None:
    text = (ROOT / "docs" / "report-format.md").read_text(encoding="utf-8")
    for field in [*schema["properties"], *schema["properties"]["evidence"]["items"]["properties"]]:
        assert f"`{field}`" in text, field


def test_words_are_those_of_the_contract() -> None:
    assert tuple(PART_MEANING) == PARTS
    assert set(OP_MEANING) == {"same", "renamed", "edited", "only_left", "only_right"}
    assert LEVELS == ("none", "weak", "moderate", "strong", "very strong")


def test_help_fits_a_terminal() -> None:
    for arguments in (["--help"], *([command, "--help"] for command in main.commands)):
        assert all(len(line) <= 80 for line in CliRunner().invoke(main, arguments).output.splitlines())
