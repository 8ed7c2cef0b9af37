"""The opcodes of a pickle -> what they would build, without building it: nothing is imported, called or looked up.

A stack machine on the opcodes that `pickletools` lists. Containers become lists, tuples and `Pairs`; what a global would make
of its arguments becomes a `Built`, a `View` or a `Storage` that only says so. A pickle that names any global but those of
`ALLOWED`, all of which hold data or build tensors, is refused as a whole.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

from codeclone.plain import plain
from codeclone.read.pickle_names import ALLOWED, ARRAY, DTYPES, NUMPY, STORAGES

MAX_BYTES = 64 * 2**20
"""Of one pickle. One with 50,000 tensors has about 10 MB: the numbers themselves stand elsewhere."""

MAX_OPCODES = 3_000_000
"""A tensor takes about 30; so many are read in about four seconds."""

MAX_STACK = 1_000_000
MAX_MARKS = 1_000
"""Containers that are open in each other."""

MAX_MEMO = 2_000_000


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


class Limited:
    """A stream that gives at most so many bytes: no length that a file states makes it allocate more."""

    def __init__(self, stream: BinaryIO, limit: int = MAX_BYTES) -> None:
        self.stream, self.left = stream, limit

    def read(self, count: int = -1) -> bytes:
        return self._counted(self.stream.read(self.left if count < 0 else min(count, self.left)))

    def readline(self) -> bytes:
        return self._counted(self.stream.readline(self.left))

    def _counted(self, content: bytes) -> bytes:
        self.left -= len(content)
        return content


def interpret(stream: BinaryIO, limit: int = MAX_BYTES) -> Any:
    """What the pickle at the stream's place would build; the stream is then behind it.

    Raises RefusedError for one that names another global than those allowed, PickleError for what is none, and OSError.
    """
    machine = _Machine()
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(cast(IO[bytes], Limited(stream, limit))):
            count += 1
            if count > MAX_OPCODES or len(machine.stack) > MAX_STACK:
                raise PickleError(f"its pickle has more than {MAX_OPCODES:,} opcodes, or {MAX_STACK:,} on the stack")
            if opcode.name == "STOP":
                return machine.stack.pop()
            if opcode.name in _DATA:
                machine.stack.append(argument)
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](machine, argument)
            else:
                raise PickleError(f"its pickle has the opcode {opcode.name}, which no checkpoint needs")
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise PickleError(f"no whole pickle: {str(error)[:100] or type(error).__name__}") from error
    raise PickleError("no whole pickle: it does not end")


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        """The stacks below each mark, the outermost first."""
        self.memo: dict[int, Any] = {}

    def below(self, argument: Any = None) -> None:
        if len(self.marked) >= MAX_MARKS:
            raise PickleError(f"its pickle nests deeper than {MAX_MARKS:,} levels")
        self.marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark."""
        found, self.stack = self.stack, self.marked.pop()
        return found

    def remember(self, place: Any) -> None:
        if not 0 <= place < MAX_MEMO:
            raise PickleError(f"its pickle remembers more than {MAX_MEMO:,} values")
        self.memo[place] = self.stack[-1]


_DATA = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT BINFLOAT".split()
)


def _forget(machine: _Machine, argument: Any) -> None:
    machine.since_mark()


def _push(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, argument: machine.stack.append(value)


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, argument: Any) -> None:
        if len(machine.stack) < count:
            raise PickleError("no whole pickle: a tuple of more than there is")
        machine.stack[len(machine.stack) - count :] = [tuple(machine.stack[len(machine.stack) - count :])]

    return step


def _marked(make: Callable[[list[Any]], Any]) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, argument: Any) -> None:
        items = machine.since_mark()
        machine.stack.append(make(items))

    return step


def _extend(machine: _Machine, argument: Any) -> None:
    items = machine.since_mark()
    _append(machine.stack[-1], items)


def _append(target: Any, items: list[Any]) -> None:
    if isinstance(target, Built):  # a deque or a set: nothing of it holds tensors
        return
    if not isinstance(target, list):
        raise PickleError("no whole pickle: it appends to what is no list")
    target.extend(items)


def _set_items(machine: _Machine, argument: Any) -> None:
    items = machine.since_mark()
    _set(machine.stack[-1], items)


def _set(target: Any, items: list[Any]) -> None:
    if not isinstance(target, Pairs):
        raise PickleError("no whole pickle: it sets an entry of what is no dict")
    target.entries.extend(_pairs(items))


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    return [*zip(items[::2], items[1::2], strict=True)]


def _set_item(machine: _Machine, argument: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine.stack[-1], [key, value])


def _append_one(machine: _Machine, argument: Any) -> None:
    value = machine.stack.pop()
    _append(machine.stack[-1], [value])


def _pop(machine: _Machine, argument: Any) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


# Globals, and what they would build


def _global(module: Any, name: Any) -> Global:
    """The global of this name if it is allowed. Raises RefusedError for any other."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise RefusedError("refused: its pickle names a global by what is no text; nothing of it was run")
    full = f"{module}.{name}"
    if full not in ALLOWED:
        raise RefusedError(
            f"refused: its pickle names {plain(full[:200])}, which is not among what builds tensors; nothing of it was run"
        )
    return Global(full)


def _named(machine: _Machine, argument: str) -> None:
    # GLOBAL: module and name in two lines, which pickletools joins by a space.
    module, _, name = argument.partition(" ")
    machine.stack.append(_global(module, name))


def _named_on_stack(machine: _Machine, argument: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(_global(module, name))


def _extension(machine: _Machine, argument: Any) -> None:
    raise RefusedError(
        f"refused: its pickle names a global by the number {argument} of a registry of the machine that loads it; "
        "nothing of it was run"
    )


def _reduce(machine: _Machine, argument: Any) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(_apply(function, arguments))


def _reduce_with_names(machine: _Machine, argument: Any) -> None:
    machine.stack.pop()
    _reduce(machine, argument)


def _instance(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    arguments = machine.since_mark()
    machine.stack.append(_apply(_global(module, name), tuple(arguments)))


def _object(machine: _Machine, argument: Any) -> None:
    function, *arguments = machine.since_mark()
    machine.stack.append(_apply(function, tuple(arguments)))


def _state(machine: _Machine, argument: Any) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if not isinstance(target, (Built, Pairs, View)):
        raise RefusedError(
            "refused: its pickle sets the state of what no allowed name has built; nothing of it was run"
        )
    if not isinstance(target, Built):
        return  # the attributes of a dict or a parameter: no tensors of a checkpoint
    target.state = state


def _persistent(machine: _Machine, argument: Any) -> None:
    machine.stack.append(_storage(machine.stack.pop()))


def _apply(function: Any, arguments: Any) -> Any:
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
        return _apply(arguments[0], arguments[2])
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


def _storage(identity: Any) -> Storage | Built:
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


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    "EMPTY_TUPLE": _push(()),
    "EMPTY_LIST": lambda machine, argument: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, argument: machine.stack.append(Pairs()),
    "EMPTY_SET": lambda machine, argument: machine.stack.append(Built("builtins.set", ())),
    "MARK": _Machine.below,
    "POP_MARK": _forget,
    "POP": _pop,
    "DUP": lambda machine, argument: machine.stack.append(machine.stack[-1]),
    "TUPLE": _marked(tuple),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "LIST": _marked(list),
    "DICT": _marked(lambda items: Pairs(_pairs(items))),
    "FROZENSET": _marked(lambda items: Built("builtins.frozenset", ())),
    "APPEND": _append_one,
    "APPENDS": _extend,
    "ADDITEMS": _extend,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "GET": lambda machine, argument: machine.stack.append(machine.memo[int(argument)]),
    "BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "LONG_BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "PUT": lambda machine, argument: machine.remember(int(argument)),
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": lambda machine, argument: machine.remember(len(machine.memo)),
    "GLOBAL": _named,
    "STACK_GLOBAL": _named_on_stack,
    "EXT1": _extension,
    "EXT2": _extension,
    "EXT4": _extension,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _reduce_with_names,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _state,
    "PERSID": lambda machine, argument: machine.stack.append(Built("persistent id", ())),
    "BINPERSID": _persistent,
}
