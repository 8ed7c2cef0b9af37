"""What counts as a declaration, what only looks like one, and what a hostile file can do."""

from __future__ import annotations

import json

import pytest

from codeclone.model import Declaration, File, Repository, Skipped, Snapshot
from codeclone.parse import declarations as module
from codeclone.parse.declarations import declarations
from codeclone.parse.licences import holder_at, licence_named, spdx_in


def snapshot(files: dict[str, str | bytes]) -> Snapshot:
    made = []
    for path, text in sorted(files.items()):
        content = text.encode() if isinstance(text, str) else text
        made.append(File(path, len(content), "0" * 64, lambda content=content: content))
    return Snapshot(Repository("r", "r", None, "0" * 64), tuple(made))


def read(files: dict[str, str | bytes]) -> tuple[tuple[Declaration, ...], tuple[Skipped, ...]]:
    return declarations([snapshot(files)])[0]


def told(text: str, path: str = "m.py") -> list[tuple[str, str, int | None]]:
    found, _ = read({path: text})
    return [(d.kind, d.source, d.place.location.span.first if d.place.location.span else None) for d in found]


@pytest.mark.parametrize(
    ("text", "kind", "source", "line"),
    [
        ("x = 1\n# Copied from a.b.modeling_c.C.forward with C->D, c->d\ndef f(): pass\n", "copied from", "a.b.modeling_c.C.forward", 2),
        ("#Copied from `transformers.models.bert.modeling_bert.BertLayer` with Bert->Wren\n", "copied from", "transformers.models.bert.modeling_bert.BertLayer", 1),
        ("# Copied from https://github.com/wren/bird/blob/main/bird.py#L7, with thanks\n", "copied from", "https://github.com/wren/bird/blob/main/bird.py#L7", 1),
        ("# copied from wren/bird_model.py\n", "copied from", "wren/bird_model.py", 1),
        ("# Copied from models.deformable_wren.load_kernels\n", "copied from", "models.deformable_wren.load_kernels", 1),
        ("# copied from DETR\n", "copied from", "DETR", 1),
        ('def f():\n    """Copied from fairseq for the beams."""\n', "copied from", "fairseq", 2),
        ("x = 1  # Copied from wren.modeling_wren.Wren\n", "copied from", "wren.modeling_wren.Wren", 1),
        ("# verbatim copy of WrenEmbedding from somewhere\n", "adapted from", "WrenEmbedding", 1),
        ("# Adapted from\n# https://github.com/wren/bird\n", "adapted from", "https://github.com/wren/bird", 1),
        ("# Modified from the implementation in bird: https://github.com/wren/bird\n", "adapted from", "https://github.com/wren/bird", 1),
        ("# Code taken and modified from: https://github.com/wren/bird. Credits: me\n", "adapted from", "https://github.com/wren/bird", 1),
        ("# this was adapted from WrenAttention\n", "adapted from", "WrenAttention", 1),
        ("# This code is based on EleutherAI's GPT-NeoX library and others\n", "adapted from", "EleutherAI/GPT-NeoX", 1),
        ('"""Modified from fairseq\'s `utils.make`."""\n', "adapted from", "fairseq", 1),
        ("# Original code: https://github.com/wren/bird, copyright below\n", "adapted from", "https://github.com/wren/bird", 1),
        ("# The reference implementation is at https://github.com/wren/bird\n", "adapted from", "https://github.com/wren/bird", 1),
        ("# inspired by wren-lab/bird's repository\n", "adapted from", "wren-lab/bird", 1),
        ("# ported from the Marian C++ repo\n", "adapted from", "Marian", 1),
        ("# This file was automatically generated from src/wren/models/b/modular_b.py.\n", "modular import", "wren.models.b.modular_b", 1),
        ("import os\nfrom transformers.models.llama.modeling_llama import (\n    A)\n", "modular import", "transformers.models.llama.modeling_llama", 2),
    ],
)  # fmt: skip
def test_marks_of_origin_in_python(text: str, kind: str, source: str, line: int) -> None:
    assert told(text) == [(kind, source, line)]


@pytest.mark.parametrize("path", ["k.cu", "k.h", "k.cpp"])
@pytest.mark.parametrize("margin", ["// {}\n", "/* {} */\n", "/*\n * {}\n */\n"])
def test_marks_of_origin_in_other_languages(path: str, margin: str) -> None:
    ((kind, source, _),) = told("int x;\n" + margin.format("Adapted from https://github.com/wren/bird"), path)
    assert (kind, source) == ("adapted from", "https://github.com/wren/bird")


@pytest.mark.parametrize(
    "text",
    [
        "# the mask is based on the input length\n",
        "# based on `attention_mask.dtype` of the layer\n",
        "# derived from config.hidden_size, or from self.training\n",
        "# taken from the original Transformer paper.\n",
        "# based on https://arxiv.org/abs/1706.03762\n",
        "# no longer copied from WrenModel after the cache\n",
        "# not copied from wren.modeling_wren.Wren\n",
        "# TODO bring copied from back\n",
        '# "Kept to make #Copied from working"\n',
        "# converted from RGB to BGR, adapted from GPU to CPU\n",
        "# built on encoder/decoder architectures\n",
        "# ported from True to False\n",
        "# a tokenizer based on `SentencePiece <https://github.com/google/sentencepiece>`__\n",
        "# Reference: https://github.com/pytorch/pytorch/issues/112577\n",
        "# Credit to https://github.com/someone\n",
        "# A copy of the License is in the file; see the copyright notice, and the copyright holders.\n",
        "# Copyright (c) 2024\n",
        "# The BSD-style license is in the file LICENSE\n",
        "# works with any license that is compatible\n",
        'TEXT = """\nLicensed under the Apache License, Version 2.0\nCopyright 2020 Wren\n# Copied from a.b.C.d\n"""\n',
        "f(\n'# Copied from a.b.C.d'\n)\n",
        "pattern = r'# Copied from a.b.C.d'\n",
        '"""Example:\n\nfrom transformers.models.llama.modeling_llama import A\n"""\n',
        "from transformers.modeling_outputs import A\nfrom transformers.models.auto.modeling_auto import B\n",
    ],
)
def test_what_only_looks_like_a_declaration(text: str) -> None:
    assert told("x = 1\n" + text) == []


def test_a_kernel_s_string_is_no_comment() -> None:
    assert told('const char *a = "// Copied from a.b.C.d";\n', "k.cu") == []


def test_a_source_is_not_taken_from_the_next_statement() -> None:
    assert told("x = 1\n# adapted from\nimport wren.modeling_wren.Wren\n") == []


def test_modular_imports_from_a_sibling_s_folder() -> None:
    text = "from ..llama.modeling_llama import A\nfrom ...utils import b\nfrom ...modeling_outputs import C\n"
    path = "src/wren/models/bird/modular_bird.py"
    assert told(text, path) == [("modular import", "wren.models.llama.modeling_llama", 1)]
    assert told(text, path.replace("modular_", "modeling_")) == []


def test_a_repository_s_own_package_is_no_other() -> None:
    text = "from transformers.models.llama.modeling_llama import A\n"
    found, _ = read(
        {
            "repo/transformers/__init__.py": "",
            "repo/transformers/models/b/__init__.py": "",
            "repo/transformers/models/b/c.py": text,
        }
    )
    assert not found
    found, _ = read({"wren/__init__.py": "", "wren/transformers/__init__.py": "", "wren/transformers/c.py": text})
    assert [d.kind for d in found] == ["modular import"]


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ('Licensed under the Apache License, Version 2.0 (the "License");', "Apache-2.0"),
        ("SPDX-License-Identifier: BSD-3-Clause", "BSD-3-Clause"),
        ("SPDX-License-Identifier: Apache-2.0 OR MIT", "Apache-2.0 OR MIT"),
        ("This source code is licensed under the MIT license found in the file", "MIT"),
        ("Permission is hereby granted, free of charge,\n# to any person obtaining a copy\n# of this software", "MIT"),
        ("under the terms of the GNU Lesser General Public License as published by the Foundation; either version 2.1 of it, or (at your option) any later version", "LGPL-2.1-or-later"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\n#  Version 3, 19 November 2007", "AGPL-3.0"),
        ("This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0.", "MPL-2.0"),
        ("under Creative Commons Attribution-NonCommercial-ShareAlike 4.0", "CC-BY-NC-SA-4.0"),
        ("weights are CC-BY-NC 4.0", "CC-BY-NC-4.0"),
        ("see https://creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "llama3.1"),
        ("LLAMA 2 COMMUNITY LICENSE AGREEMENT", "llama2"),
        ("Gemma Terms of Use; see the license", "gemma"),
        ("Tongyi Qianwen LICENSE AGREEMENT", "tongyi-qianwen"),
        ("CreativeML Open RAIL-M license", "creativeml-openrail-m"),
    ],
)  # fmt: skip
def test_licences_by_telling_phrases(text: str, licence: str) -> None:
    assert spdx_in(text) == (licence,)
    assert told(f"# {text}\n") == [("licence", licence, 1)]
    assert ("licence", licence) in [found[:2] for found in told(text.replace("\n# ", "\n"), "LICENSE")]


BSD = (
    "Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided:\n"
    + "1. text " * 60
    + "\n2. "
    + "text " * 60
)


def test_two_and_three_clauses() -> None:
    assert told(BSD, "LICENSE") == [("licence", "BSD-2-Clause", 1)]
    assert told(BSD + "\n3. Neither the name of the holder", "COPYING.txt") == [("licence", "BSD-3-Clause", 1)]


@pytest.mark.parametrize(
    ("line", "holder"),
    [
        ("Copyright 2018 The HuggingFace Inc. team. All rights reserved.", "The HuggingFace Inc. team"),
        ("Copyright (c) 2018-2021, NVIDIA CORPORATION.  All rights reserved.", "NVIDIA CORPORATION"),
        ("copyright Ross Wightman, 2020.", "Ross Wightman"),
        ("Copyright © 2023-present Wren Lab <wren@example.org>", "Wren Lab"),
        ("(c) 2020 Wren", "Wren"),
        ("copyright notice and this permission of 2020", ""),
        ("Copyright [yyyy] [name of copyright owner]", ""),
        ("Copyright holders 2020", ""),
    ],
)
def test_holders_of_copyright_without_years(line: str, holder: str) -> None:
    assert holder_at(line, max(0, line.lower().find("copyright")) if "(c) 2020 W" not in line else 0) == holder


def test_a_tag_for_the_holder_needs_no_year() -> None:
    for line in (
        "Copyright 2024 the Wren project",
        "2024 the Wren project",
        "Copyright the Wren project",
        "the Wren project",
    ):
        assert told(f"# SPDX-FileCopyrightText: {line}\n") == [("copyright", "the Wren project", 1)]


@pytest.mark.parametrize(
    ("field", "licence"),
    [("apache-2.0", "Apache-2.0"), ("MIT License", "MIT"), ("Apache 2.0", "Apache-2.0"), ("Apache Software License", "Apache-2.0"), ("gpl-3.0-or-later", "GPL-3.0-or-later"), ("cc-by-nc-4.0", "CC-BY-NC-4.0"), ("llama3.2", "llama3.2"), ("other", ""), ("proprietary", ""), ("BSD", "")],
)  # fmt: skip
def test_licences_in_fields(field: str, licence: str) -> None:
    assert licence_named(field) == licence


def test_model_cards() -> None:
    card = (
        "---\nlicense: apache-2.0  # open\nlanguage:\n- en\nbase_model:\n  - wren/bird-7b\n  - 'wren/other-7b'\n"
        "base_model_relation: merge\n---\n# Bird\n\nThis is a fine-tuned version of [wren/bird-1b](https://huggingface.co/wren/bird-1b).\n"
    )
    assert told(card, "README.md") == [
        ("licence", "Apache-2.0", 2),
        ("base model", "wren/bird-7b", 6),
        ("base model", "wren/other-7b", 7),
        ("base model", "wren/bird-1b", 12),
    ]
    assert told("---\nbase_model: [wren/a1, wren/b2]\n---\n", "README.md") == [
        ("base model", "wren/a1", 2),
        ("base model", "wren/b2", 2),
    ]
    assert told("text\n---\nbase_model: wren/a1\n---\n", "README.md") == []


def test_credits_in_prose() -> None:
    text = (
        "# Bird\nUses https://github.com/wren/used in a test.\n\nThis code is based on [Nest](https://github.com/wren/nest).\n"
        "The plan is based on our mood.\n\n## Acknowledgements\n\nThanks to [them](https://github.com/wren/egg) and "
        "https://arxiv.org/abs/1.\n\n## More\nhttps://github.com/wren/more\n"
    )
    assert told(text, "README.md") == [
        ("credit", "https://github.com/wren/nest", 4),
        ("credit", "https://github.com/wren/egg", 9),
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("adapter_config.json", {"base_model_name_or_path": "wren/bird"}, [("/base_model_name_or_path", "wren/bird")]),
        ("config.json", {"text": {"_name_or_path": "wren/bird"}}, [("/text/_name_or_path", "wren/bird")]),
        ("config.json", {"_name_or_path": "/data/runs/bird"}, []),
        ("config.json", {"_name_or_path": "bird"}, []),
        ("other.json", {"base_model_name_or_path": "wren/bird"}, []),
    ],
)
def test_base_models_in_settings(path: str, value: object, expected: list[tuple[str, str]]) -> None:
    found, _ = read({path: json.dumps(value)})
    assert [(d.place.location.pointer, d.source) for d in found] == expected
    assert all(d.kind == "base model" for d in found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.cfg", "[metadata]\nlicense = MIT\n"),
        ("pyproject.toml", '[project]\nlicense = {text = "MIT"}\n'),
        ("pyproject.toml", 'license = "MIT"\n'),
        ("x.dist-info/METADATA", "Name: x\nLicense-Expression: MIT\n"),
        ("x.dist-info/METADATA", "Classifier: License :: OSI Approved :: MIT License\n"),
    ],
)
def test_licences_of_packages(path: str, text: str) -> None:
    assert [found[:2] for found in told(text, path)] == [("licence", "MIT")]


def test_a_header_counts_once_and_the_line_is_shortened() -> None:
    header = (
        "# Copyright 2020 Wren\n# Licensed under the MIT license. The MIT license is short.\n" + "# MIT license\n" * 20
    )
    assert told(header) == [("copyright", "Wren", 1), ("licence", "MIT", 2)]
    found, _ = read({"m.py": "# " + "y" * 5_000 + " copied from a.b.C.d " + "z" * 5_000 + "\n"})
    assert len(found) == 1
    assert len(found[0].text) <= module.MAX_SHOWN
    assert "a.b.C.d" in found[0].text


def test_marks_after_letters_that_grow_when_they_are_small() -> None:
    assert told("# \u0130\u0130\u0130\n# Copied from a.b.C.d\n") == [("copied from", "a.b.C.d", 2)]


def test_the_order_is_that_of_files_and_lines_however_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, str | bytes] = {
        f"m{n:03}.py": "# Copied from a.b.C.d\n# Copyright 2020 Wren\n" * 3 + "x = 1\n" * 2_000 for n in range(40)
    }
    alone = read(files)
    monkeypatch.setattr("codeclone.batches.LEAST", 1)
    assert read(files) == alone
    places = [(d.place.location.path, d.place.location.span.first) for d in alone[0] if d.place.location.span]
    assert places == sorted(places)


# Hostile files


def test_too_many_marks_are_told() -> None:
    found, skipped = read({"m.py": "# Copied from a.b.C.d with A->B\n" * 120_000})
    assert len(found) == module.MAX_OF_FILE
    assert "more than 2,000 declarations" in skipped[0].reason
    _, skipped = read({"m.py": "# copied from " * 30_000})
    assert [skip.reason for skip in skipped] == [
        'more than 5,000 places with "ed from": declarations behind them were left out'
    ]


def test_two_hundred_thousand_marks_in_many_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DECLARATIONS", 500)
    found, skipped = read({f"m{n}.py": "# Copied from a.b.C.d\n" * 200 for n in range(10)})
    assert len(found) == 500
    assert [skip.location.path for skip in skipped] == ["m2.py"]


def test_a_file_over_the_bound_is_told() -> None:
    _, skipped = read({"m.py": "# copied from a.b.C.d " + "x" * 10_000_000})
    assert "over the bound" in skipped[0].reason


@pytest.mark.parametrize("path", ["m.py", "README.md"])
@pytest.mark.parametrize(
    "piece",
    [
        "a/", ".a", "[(", " ", "from the ", "licen ", "`<", "copyright 2020-", "copied from ", '"', '"""\\', "/*", "\n", "\n#",
        "# thanks\n", "license: ", "- a/b\n", "https://github.com/", "redistribution and use in ", "from .models", "based on [",
    ],
)  # fmt: skip
def test_no_text_makes_a_pattern_look_at_it_again_and_again(piece: str, path: str) -> None:
    """A pattern whose time grew with the square of a text would not come back from this one."""
    for start in ("# copied from ", "---\nbase_model:\n", "## Thanks\n# based on "):
        found, _ = read({path: start + piece * (150_000 // len(piece))})
        assert len(found) <= module.MAX_OF_FILE
