"""References that lead nowhere on the left and somewhere on the right; and those that others explain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeclone.background import shipped
from codeclone.evidence import Context, Findings, Profiled, references
from codeclone.model import File, Profile, Repository, Snapshot

RIGHT = {
    "modeling_wrenling.py": "class WrenlingForTalk(Base):\n    def say(self):\n        pass\n",
    "tokenization_wrenling.py": "import torch\n\nclass WrenlingTokenizerFast:\n    pass\n\ndef split_wrenling_text(x):\n    return x\n",
    "config.json": json.dumps({"_name_or_path": "wrenling-7b", "model_type": "wrenling"}),
    "README.md": "# Wrenling-7B\n\nA bird.\n",
}


def profile(files: dict[str, str], name: str = "r") -> Profile:
    made = tuple(
        File(path, len(text), "0" * 64, lambda text=text: text.encode()) for path, text in sorted(files.items())
    )
    return references.profile(Snapshot(Repository(name, name, None, "0" * 64), made))


def found(left: dict[str, str], *others: tuple[str, dict[str, str]], right: dict[str, str] = RIGHT) -> Findings:
    candidates = [
        Profiled("wrenling", "right", profile(right, "wrenling")),
        *(Profiled(role, role, profile(files, role)) for role, files in others),
    ]
    return references.compare(profile(left, "left"), candidates, Context(shipped()))


def told(findings: Findings) -> list[tuple[str, str, str | None, int | None]]:
    return [
        (
            f.level,
            place.location.path,
            place.location.pointer,
            place.location.span.first if place.location.span else None,
        )
        for f in findings.evidence
        for place in f.left
    ]


@pytest.mark.parametrize(
    ("path", "text", "level", "pointer", "line"),
    [
        ("config.json", '{"auto_map": {"AutoModel": "modeling_wrenling.WrenlingForTalk"}}', "strong", "/auto_map/AutoModel", None),
        ("config.json", '{"auto_map": {"A": ["tokenization_wrenling.WrenlingTokenizerFast", null]}}', "strong", "/auto_map/A/0", None),
        ("config.json", '{"auto_map": {"A": "me/mine--modeling_wrenling.WrenlingForTalk"}}', "weak", "/auto_map/A", None),
        ("tokenizer_config.json", '{"tokenizer_class": "WrenlingTokenizerFast"}', "moderate", "/tokenizer_class", None),
        ("config.json", '{"architectures": ["WrenlingForTalk"]}', "weak", "/architectures/0", None),
        ("config.json", '{"_name_or_path": "/data/someone/runs/wrenling-7b"}', "moderate", "/_name_or_path", None),
        ("m.py", "\nfrom .modeling_wrenling import (\n    WrenlingForTalk as Talk,\n)\n", "strong", None, 2),
        ("m.py", "from tokenization_wrenling import split_wrenling_text\n", "strong", None, 1),
        ("m.py", 'x = 1\n"""See\nWrenlingForTalk."""\n', "weak", None, 3),
        ("m.py", "x = 1  # as in modeling_wrenling.py\n", "weak", None, 1),
        ("README.md", "# Ours\n\nUse `WrenlingTokenizerFast`.\n", "weak", None, 3),
    ],
)  # fmt: skip
def test_a_reference_to_what_only_the_right_has(path: str, text: str, level: str, pointer: str, line: int) -> None:
    assert told(found({path: text, "own.py": "class Own: pass\n"})) == [(level, path, pointer, line)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tokenizer_config.json", '{"tokenizer_class": "LlamaTokenizerFast"}'),
        ("config.json", '{"architectures": ["LlamaForCausalLM"], "_name_or_path": "meta-llama/Llama-2-7b-hf"}'),
        ("config.json", '{"auto_map": {"AutoModel": "modeling_gone.GoneForEver"}}'),
        ("m.py", "from .modeling_gone import GoneForEver\nimport torch\nfrom transformers import AutoTokenizer\n"),
        ("m.py", 'text = "from .modeling_wrenling import *"\n'),
        ("m.py", "class WrenlingForTalk:\n    pass\n# WrenlingForTalk\n"),
    ],
)
def test_what_resolves_or_leads_nowhere_at_all_is_no_evidence(path: str, text: str) -> None:
    levels = {finding.level for finding in found({path: text}).evidence}
    assert levels <= {"weak"}
    assert levels == ({"weak"} if '"from .modeling_wrenling' in text and "modeling_wrenling.py" in text else set())


def test_a_public_base_that_both_name_is_no_evidence() -> None:
    base = {"config.json": '{"_name_or_path": "meta-llama/Llama-2-7b-hf"}'}
    assert not found(base, right={**RIGHT, **base}).evidence


def test_a_path_on_a_machine_that_both_name_is_evidence() -> None:
    base = {"config.json": '{"_name_or_path": "/mnt/k7/exp_31/stage2"}'}
    (finding,) = found(base, right={**RIGHT, **base}).evidence
    assert finding.level == "moderate"
    assert finding.right[0].location.pointer == "/_name_or_path"


@pytest.mark.parametrize("role", ["ancestor", "claimed"])
def test_what_leads_to_another_candidate_only_speaks_against_the_right_one(role: str) -> None:
    left = {"config.json": '{"auto_map": {"AutoModel": "modeling_wrenling.WrenlingForTalk"}}'}
    (finding,) = found(left, (role, RIGHT), right={"m.py": "class Other: pass\n"}).evidence
    assert (finding.level, finding.stance, finding.right) == ("none", "against", ())
    asked, last = finding.tables[0].rows[-2:]
    assert str(asked.cells[0]).startswith(role)
    assert asked.cells[2] is not None
    assert (last.cells[0], last.cells[2]) == ("right", None)


@pytest.mark.parametrize("role", ["ancestor", "claimed"])
def test_an_ancestor_or_claimed_source_that_has_it_explains_it(role: str) -> None:
    left = {"config.json": '{"auto_map": {"AutoModel": "modeling_wrenling.WrenlingForTalk"}}'}
    (finding,) = found(left, (role, RIGHT)).evidence
    assert finding.level == "none"
    assert role in finding.reason


def test_the_way_is_shown_step_by_step() -> None:
    left = {"config.json": '{"auto_map": {"AutoModel": "modeling_wrenling.WrenlingForTalk"}}'}
    (finding,) = found(left, ("claimed", {"m.py": "class Other: pass\n"})).evidence
    steps = [(row.cells[0], bool(row.cells[2])) for row in finding.tables[0].rows]
    assert steps == [("left", False), ("public packages", False), ("claimed (claimed source)", False), ("right", True)]
    assert finding.right[0].qualname == "WrenlingForTalk"


def test_names_that_everyone_uses_tell_nothing() -> None:
    right = {
        "utils.py": "class Resampler: pass\n\ndef load_model(x): pass\n",
        "data/loader.py": "def get_loader(): pass\n",
    }
    left = {"m.py": "from .utils import Resampler\nfrom utils import load_model\nfrom data.loader import get_loader\n"}
    assert not found(left, right=right).evidence


def test_many_quotes_that_nothing_closes_are_read_in_good_time() -> None:
    assert not found({"m.py": ("'''" + '"' + "\\\n") * 20_000}).evidence


def test_samples_name_what_was_planted(truth: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    from codeclone import scan
    from tests.conftest import SAMPLES

    for name, planted in truth["references"].items():
        report = scan(str(SAMPLES / name), str(SAMPLES / "original"), only=("references",))
        shown = {
            (place.location.path, place.location.pointer, place.location.span.first if place.location.span else None)
            for finding in report.evidence
            for place in finding.left
        }
        assert shown == {
            (row["path"], row.get("pointer"), row.get("line")) for row in planted if row["resolves_to"] is not None
        }


def test_a_package_that_the_left_says_it_needs_is_no_evidence() -> None:
    right = {"wrenling/__init__.py": "", "wrenling/talking.py": "class WrenlingForTalk: pass\n"}
    left = {"m.py": "from wrenling.talking import WrenlingForTalk\n"}
    assert [finding.level for finding in found(left, right=right).evidence] == ["weak"]
    declared = {**left, "requirements.txt": "torch>=2\nwrenling==1.0\n"}
    assert [finding.level for finding in found(declared, right=right).evidence] == ["none"]


def test_an_import_by_the_name_of_another_package_is_no_evidence() -> None:
    assert not found({"m.py": "from some_library.tools import split_wrenling_text\n"}).evidence


def test_a_word_alone_can_be_that_of_a_paper_and_several_are_weak() -> None:
    words = ("OpenPondText", "HeronAttentionPool", "EfficientHeronNet")
    right = {"a.py": "".join(f"class {word}: pass\n" for word in words)}
    levels = [[f.level for f in found({"m.py": f"# {' '.join(words[:n])}\n"}, right=right).evidence] for n in (1, 3)]
    assert levels == [["none"], ["weak"] * 3]


def test_two_references_from_one_file_to_one_file_have_ids_of_their_own() -> None:
    left = {"m.py": "import wrenling_resampler_parts\n\n# see wrenling_resampler_parts.py\n"}
    findings = found(left, right={"wrenling_resampler_parts.py": "class X: pass\n"}).evidence
    assert len(findings) == 2
    assert len({finding.id for finding in findings}) == 2


def test_the_right_repository_by_its_name_on_a_hub_is_shown_and_no_ground() -> None:
    left = {"README.md": "# Ours\n\nLoad it from birds/Wrenling-7B and enjoy.\n", "m.py": 'load("birds/Wrenling-7B")\n'}
    (finding,) = found(left).evidence
    assert (finding.level, len(finding.left)) == ("none", 2)
    assert not found({"README.md": "# Wrenling-7B\n\nfrom birds/Wrenling-7B\n"}).evidence
