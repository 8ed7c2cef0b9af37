"""What a pickle of tensors would build, as values that only say so: nothing is imported, called or looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from codeclone.plain import plain
from codeclone.read.pickle_names import ALLOWED, ARRAY, DTYPES, NUMPY, STORAGES


class PickleError(ValueError):
    """The bytes are no pickle, or one over a bound; says so in one clause."""


class RefusedError(PickleError):
    """The pickle names what builds no tensors; says which."""


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A name that is allowed; it is never looked up."""

    name: str


@dataclass(slots=True, eq=False)
class Pairs:
    """A dict. Its entries are not hashed: keys of a hostile pickle can be made to collide."""

    entries: list[Any] = field(default_factory=list)
    """Tuples of key and value; where the pickle gave them as a list, whatever stands in it."""


@dataclass(slots=True, eq=False)
class Built:
    """What an allowed global would make of these arguments."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """The numbers that tensors are views of."""

    dtype: str
    key: str
    """What the file calls it."""
    count: int
    """Of its elements."""
    whole: bool
    """False for a part of another one."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A tensor: how it lies in its storage."""

    storage: Storage | None
    """None where the numbers stand in the pickle itself."""
    offset: int
    """In elements."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str


def allowed(module: Any, name: Any) -> Global:
    """The global of this name if it is allowed. Raises RefusedError for any other."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise RefusedError("refused: its pickle names a global by what is no text; nothing of it was run")
    full = f"{module}.{name}"
    if full not in ALLOWED:
        raise RefusedError(
            f"refused: its pickle names {plain(full[:200])}, which is not among what builds tensors; nothing of it was run"
        )
    return Global(full)


def apply(function: Any, arguments: Any) -> Any:
    """What an allowed global would make of its arguments. Raises RefusedError for whatever is none."""
    if not isinstance(function, Global) or not isinstance(arguments, tuple):
        raise RefusedError("refused: its pickle calls what no allowed name stands for; nothing of it was run")
    if function.name in _DICTS:
        return _dict(arguments)
    if function.name in ("builtins.list", "__builtin__.list"):
        return arguments[0] if arguments and isinstance(arguments[0], list) else []
    if function.name in _TENSORS:
        return _view(function.name, arguments)
    if function.name in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"):
        return arguments[0]
    if function.name == "torch._tensor._rebuild_from_type_v2":
        if isinstance(arguments[0], Global) and arguments[0].name == function.name:
            raise PickleError("its pickle builds a tensor of what builds it")
        return apply(arguments[0], arguments[2])
    if function.name.endswith("multiarray._reconstruct"):
        return Built(ARRAY, ())
    return Built(function.name, arguments)


_TENSORS = frozenset(
    f"torch._utils.{name}"
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor")
)


_DICTS = frozenset(
    ("collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict", "__builtin__.dict")
)


def _dict(arguments: tuple[Any, ...]) -> Pairs:
    """A dict made from another, or from a list of pairs, which is what Python 2 writes of an ordered one.

    The entries are not copied: a pickle could have a long list copied with every opcode.
    """
    given = arguments[-1] if arguments else None
    if isinstance(given, Pairs):
        return given
    return Pairs(given) if isinstance(given, list) else Pairs()


def _view(name: str, arguments: tuple[Any, ...]) -> View:
    storage, offset, shape, strides = arguments[:4]
    shape = shape.arguments[0] if isinstance(shape, Built) and shape.arguments else shape
    if not isinstance(storage, Storage) or not _is_count(offset) or not _are_counts(shape):
        raise PickleError("its pickle builds a tensor of what is no storage, offset and shape")
    dtype = storage.dtype
    if name.endswith("_v3") and len(arguments) > 6 and isinstance(arguments[6], Global):
        dtype = DTYPES.get(arguments[6].name.removeprefix("torch."), dtype)
    if not _are_counts(strides) or len(strides) != len(shape):
        raise PickleError("its pickle builds a tensor whose strides do not fit its shape")
    return View(storage, offset, tuple(shape), tuple(strides), dtype)


def array_of(built: Built) -> View | None:
    """The numpy array that was rebuilt from (version, shape, dtype, order, bytes); None for anything else."""
    state = built.state
    if built.name != ARRAY or not isinstance(state, tuple) or len(state) != 5 or not _are_counts(state[1]):
        return None
    code = state[2].arguments[0] if isinstance(state[2], Built) and state[2].arguments else ""
    return View(None, 0, tuple(state[1]), (), NUMPY.get(code, "") if isinstance(code, str) else "")


def storage_of(identity: Any) -> Storage | Built:
    """What torch's persistent id stands for: ("storage", class, key, device, elements[, view])."""
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        return Built("persistent id", ())
    _, its_class, key, _, count, *view = identity
    if not isinstance(its_class, Global) or not isinstance(key, (str, int)) or not _is_count(count):
        raise PickleError("its pickle names a storage without class, key and size")
    dtype = STORAGES.get(its_class.name.rpartition(".")[2], "")
    return Storage(dtype, str(key)[:200], count, not any(part is not None for part in view))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _are_counts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) <= 64 and all(_is_count(item) for item in value)
