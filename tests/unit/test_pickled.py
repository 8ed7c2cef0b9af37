"""Pickles read as data: what builds tensors is understood, anything else is refused by name, and nothing ever runs."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeclone.model import Skipped
from codeclone.read import pickled
from codeclone.read.pickle_values import Built, Pairs, PickleError, RefusedError, View
from codeclone.read.pickled import interpret
from codeclone.read.tensors import read_tensors
from tests.checkpoints import file_of, torch_pickle, zip_of


def read(content: bytes) -> Any:
    return interpret(io.BytesIO(content))


def plain(value: Any) -> Any:
    """What was read, with dicts for pairs."""
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value.entries}
    return type(value)(map(plain, value)) if isinstance(value, (list, tuple)) else value


_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_data, st.integers(3, 5))
def test_plain_data_is_what_it_was(value: Any, protocol: int) -> None:
    assert plain(read(pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_every_protocol(protocol: int) -> None:
    assert plain(read(pickle.dumps({"a": [1, 2.5, ("b", None, True)], "c": -7}, protocol))) == {
        "a": [1, 2.5, ("b", None, True)],
        "c": -7,
    }


def test_collections_are_pairs_and_what_holds_no_tensors_says_what_it_is() -> None:
    ordered = read(pickle.dumps(OrderedDict(a=1, b=[2])))
    assert plain(ordered) == {"a": 1, "b": [2]}
    assert read(pickle.dumps(deque([1, 2]))).name == "collections.deque"
    assert isinstance(read(pickle.dumps({1, 2})), Built)


def test_the_tensors_of_a_state_dict() -> None:
    state = read(torch_pickle({"a.weight": (4, 3), "a.bias": (4,)}))
    (name, view), (_, other) = state.entries
    assert name == "a.weight"
    assert isinstance(view, View)
    assert (view.shape, view.strides, view.offset, view.dtype) == ((4, 3), (3, 1), 0, "F32")
    assert view.storage is not None
    assert (view.storage.key, view.storage.count) == ("0", 12)
    assert other.shape == (4,)


def marker_calls(marker: Path) -> dict[str, bytes]:
    """Pickles that would create a file, or call what does, by each opcode that leads to a call."""
    path = str(marker).encode()
    text = b"X" + struct.pack("<I", len(path)) + path
    command = b"touch " + path
    shell = b"X" + struct.pack("<I", len(command)) + command
    return {
        "REDUCE": b"\x80\x02cos\nsystem\n" + shell + b"\x85R.",
        "REDUCE of posix": b"\x80\x02cposix\nsystem\n" + shell + b"\x85R.",
        "INST": b"(" + shell + b"ios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + shell + b"o.",
        "NEWOBJ": b"\x80\x02cpathlib\nPath\n" + text + b"\x85\x81cpathlib\nPath.touch\n.",
        "NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + shell + b"\x85}\x92.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + shell + b"\x85R.",
        "STACK_GLOBAL with dots": b"\x80\x04\x8c\x07pathlib\x8c\x0aPath.touch\x93cpathlib\nPath\n"
        + text
        + b"\x85R\x85R.",
        "BUILD": b"\x80\x02cos\n_wrap_close\n)\x81}X\x05\x00\x00\x00shell" + shell + b"sb.",
        "BUILD of a class": b"\x80\x02ccollections\nOrderedDict\n}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb.",
        "EXT1": b"\x80\x02\x82\x01" + shell + b"\x85R.",
        "EXT2": b"\x80\x02\x83\x01\x00" + shell + b"\x85R.",
        "EXT4": b"\x80\x02\x84\x01\x00\x00\x00" + shell + b"\x85R.",
        "eval": b"\x80\x02cbuiltins\neval\nX\x0f\x00\x00\x00open('x', 'w+')\x85R.",
        "getattr": b"\x80\x02cbuiltins\ngetattr\ncpathlib\nPath\nX\x05\x00\x00\x00touch\x86R.",
        "open": b"\x80\x02cbuiltins\nopen\n" + text + b"X\x01\x00\x00\x00w\x86R.",
        "a call of text": b"\x80\x02X\x02\x00\x00\x00os" + shell + b"\x85R.",
        "a call of what was called": b"\x80\x02ccollections\nOrderedDict\n)R" + shell + b"\x85R.",
        "below tensors": torch_pickle({"a": (2,)})[:-1] + b"cos\nsystem\n" + shell + b"\x85R0.",
        "a call through rebuilding": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nN"
        + shell
        + b"\x85NtR.",
    }


ROUTES = [*marker_calls(Path("m"))]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("wrap", ["bare", "zip"])
def test_nothing_runs(route: str, wrap: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    content = marker_calls(marker)[route]
    outcome = read_tensors(
        file_of("pytorch_model.bin", content if wrap == "bare" else zip_of({"archive/data.pkl": content}))
    )
    assert isinstance(outcome, Skipped), route
    assert "refused" in outcome.reason
    assert "nothing of it was run" in outcome.reason
    assert not marker.exists()


def test_such_a_pickle_would_run_if_it_were_loaded(tmp_path: Path) -> None:
    # The proof above proves something only if these pickles do what they say.
    marker = tmp_path / "marker"
    for route in ("REDUCE", "INST", "OBJ", "STACK_GLOBAL", "open"):
        pickle.loads(marker_calls(marker)[route])
        assert marker.exists(), route
        marker.unlink()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (pickle.dumps(print), "builtins.print"),
        (b"cos\nsystem\n(S'x'\ntR.", "os.system"),
        (b"cposix\nsystem\n.", "posix.system"),
        (pickle.dumps(Path.touch, 4), "pathlib.Path.touch"),
        (b"ctorch\nload\n.", "torch.load"),
        (b"cevil\n\x1b[31mred\n.", "evil."),
        (b"\x80\x02\x82\x07.", "the number 7"),
    ],
)
def test_what_is_refused_is_named(content: bytes, named: str) -> None:
    with pytest.raises(RefusedError, match="refused: its pickle") as raised:
        read(content)
    assert named in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"\x80\x02",
        b"not a pickle at all",
        b"\x80\x02]K\x01",
        b"\x80\x02K\x01a.",
        b"\x80\x02K\x01K\x02s.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02h\x07.",
        b"\x80\x02K\x01\x86.",
        b"\x80\x02t.",
        b"\x80\x02(o.",
        b"\x80\x02R.",
        b"\x80\x05\x97.",
        b"p99999999999999999999\n.",
        b"\x80\x02Np-1\n.",
        b"\x8e" + b"\xff" * 7 + b"\x7f" + b"abc",
        b"\x8a\xff" + b"\x01" * 20,
        b"I" + b"9" * 5000 + b"\n.",
        b"(" * 5000 + b".",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00K\x01K\x01tR.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_parameter\n)R.",
    ],
)
def test_what_is_no_pickle_says_so(content: bytes) -> None:
    with pytest.raises(PickleError):
        read(content)


def test_nesting_and_growth_are_bounded() -> None:
    doubling = b"\x80\x02)" + b"2\x86" * 60 + b"."  # 2 to the power of 60 empty tuples, if anyone counted
    for content in (doubling, b"\x80\x02)" + b"\x85" * 200_000 + b".", b"\x80\x02]" + b"2a" * 5 + b"."):
        outcome = read_tensors(file_of("x.pt", content))
        assert isinstance(outcome, Skipped) or not outcome.tensors
    with pytest.raises(PickleError, match="opcodes"):
        read(b"\x80\x02" + b"N0" * (pickled.MAX_OPCODES // 2) + b".")
    with pytest.raises(PickleError, match="stack"):
        read(b"\x80\x02" + b"N" * (pickled.MAX_STACK + 2) + b".")


def test_no_more_is_read_than_allowed() -> None:
    with pytest.raises(PickleError):
        interpret(io.BytesIO(pickle.dumps(b"x" * 10_000)), limit=5_000)


@given(st.binary(max_size=60))
def test_no_bytes_break_it(content: bytes) -> None:
    with contextlib.suppress(PickleError):
        read(b"\x80\x02" + content)


@given(st.data())
def test_no_change_of_a_true_one_breaks_it(data: st.DataObject) -> None:
    content = bytearray(torch_pickle({"a.weight": (4, 3), "a.bias": (4,)}))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome = read_tensors(file_of("x.pt", bytes(content[: data.draw(st.integers(0, len(content)))])))
    assert isinstance(outcome, Skipped) or outcome.tensors is not None
