"""The opcodes of a pickle -> what they would build, without building it: nothing is imported, called or looked up.

A stack machine on the opcodes that `pickletools` lists. Containers become lists, tuples and `Pairs`; what a global would make
of its arguments becomes a `Built`, a `View` or a `Storage` that only says so. A pickle that names any global but those of
`ALLOWED`, all of which hold data or build tensors, is refused as a whole.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any, BinaryIO, cast

from codeclone.read.pickle_values import Built, Pairs, PickleError, RefusedError, View, allowed, apply, storage_of

MAX_BYTES = 64 * 2**20
"""Of one pickle. One with 50,000 tensors has about 10 MB: the numbers themselves stand elsewhere."""

MAX_OPCODES = 3_000_000
"""A tensor takes about 30; so many are read in about four seconds."""

MAX_STACK = 1_000_000
MAX_MARKS = 1_000
"""Containers that are open in each other."""

MAX_MEMO = 2_000_000


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


def _named(machine: _Machine, argument: str) -> None:
    # GLOBAL: module and name in two lines, which pickletools joins by a space.
    module, _, name = argument.partition(" ")
    machine.stack.append(allowed(module, name))


def _named_on_stack(machine: _Machine, argument: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(allowed(module, name))


def _extension(machine: _Machine, argument: Any) -> None:
    raise RefusedError(
        f"refused: its pickle names a global by the number {argument} of a registry of the machine that loads it; "
        "nothing of it was run"
    )


def _reduce(machine: _Machine, argument: Any) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(apply(function, arguments))


def _reduce_with_names(machine: _Machine, argument: Any) -> None:
    machine.stack.pop()
    _reduce(machine, argument)


def _instance(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    arguments = machine.since_mark()
    machine.stack.append(apply(allowed(module, name), tuple(arguments)))


def _object(machine: _Machine, argument: Any) -> None:
    function, *arguments = machine.since_mark()
    machine.stack.append(apply(function, tuple(arguments)))


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
    machine.stack.append(storage_of(machine.stack.pop()))


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
