"""One home for checkpoints that tests write: files of every format made by hand, and tensors of small models."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from codeclone.model import File, Tensor
from codeclone.read.sizes import bytes_of

Shapes = Mapping[str, tuple[int, ...]]


def file_of(path: str, content: bytes) -> File:
    return File(path, len(content), "0" * 64, lambda: content)


def safetensors(shapes: Shapes, dtype: str = "F32", metadata: Mapping[str, str] | None = None) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for name, shape in shapes.items():
        length = bytes_of(dtype, shape) or 0
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, place + length]}
        place += length
    return with_header(json.dumps(header).encode(), place)


def safetensors_of(tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]], metadata: Any = None) -> bytes:
    """Of type, shape and bytes of each tensor."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    place = 0
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, place + len(content)]}
        place += len(content)
    return with_header(json.dumps(header).encode(), 0) + b"".join(content for _, _, content in tensors.values())


def with_header(header: bytes, data: int) -> bytes:
    return len(header).to_bytes(8, "little") + header + bytes(data)


class Storage:
    """Stands for a torch storage in what is pickled."""

    def __init__(self, key: str, elements: int) -> None:
        self.key, self.elements = key, elements


class Stub:
    """Pickles as a call of a global of torch with these arguments."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


@contextmanager
def stub_modules() -> Iterator[types.SimpleNamespace]:
    """Modules by the names of torch's, for as long as something is pickled; nothing of torch is needed."""
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    made = {}
    for module, name in ((utils, "_rebuild_tensor_v2"), (utils, "_rebuild_parameter"), (torch, "FloatStorage")):
        kind = type(name, (), {"__module__": module.__name__})
        setattr(module, name, kind)
        made[name] = kind
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield types.SimpleNamespace(**made)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def torch_pickle(shapes: Shapes, wrapped: str = "", old: bool = False) -> bytes:
    """data.pkl of a state dict, in a dict under `wrapped` where that is not empty."""
    with stub_modules() as torch:

        class Pickler(pickle.Pickler):
            def persistent_id(self, value: Any) -> Any:
                if isinstance(value, Storage):
                    identity = ("storage", torch.FloatStorage, value.key, "cpu", value.elements)
                    return (*identity, None) if old else identity
                return None

        state: Any = OrderedDict()
        for number, (name, shape) in enumerate(shapes.items()):
            strides, step = [], 1
            for length in reversed(shape):
                strides.append(step)
                step *= length
            storage = Storage(str(number), step)
            state[name] = Stub(
                torch._rebuild_tensor_v2, storage, 0, shape, tuple(reversed(strides)), False, OrderedDict()
            )
        buffer = io.BytesIO()
        Pickler(buffer, 2).dump({wrapped: state, "epoch": 3} if wrapped else state)
        return buffer.getvalue()


def elements(shape: tuple[int, ...]) -> int:
    return (bytes_of("F32", shape) or 0) // 4


def zeros(shapes: Shapes) -> list[bytes]:
    return [bytes(4 * elements(shape)) for shape in shapes.values()]


def torch_zip(
    shapes: Shapes,
    wrapped: str = "",
    compression: int = zipfile.ZIP_STORED,
    contents: Sequence[bytes] = (),
    byteorder: bytes = b"little",
) -> bytes:
    return zip_of(
        {
            "archive/data.pkl": torch_pickle(shapes, wrapped),
            "archive/byteorder": byteorder,
            **{f"archive/data/{n}": content for n, content in enumerate(contents or zeros(shapes))},
        },
        compression,
    )


def zip_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def torch_legacy(shapes: Shapes, contents: Sequence[bytes] = (), little: bool = True) -> bytes:
    """The kind that torch wrote before zip files: five pickles, then each storage behind its number of elements."""
    heads = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": little, "type_sizes": {}}]
    keys = [str(number) for number in range(len(shapes))]
    storages = b"".join(struct.pack("<q", len(c) // 4) + c for c in contents or zeros(shapes))
    pickles = [pickle.dumps(head, 2) for head in heads] + [torch_pickle(shapes, old=True), pickle.dumps(keys, 2)]
    return b"".join(pickles) + storages


def gguf(shapes: Shapes) -> bytes:
    return gguf_of({name: (0, shape, bytes(4 * elements(shape))) for name, shape in shapes.items()})


def gguf_of(tensors: Mapping[str, tuple[int, tuple[int, ...], bytes]]) -> bytes:
    """Of the number of the type, shape and bytes of each tensor."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + text("general.name") + struct.pack("<I", 8) + text("toy")
    data = b""
    for name, (kind, shape, content) in tensors.items():
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", kind, len(data))
        data += content + bytes(-len(content) % 32)
    return head + bytes(-len(head) % 32) + data


def transformer(layers: int = 3, width: int = 16, vocabulary: int = 50, bias: bool = True) -> list[Tensor]:
    """A small transformer's tensors in the order of its definition."""
    found: list[Tensor] = [Tensor("embed.tokens.weight", (vocabulary, width), "F32")]

    def add(name: str, *shape: int) -> None:
        found.append(Tensor(f"{name}.weight", shape, "F32"))
        if bias:
            found.append(Tensor(f"{name}.bias", shape[:1], "F32"))

    for layer in range(layers):
        block = f"encoder.blocks.{layer}"
        add(f"{block}.norm1", width)
        for name in ("wq", "wk", "wv", "wo"):
            add(f"{block}.attn.{name}", width, width)
        add(f"{block}.norm2", width)
        add(f"{block}.mlp.up", 4 * width, width)
        add(f"{block}.mlp.down", width, 4 * width)
    add("encoder.final_norm", width)
    add("head.classify", 7, width)
    return found
