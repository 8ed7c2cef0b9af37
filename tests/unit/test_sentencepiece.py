"""Sentencepiece models are read without protobuf's library, whatever their bytes are."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeclone.read.sentencepiece import SentencepieceError, read_sentencepiece
from tests.protobuf import number, sentencepiece, text, varint

PIECES = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<0x0A>", 6), ("\u2581the", 1), ("<box>", 4)]
MODEL = sentencepiece(PIECES, ["/data/one.txt", "/data/two.txt"], "/out/made", "nmt_nfkc")


def test_pieces_types_and_what_the_trainer_noted() -> None:
    model = read_sentencepiece(MODEL)
    assert [*zip(model.pieces, model.types, strict=True)] == PIECES
    assert (model.inputs, model.prefix) == (("/data/one.txt", "/data/two.txt"), "/out/made")
    assert (model.kind, model.size, model.normalizer) == ("BPE", 6, "nmt_nfkc")


def test_a_piece_without_a_type_is_a_normal_one() -> None:
    assert read_sentencepiece(text(1, text(1, "a"))).types == (1,)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        MODEL[:-3],
        b"\x0a\xff",
        text(1, b"\x0a\x02\xff\xfe"),
        b"\x0b\x01",
        b"\xff" * 20,
        varint(1 << 3 | 2) + varint(2**62),
        number(0, 1),
        text(3, text(1, "identity")),
        text(1, text(1, "a" * 5000)),
    ],
    ids=["empty", "cut off", "length", "no UTF-8", "group", "varint", "huge length", "no field", "no pieces", "long"],
)
def test_damage_is_said_in_a_clause(damaged: bytes) -> None:
    with pytest.raises(SentencepieceError, match=r"\w"):
        read_sentencepiece(damaged)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(MODEL)), st.integers(0, 12))
def test_no_bytes_raise_anything_else(noise: bytes, place: int, cut: int) -> None:
    for content in (noise, MODEL[:place] + noise + MODEL[place + cut :]):
        with contextlib.suppress(SentencepieceError):
            assert read_sentencepiece(content).pieces
