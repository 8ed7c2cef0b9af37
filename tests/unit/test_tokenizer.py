"""Which of two tokenizers' new tokens count, and for how much."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from codeclone.background import shipped
from codeclone.errors import SourceError
from codeclone.evidence import Context, Findings, Profiled, tokenizer
from codeclone.model import Evidence, File, Profile, Repository, Snapshot, Table
from codeclone.pipeline import scan
from codeclone.public_tokenizers import tables
from tests.conftest import SAMPLES
from tests.protobuf import sentencepiece

PLANTED = [f"<{name}>" for name in "zorro_pane zorro_crop zorro_mark ferret_word stoat_line lemur_eye".split()]
PLANTED = [side for token in PLANTED for side in (token, token.replace("<", "</"))] + ["<|badger_end|>"]
OWN = ["<heron_left>", "<heron_right>", "<ibis_none>", "<|crane|>"]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"cd" * 32 + b"\nsize 4000000\n"


def snapshot(files: dict[str, bytes | dict[str, Any]], name: str = "r") -> Snapshot:
    made = []
    for path, content in sorted(files.items()):
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(raw).hexdigest()
        made.append(File(path, len(raw), digest, lambda raw=raw: raw))  # type: ignore[misc]
    return Snapshot(Repository(name, name, None, "0" * 64), tuple(made))


def entry(content: str, special: bool = True) -> dict[str, Any]:
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "special": special}


def config(base: str, new: dict[int, str], **more: Any) -> dict[str, bytes | dict[str, Any]]:
    """A tokenizer_config.json of a public tokenizer with tokens on top or in its slots."""
    tokens = {**tables()[base].tokens, **new}
    return {"tokenizer_config.json": {"added_tokens_decoder": {str(n): entry(c) for n, c in tokens.items()}, **more}}


def behind(base: str, new: list[str], gap: int = 0) -> dict[int, str]:
    return dict(enumerate(new, tables()[base].size + gap))


def compare(
    left: dict[str, bytes | dict[str, Any]],
    right: dict[str, bytes | dict[str, Any]],
    base: str | Snapshot | None = None,
    **others: dict[str, bytes | dict[str, Any]],
) -> Findings:
    candidates = [Profiled("right", "right", profile(right))]
    candidates += [Profiled(f"the {role}", role, profile(files)) for role, files in others.items()]  # type: ignore[arg-type]
    return tokenizer.compare(profile(left), candidates, Context(shipped(), base_tokenizer=base))


def profile(files: dict[str, bytes | dict[str, Any]]) -> Profile:
    return tokenizer.profile(snapshot(files))


def only(findings: Findings) -> Evidence:
    (found,) = findings.evidence
    return found


def measures(found: Evidence) -> dict[str, float]:
    return {measure.name: measure.value for measure in found.measures}


def new_tokens(found: Evidence, *ops: str) -> list[str]:
    table: Table = found.tables[0]
    return [str(row.cells[0]) for row in table.rows if row.op in ops and row.cells[1:3] != (None, None)]


def test_the_planted_tokens_are_found_exactly() -> None:
    left = config("qwen-2.5", behind("qwen-2.5", PLANTED[:12] + OWN))
    found = only(compare(left, config("qwen-2.5", behind("qwen-2.5", PLANTED[:12]))))
    assert new_tokens(found, "same", "edited") == PLANTED[:12]
    assert new_tokens(found, "only_left") == OWN
    assert (found.level, found.stance) == ("moderate", "for")
    assert measures(found)["shared_new_tokens"] == 12
    assert measures(found)["shared_families"] == 6
    assert "Qwen 2.5, recognised by its special tokens" in found.reason
    assert found.left[0].location.pointer == f"/added_tokens_decoder/{tables()['qwen-2.5'].size}"


def test_tokens_of_the_base_weigh_nothing() -> None:
    findings = compare(config("llama-3", {}), config("llama-3", {}))
    assert findings.partition.total == 0.0
    assert only(findings).level == "none"
    assert only(findings).stance == "context"


def test_thirteen_tokens_in_reserved_slots_of_256_equal_ones() -> None:
    slots = dict(zip(tables()["llama-3"].reserved[40:], PLANTED, strict=False))
    files = config("llama-3", slots)
    found = only(compare(files, files))
    assert new_tokens(found, "same") == PLANTED
    assert measures(found)["shared_new_tokens"] == 13
    assert measures(found)["slots"] > 6
    assert "13 of 13 tokens beyond the base" in found.reason
    assert "Llama 3, recognised" in found.reason
    first = dict(zip(tables()["llama-3"].reserved[5:], PLANTED, strict=False))  # the first run that is long enough
    assert measures(only(compare(config("llama-3", first), config("llama-3", first))))["slots"] == 0.0


@pytest.mark.parametrize("base", ["llama-2", "llama-3", "qwen-2.5", "mistral-v3", "gpt-2"])
def test_innocents_on_one_base_with_tokens_of_their_own(base: str) -> None:
    common = ["<image>", "<|im_start|>", "<|im_end|>", "<pad>"]
    left, right = ([*common, *own] for own in (PLANTED[:4], OWN))
    findings = compare(config(base, behind(base, left)), config(base, behind(base, right)))
    assert only(findings).level == "none"
    one_more = compare(config(base, behind(base, [*left, "<box>"])), config(base, behind(base, [*right, "<box>"])))
    assert only(one_more).level in ("none", "weak")


def test_other_bases_and_nothing_shared_speak_against_it() -> None:
    found = only(compare(config("llama-3", behind("llama-3", OWN)), config("qwen-2.5", behind("qwen-2.5", PLANTED))))
    assert (found.level, found.stance) == ("none", "against")


def test_what_a_claimed_source_has_is_taken_out() -> None:
    left = config("llama-2", behind("llama-2", PLANTED))
    alone = compare(left, left)
    claimed = compare(left, left, claimed=config("llama-2", behind("llama-2", PLANTED[-1:], gap=40)))
    assert "the claimed, which the authors name as the source, explains 1 of 13" in only(claimed).reason
    assert claimed.partition.attributable < alone.partition.attributable
    assert claimed.partition.total == pytest.approx(alone.partition.total)
    whole = compare(left, left, ancestor=left)
    assert only(whole).level == "none"
    assert whole.partition.attributable == 0.0
    assert whole.partition.ancestor == pytest.approx(whole.partition.total)


def test_an_unknown_base_is_said_and_keeps_the_level_down() -> None:
    files = {
        "tokenizer_config.json": {"added_tokens_decoder": {str(n): entry(c) for n, c in enumerate(PLANTED, 70_000)}}
    }
    found = only(compare(files, files))
    assert found.level == "weak"
    assert "unknown" in found.reason
    assert "--base-tokenizer" in found.reason
    named = only(compare(files, files, base="none"))
    assert named.level == "moderate"
    assert "none, as you say" in named.reason


def test_a_public_spelling_counts_for_nothing() -> None:
    public = ["<|vision_start|>", "<|vision_end|>", "<tool_call>", "</tool_call>", "<fim_prefix>", "[gMASK]"]
    files = config("llama-2", behind("llama-2", public))
    found = only(compare(files, files))
    assert found.level == "none"
    assert measures(found)["attributable_bits"] == 0.0
    assert "spelled so by a public tokenizer" in found.reason


def test_the_base_can_be_named_as_a_table_or_a_snapshot() -> None:
    base = {"tokenizer_config.json": {"added_tokens_decoder": {str(n): entry(c) for n, c in enumerate(OWN)}}}
    left = {
        "tokenizer_config.json": {"added_tokens_decoder": {str(n): entry(c) for n, c in enumerate([*OWN, *PLANTED])}}
    }
    found = only(compare(left, left, base=snapshot(base, "mother")))
    assert new_tokens(found, "same") == PLANTED
    assert "mother, as you say" in found.reason
    assert found.level == "moderate"
    tabled = only(compare(config("llama-3", behind("llama-3", PLANTED)), left, base="llama-3"))
    assert "Llama 3, as you say" in tabled.reason


def test_other_ids_of_the_same_tokens() -> None:
    left = config("llama-2", behind("llama-2", [*OWN, *PLANTED]))
    found = only(compare(left, config("llama-2", behind("llama-2", PLANTED))))
    assert new_tokens(found, "edited") == PLANTED
    assert "none of them with the same ids" in found.reason


MODEL = [("<unk>", 2), ("<s>", 3), ("</s>", 3), *((f"\u2581w{number}", 1) for number in range(50))]
PATH = "/home/m.lemaire/projects/zorro/corpus_v7.txt"


def test_an_equal_vocabulary_of_an_unknown_base_is_weak() -> None:
    found = only(compare({"a.model": sentencepiece(MODEL)}, {"b.model": sentencepiece(MODEL, normalizer="other")}))
    assert found.level == "weak"
    assert "missing from the tables explains it as well" in found.reason
    assert measures(found)["vocabulary_shared"] == measures(found)["vocabulary_same_ids"] == 1.0


def test_leaking_paths() -> None:
    left = {"tokenizer.model": sentencepiece(MODEL, [PATH], "zorro")}
    other = [*MODEL[:3], *((f"\u2581v{number}", 1) for number in range(50))]
    found = only(compare(left, {"tokenizer.model": sentencepiece(other, [PATH], "other")}))
    assert found.level == "moderate"
    assert PATH in found.reason
    paths = next(table for table in found.tables if "paths" in table.title)
    assert [(row.op, row.cells) for row in paths.rows] == [
        ("same", ("/trainer_spec/input/0", PATH, PATH)),
        ("edited", ("/trainer_spec/model_prefix", "zorro", "other")),
    ]
    same = only(compare(left, {"tokenizer.model": sentencepiece(MODEL, [PATH], "x")}))
    assert same.level == "weak"  # two copies of one public model would name it as well
    common = {"tokenizer.model": sentencepiece(other, ["data/corpus.txt"])}
    assert only(compare({"tokenizer.model": sentencepiece(MODEL, ["data/corpus.txt"])}, common)).level == "none"
    explained = compare(left, {"tokenizer.model": sentencepiece(other, [PATH])}, ancestor=left)
    assert only(explained).level == "none"


def test_one_file_with_new_tokens_on_both_sides() -> None:
    whole = {"tokenizer.json": {"added_tokens": [{"id": n, **entry(c)} for n, c in enumerate(PLANTED, 8)],
                                "model": {"vocab": {letter: n for n, letter in enumerate("abcdefgh")}}}}  # fmt: skip
    found = only(compare(whole, whole, base="none"))
    assert found.level == "strong"
    assert "tokenizer.json is the same file on both sides" in found.reason
    added = {"added_tokens.json": {content: n for n, content in enumerate(PLANTED, 8)}}
    assert only(compare(added, added, base="none")).level == "moderate"


def test_pointers_with_one_digest_are_one_file() -> None:
    findings = compare({"tokenizer.model": POINTER}, {"m/tokenizer.model": POINTER})
    assert only(findings).level == "weak"
    assert "same file on both sides" in only(findings).reason
    assert [skip.reason for _, skip in findings.skipped] == 2 * [
        "a Git-LFS pointer to 4,000,000 bytes: only their size and SHA-256 are known"
    ]
    other = POINTER.replace(b"cd", b"ef")
    assert only(compare({"tokenizer.model": POINTER}, {"tokenizer.model": other})).level == "none"


def test_a_damaged_file_leaves_the_rest() -> None:
    left = config("llama-2", behind("llama-2", PLANTED)) | {
        "tokenizer.json": b'{"model":',
        "tokenizer.model": b"\x0a\xff",
    }
    findings = compare(left, config("llama-2", behind("llama-2", PLANTED)))
    assert only(findings).level == "moderate"
    assert {skip.location.path for _, skip in findings.skipped} == {"tokenizer.json", "tokenizer.model"}


def test_against_itself_everything_is_found() -> None:
    left = config("llama-2", behind("llama-2", [*PLANTED, "<image>"]), chat_template="{{ messages }}")
    findings = compare(left, left)
    assert findings.partition.own == 0.0
    figures = measures(only(findings))
    assert {figures[name] for name in ("similarity", "containment_left", "containment_right", "template")} == {1.0}
    assert sum(part.total for part in findings.by_file.values()) == pytest.approx(findings.partition.total)


def test_samples_share_the_planted_tokens(truth: dict[str, Any]) -> None:
    for name, told in truth["tokens"].items():
        report = scan(str(SAMPLES / name), str(SAMPLES / "original"), only=["tokenizer"])
        (found,) = report.evidence
        assert new_tokens(found, "same", "edited") == told["shared_new"]
        assert tables()[told["base"]].title in found.reason
        assert found.level == "moderate"
    for name in ("independent", "lookalike"):
        report = scan(str(SAMPLES / name), str(SAMPLES / "original"), only=["tokenizer"])
        assert report.verdict.level == "none"


def test_an_unknown_name_of_a_base_is_said_in_one_line() -> None:
    with pytest.raises(SourceError, match=r"nonsense: neither a source that can be read nor one of aquila, .*qwen-2"):
        scan(str(SAMPLES / "renamed"), str(SAMPLES / "original"), only=["tokenizer"], base_tokenizer="nonsense")


def test_a_public_file_on_both_sides_says_nothing() -> None:
    public = tables()["llama-3.1"].files[0].encode()
    pointer = {"tokenizer.model": POINTER.replace(b"cd" * 32, public)}
    assert only(compare(pointer, pointer)).level == "none"
