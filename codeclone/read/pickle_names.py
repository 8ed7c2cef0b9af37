"""The globals that a pickle of tensors may name, and the types among them. All hold data or build tensors."""

from __future__ import annotations

DTYPES = {
    "float64": "F64", "double": "F64", "float32": "F32", "float": "F32", "float16": "F16", "half": "F16",
    "bfloat16": "BF16", "int64": "I64", "long": "I64", "int32": "I32", "int": "I32", "int16": "I16", "short": "I16",
    "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
    "complex64": "C64", "complex128": "C128", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
    "float4_e2m1fn_x2": "F4", "qint8": "QI8", "quint8": "QU8", "qint32": "QI32",
}  # fmt: skip
"""torch's name of a dtype -> how safetensors spells it."""

STORAGES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL", "ComplexFloatStorage": "C64", "ComplexDoubleStorage": "C128", "QInt8Storage": "QI8",
    "QUInt8Storage": "QU8", "QInt32Storage": "QI32", "UntypedStorage": "", "TypedStorage": "", "_TypedStorage": "",
    "_UntypedStorage": "",
}  # fmt: skip
"""Class of a torch storage -> dtype of its elements; empty where the tensor says it."""

NUMPY = {
    "f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u8": "U64", "u4": "U32",
    "u2": "U16", "u1": "U8", "b1": "BOOL", "c8": "C64", "c16": "C128",
}  # fmt: skip

ARRAY = "numpy.ndarray"

_CORES = ("numpy.core", "numpy._core")
_BUILTINS = (
    "set", "frozenset", "list", "dict", "tuple", "int", "float", "bool", "str", "bytes", "bytearray", "complex",
    "slice", "range", "object", "long", "unicode", "xrange",
)  # fmt: skip
ALLOWED = frozenset(
    {
        *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _BUILTINS),
        *(f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")),
        "argparse.Namespace", "types.SimpleNamespace", "_codecs.encode", "copyreg._reconstructor", "copy_reg._reconstructor",
        *(f"pathlib.{name}" for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path")),
        *(f"datetime.{name}" for name in ("datetime", "date", "time", "timedelta", "timezone")),
        *(f"torch.{name}" for name in DTYPES),
        *(f"{module}.{name}" for module in ("torch", "torch.cuda", "torch.storage") for name in STORAGES),
        *(
            f"torch._utils.{name}"
            for name in (
                "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
                "_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_sparse_tensor",
            )
        ),
        "torch._tensor._rebuild_from_type_v2", "torch.serialization._get_layout", "torch.Size", "torch.device",
        "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.per_tensor_affine",
        "torch.per_channel_affine", "torch.strided", "torch.sparse_coo",
        *(f"{core}.multiarray.{name}" for core in _CORES for name in ("_reconstruct", "scalar")),
        ARRAY, "numpy.dtype",
    }
)  # fmt: skip
"""The globals that a pickle may name."""
