"""Settings: read off JSON and off classes, compared under whatever key, weighed by how few public model folders have them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeclone.background import names, shipped
from codeclone.evidence import Context, Findings, Profiled, config
from codeclone.match.likelihood import Weighed, chance, ratio
from codeclone.match.settings import Pairing, compare
from codeclone.model import File, Profile, Repository, Snapshot
from codeclone.parse.entries import entries, written
from codeclone.parse.settings import settings_classes
from codeclone.parse.syntax import parse_python

ODD = {
    "model_type": "wren",
    "hidden_size": 1792,
    "num_hidden_layers": 26,
    "rope_theta": 40000.0,
    "residual_depth_scale": 1.3,
    "logit_softcap": 22.0,
    "z_loss_weight": 3e-05,
    "use_cache": True,
    "vision_config": {"layer_scale_init": 0.07, "drop_last_block": True, "ffn_mult": 3.5},
}
RENAMED = dict(
    zip(
        "family dim n_layers base gain cap zeta cached eye".split(),
        [
            *list(ODD.values())[:-1],
            dict(zip("first_scale skip wide".split(), ODD["vision_config"].values(), strict=True)),
        ],
        strict=True,
    )
)


def snapshot(**files: str) -> Snapshot:
    made = tuple(
        File(path, len(text), "0" * 64, lambda text=text: text.encode()) for path, text in sorted(files.items())
    )
    return Snapshot(Repository("r", "r", None, "0" * 64), made)


def profile(value: object, path: str = "config.json") -> Profile:
    return config.profile(snapshot(**{path: value if isinstance(value, str) else json.dumps(value)}))


def found(left: Profile, right: Profile, *others: tuple[str, Profile]) -> Findings:
    candidates = [Profiled("right", "right", right), *(Profiled(role, role, other) for role, other in others)]
    return config.compare(left, candidates, Context(shipped()))


def test_defaults_are_read_and_never_run() -> None:
    source = b"""
class WrenConfig(Base):
    model_type = "wren"
    layers: int = 2 * 6
    name: str = field(default="a")
    grid: list = field(default_factory=lambda: [1, 2])
    computed = open("/tmp/x").read()

    def __init__(self, dim=1_792, eps: float = 1e-6, off=-1, size={"height": 4}, other=computed, **kwargs):
        self.tail = kwargs.pop("tail", 7)
        self.fixed = True
        self.dim = dim

class Other:
    dim = 3
"""
    (only,) = settings_classes(parse_python(source, "m.py"))
    assert only.qualname == "WrenConfig"
    assert {setting.key: setting.value for setting in only.settings} == {
        "model_type": "wren", "layers": 12, "name": "a", "grid": [1, 2], "dim": 1792, "eps": 1e-6, "off": -1,
        "size": {"height": 4}, "tail": 7, "fixed": True,
    }  # fmt: skip
    assert {setting.key: setting.line for setting in only.settings}["dim"] == 9


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1e-5, 0.00001), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0})])
def test_one_value_has_one_spelling(one: object, other: object) -> None:
    assert written(one) == written(other)


def test_true_is_not_one_and_text_is_not_a_number() -> None:
    assert len({written(value) for value in (True, 1, "1", None, [1])}) == 5


def test_every_key_renamed_is_found_as_such() -> None:
    left, right = entries(RENAMED), entries(ODD)
    bits = {written(e.value): float(b) for e, b in zip(left, names()["values"].bits([written(e.value) for e in left]))}  # noqa: B905
    pairings = compare(left, right, bits)
    assert [pairing.op for pairing in pairings] == ["renamed"] * len(left)
    assert all(pairing.left == pairing.right for pairing in pairings)


def test_a_single_equal_value_in_another_place_is_no_rename() -> None:
    left, right = entries({"alpha": 3e-05, "beta": 2}), entries({"gamma": 7, "delta": 3e-05, "epsilon": 9})
    assert {p.op for p in compare(left, right, {written(3e-05): 8.0})} == {"only_left", "only_right"}


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9),
                                                      st.floats(allow_nan=False, allow_infinity=False),
                                                      st.dictionaries(st.text(max_size=3), st.integers()))))  # fmt: skip
def test_settings_compared_with_themselves_are_all_equal(value: dict[str, object]) -> None:
    some = entries(value)
    assert all(p.op == "same" and p.left == p.right for p in compare(some, some, {}))


def test_a_renamed_copy_is_moderate_and_says_which_keys() -> None:
    (finding,) = found(profile(RENAMED), profile(ODD)).evidence
    assert finding.level == "moderate"
    assert ("dim", "hidden_size") in finding.renames
    assert ("eye.first_scale", "vision_config.layer_scale_init") in finding.renames


def test_what_an_ancestor_has_does_not_count() -> None:
    left, right = profile(RENAMED), profile(ODD)
    for role in ("ancestor", "claimed"):
        findings = found(left, right, (role, right))
        assert [finding.level for finding in findings.evidence] == ["none"]
        assert findings.partition.attributable == 0.0
        assert getattr(findings.partition, role) == pytest.approx(found(left, right).partition.attributable)


def test_the_same_sizes_alone_are_weak_at_most() -> None:
    sizes = {"hidden_size": 1792, "intermediate_size": 4864, "num_hidden_layers": 26, "num_attention_heads": 14}
    left = {**sizes, "rope_theta": 10000.0, "head_count_bias": 0.5, "vision_config": {"hidden_size": 864, "depth": 18}}
    right = {**sizes, "rope_theta": 500000.0, "embed_gain": 4.0, "vision_config": {"hidden_size": 864, "depth": 18}}
    (finding,) = found(profile(left), profile(right)).evidence
    assert finding.level in ("none", "weak")


def test_what_the_library_writes_weighs_nothing() -> None:
    written_by_it = {
        "model_type": "wren_of_the_north", "architectures": ["WrenOfTheNorth"], "transformers_version": "4.99.7",
        "torch_dtype": "bfloat16", "_name_or_path": "/x/y", "auto_map": {"AutoConfig": "a.B"},
    }  # fmt: skip
    (finding,) = found(profile(written_by_it), profile(written_by_it)).evidence
    assert finding.level == "none"


def test_a_public_default_configuration_weighs_nothing() -> None:
    """The defaults of LlamaConfig, which thousands of repositories have."""
    llama = {
        "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
        "num_attention_heads": 32, "hidden_act": "silu", "max_position_embeddings": 2048, "initializer_range": 0.02,
        "rms_norm_eps": 1e-6, "use_cache": True, "bos_token_id": 1, "eos_token_id": 2, "rope_theta": 10000.0,
    }  # fmt: skip
    (finding,) = found(profile(llama), profile(llama)).evidence
    assert finding.level in ("none", "weak")


def test_two_models_of_one_public_family_are_not_accused_of_its_sizes() -> None:
    """The settings of Qwen2-7B, as every fine-tune of it has them."""
    qwen = {
        "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "vocab_size": 152064, "bos_token_id": 151643, "eos_token_id": 151645,
        "max_position_embeddings": 32768, "rope_theta": 1000000.0, "rms_norm_eps": 1e-6, "sliding_window": 131072,
    }  # fmt: skip
    (finding,) = found(profile(qwen), profile(qwen)).evidence
    assert finding.level == "none"
    (finding,) = found(
        profile({**qwen, "model_type": "wrenling"}), profile({**qwen, "model_type": "wrenling"})
    ).evidence
    assert finding.level == "weak"


def test_chance_is_never_nought_and_a_value_of_its_own_is_not_taken_for_rare() -> None:
    common, odd, made_up = chance(
        ["hidden_size=4096", "top_k=91", "zyxwv_gain=0.37"], ["hidden_size", "top_k", "zyxwv_gain"], names()
    )
    assert 0 < made_up < odd < 1
    assert odd >= 0.1
    assert common > made_up


def test_each_group_is_drawn_once() -> None:
    pairing = Pairing("same", 0, 0)
    sizes = [Weighed(pairing, "sizes", 2.0, ""), Weighed(pairing, "sizes", 1.5, "")]
    assert ratio(sizes).decades == 2.0
    assert ratio([*sizes, Weighed(pairing, "positions", 1.25, "")]).decades == 3.25
    differing = [Weighed(Pairing("edited", 0, 0), "sizes", -1.0, "")] * 3
    assert ratio([*sizes, *differing]).decades == -1.0


def test_the_defaults_of_a_class_are_compared_with_a_file() -> None:
    arguments = ", ".join(f"{key}={value!r}" for key, value in ODD.items() if key != "vision_config")
    left = profile(
        f"class WrenConfig(Base):\n    def __init__(self, {arguments}):\n        pass\n", "configuration_wren.py"
    )
    (finding,) = found(left, profile(ODD)).evidence
    assert finding.level == "moderate"
    assert finding.left[0].qualname == "WrenConfig"
    assert finding.right[0].location.path == "config.json"


HOSTILE = {
    "truncated": (b'{"a": 1,', "not JSON"),
    "wrong encoding": ('{"key": "\xe4\xf6"}'.encode("latin-1"), "none of the encodings"),
    "a list": (b"[1, 2]", "no object"),
    "thousands deep": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deeper"),
    "a long number": (b'{"a": ' + b"9" * 10_000 + b"}", "not JSON"),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n",
        "12,345 bytes",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_skipped_and_the_rest_is_compared(name: str) -> None:
    content, reason = HOSTILE[name]
    files = (
        File("config.json", len(content), "0" * 64, lambda: content),
        File("other_config.json", 99, "0" * 64, lambda: json.dumps(ODD).encode()),
    )
    left = config.profile(Snapshot(Repository("r", "r", None, "0" * 64), files))
    assert [(skip.location.path, reason in skip.reason) for skip in left.skipped] == [("config.json", True)]
    assert {finding.level for finding in found(left, profile(RENAMED)).evidence} >= {"moderate"}


def test_entries_that_are_no_json_are_left_out_and_told() -> None:
    text = (
        '{"twice": 1, "twice": 2, "none": NaN, "large": 1e308, "larger": 1e309, "deep": '
        + "[" * 100
        + "]" * 100
        + ', "x": 5}'
    )
    left = profile(text)
    assert {skip.location.pointer.split("/")[1] for skip in left.skipped if skip.location.pointer} == {
        "twice", "none", "larger", "deep",
    }  # fmt: skip
    (document,) = left.details["documents"]
    values = {entry.key: entry.value for entry in document.entries}
    assert values["twice"] == 2
    assert values["large"] == 1e308
    assert values["x"] == 5
    assert "none" not in values
    assert "larger" not in values
