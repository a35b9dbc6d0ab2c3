r"""The pickles in PyTorch's checkpoints, read and written without running anything.

A pickle is a program for a small machine with a stack: "push a string", "make a tuple of what lies
above the mark", "call this function with that tuple". The last is why a pickle from a stranger must
not be run. ``Machine`` is this machine without it: the few names that a checkpoint needs stand for
steps written down here (``call``), and any other name is an error.

``program`` goes the other way. Both know as much as a state dict, or a dict of those beside plain
numbers and strings, needs; Python's module ``pickletools`` explains every instruction.
"""

from __future__ import annotations

import itertools
import math
import pickletools
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lucid.tensor import Tensor

# The class in a pickle that says which numbers a storage holds.
STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "LongStorage": "int64",
    "IntStorage": "int32", "ByteStorage": "uint8", "BoolStorage": "bool",
    "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "ShortStorage": "int16",
    "CharStorage": "int8",
}  # fmt: skip
REBUILD = "torch._utils _rebuild_tensor_v2"
REBUILD_PARAMETER = "torch._utils _rebuild_parameter"
KNOWN = {"collections OrderedDict", "torch Size", REBUILD, REBUILD_PARAMETER}
KNOWN |= {f"torch {name}" for name in STORAGES}


class Name(NamedTuple):
    """A function or a class that a pickle mentions; nothing is imported."""

    name: str


class Storage(NamedTuple):
    """Where the numbers of some tensors lie: in which file of the archive, and how many."""

    key: str
    dtype: str
    size: int


#: Makes a tensor of a storage, an offset, a shape and strides.
TensorMaker = Callable[[Storage, Any, Any, Any], Tensor]


class Machine:
    """Carries a pickle out. It trusts nothing: what is wrong is a ValueError or an IndexError."""

    def __init__(self, make_tensor: TensorMaker) -> None:
        self.make_tensor = make_tensor
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}

    def run(self, code: bytes) -> Any:
        """Return what the pickle describes."""
        for instruction, argument, _ in pickletools.genops(code):
            self.step(instruction.name, argument)
        (result,) = self.stack
        check_plain(result)
        return result

    def above_mark(self) -> list[Any]:
        """Take off what lies above the last mark, and the mark."""
        found, self.stack = self.stack, self.below.pop()
        return found

    def take(self, n: int) -> tuple[Any, ...]:
        """Take the uppermost ``n`` off, in the order in which they came."""
        return tuple([self.stack.pop() for _ in range(n)][::-1])

    def step(self, name: str, argument: Any) -> None:
        """Carry one instruction out."""
        push = self.stack.append
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case (
                "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "BINFLOAT"
                | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8"
            ):  # fmt: skip
                push(argument)
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
            case "EMPTY_TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(self.take({"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}[name]))
            case "TUPLE":
                items = self.above_mark()
                self.stack.append(tuple(items))
            case "EMPTY_LIST" | "EMPTY_DICT":
                push([] if name == "EMPTY_LIST" else {})
            case "APPEND" | "APPENDS":
                items = self.above_mark() if name == "APPENDS" else list(self.take(1))
                self.top(list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = self.above_mark() if name == "SETITEMS" else list(self.take(2))
                fill(self.top(dict), items)
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                self.memo[len(self.memo) if name == "MEMOIZE" else argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                if argument not in self.memo:
                    raise ValueError("it recalls what it never put down")
                push(self.memo[argument])
            case "GLOBAL" | "STACK_GLOBAL":
                push(known(*(argument.split(" ", 1) if name == "GLOBAL" else self.take(2))))
            case "BINPERSID":
                push(storage(self.stack.pop()))
            case "REDUCE":
                function, arguments = self.take(2)
                push(self.call(function, arguments))
            case "BUILD":  # attributes of a dict: what PyTorch notes of versions
                self.take(1)
                self.top(dict)
            case _:
                raise ValueError(f"it has the instruction {name}, which no state dict needs")

    def top(self, kind: type) -> Any:
        """The uppermost, which must be of this kind."""
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"it treats a {type(self.stack[-1]).__name__} as a {kind.__name__}")
        return self.stack[-1]

    def call(self, function: Any, arguments: Any) -> Any:
        """What a call stands for."""
        match function, arguments:
            case Name("collections OrderedDict"), ():
                return {}
            case Name("torch Size"), (tuple(shape),):
                return shape
            case Name("torch._utils _rebuild_tensor_v2"), (
                Storage() as numbers, offset, tuple(shape), tuple(strides), *_
            ):  # fmt: skip
                return self.make_tensor(numbers, offset, shape, strides)
            case Name("torch._utils _rebuild_parameter"), (Tensor() as tensor, *_):
                return tensor
        what = function.name if isinstance(function, Name) else type(function).__name__
        raise ValueError(f"it makes no sense to call {what} as it does")


def known(module: object, name: object) -> Name:
    """A name, if it is one that a checkpoint needs."""
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError("a name is a string")
    if f"{module} {name}" not in KNOWN:
        raise ValueError(
            f"it asks for {module[:40]}.{name[:40]}, and a name found in a file is never "
            "looked up: lucid reads tensors, numbers and strings in dicts, lists and tuples"
        )
    return Name(f"{module} {name}")


def storage(identity: Any) -> Storage:
    """What a pickle says of a storage: ("storage", class, key, device, size)."""
    match identity:
        case ("storage", Name(name), str(key), _, int(size)) if name[6:] in STORAGES and size >= 0:
            return Storage(key, STORAGES[name[6:]], size)
    raise ValueError("it mentions something outside that is no storage")


def check_plain(result: Any) -> None:
    """Raise ValueError if a name or a storage is left over: these make sense in a call only."""
    waiting, seen = [result], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Name | Storage):
            raise ValueError(f"it holds {value[0][:60]} itself, which is no value")
        if isinstance(value, list | tuple | dict) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)


def fill(target: dict[Any, Any], items: list[Any]) -> None:
    """Put keys and values, in turn, into a dict."""
    if len(items) % 2:
        raise ValueError("a dict consists of pairs")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise ValueError(f"the keys of a dict are strings or ints, got {type(key).__name__}")
        target[key] = value


def program(node: Any) -> Iterator[bytes]:
    """Yield the instructions for a tree as ``native.describe`` gives it.

    The numbers of its tensors are the storages "0", "1", … of the archive, in order.
    """
    keys = itertools.count()

    def emit(node: Any) -> Iterator[bytes]:
        match node:
            case None | True | False:
                yield {None: b"N", True: b"\x88", False: b"\x89"}[node]
            case int() if -(2**31) <= node < 2**31:
                yield b"J" + struct.pack("<i", node)
            case int():
                raw = node.to_bytes(node.bit_length() // 8 + 1, "little", signed=True)
                wide = len(raw) > 255
                yield (b"\x8b" if wide else b"\x8a") + len(raw).to_bytes(4 if wide else 1, "little")
                yield raw
            case float():
                yield b"G" + struct.pack(">d", node)
            case str():
                raw = node.encode("utf-8", "surrogatepass")
                yield b"X" + struct.pack("<I", len(raw)) + raw
            case ["int", digits]:
                yield from emit(int(digits, 16))
            case ["float", name]:
                yield from emit(float(name))
            case ["list" | "tuple" as kind, *items]:
                yield b"](" if kind == "list" else b"("
                for item in items:
                    yield from emit(item)
                yield b"e" if kind == "list" else b"t"
            case ["dict", *pairs]:
                yield b"}("
                for pair in pairs:
                    yield from emit(pair[0])
                    yield from emit(pair[1])
                yield b"u"
            case ["tensor", dtype, *shape]:
                kind = next(name for name, known in STORAGES.items() if known == dtype)
                sizes = [math.prod(shape[i:]) for i in range(len(shape) + 1)]  # of ever fewer axes
                yield f"c{REBUILD.replace(' ', chr(10))}\n((".encode()
                yield from emit("storage")
                yield f"ctorch\n{kind}\n".encode()
                for part in (str(next(keys)), "cpu", sizes[0]):
                    yield from emit(part)
                yield b"tQ"
                yield from emit(0)
                yield from emit(["tuple", *shape])
                yield from emit(["tuple", *sizes[1:]])
                yield b"\x89ccollections\nOrderedDict\n)RtR"

    yield b"\x80\x02"
    yield from emit(node)
    yield b"."
