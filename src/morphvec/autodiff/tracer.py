"""Floor 1: record what a function does, by running it on values that remember where they came from.

A ``Node`` holds a value, the primitive that made it, the arguments of that call, and which of them were
nodes. A ``Primitive`` is a NumPy function that, when one of its arguments is a node, runs on the values
inside and puts the answer into a new node. The nodes of one run are the computation graph.

The one hard idea is the *level*. ``d/dx [x · d/dy (x + y)]`` is 1, and a tracer that cannot tell the two
traces apart answers 2: while y is being traced, x is a node too, and must count as a constant. So each
trace has a number of its own, later ones are larger, and a primitive looks only at the nodes of the
largest number among its arguments. It takes these off, calls itself on what is inside (perhaps nodes of
an outer trace, which then record in their turn), and wraps the answer once. ::

    level 2 (y)        Node₂ ── add ── Node₂            taken off first, wrapped last
    level 1 (x)   Node₁ ───────┘                        for level 2 a constant, for level 1 a node

Source: Griewank & Walther, Evaluating Derivatives (2nd ed., 2008), §3.2 (evaluation trace) and §6.1;
CSC421 lecture 3 ("Building the Computation Graph").
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeAlias, TypeVar

import numpy as np

from morphvec.errors import MorphvecError

Value: TypeAlias = Any  # a Node, an array or a number: which of them is known only when the program runs
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

# NumPy's function → ours. Operators of a node, and NumPy functions that meet a node, find their way here.
TWINS: dict[Any, Callable[..., Any]] = {}

_levels = itertools.count(1)  # a number is never used twice, so a node of a closed trace cannot be confused
_births = itertools.count()


class MissingAttributeError(MorphvecError, AttributeError):
    """A method of arrays that nodes do not have; an AttributeError too, so that ``hasattr`` says no."""

    __str__ = MorphvecError.__str__


def missing(operation: str) -> MorphvecError:
    """The refusal of an operation that has no recorded form."""
    return MorphvecError(
        f"{operation} of a traced value",
        "a gradient exists only through the operations of morphvec.autodiff.numpy",
        "write it with those, add it with autodiff.primitive and autodiff.defvjp, "
        "or pass autodiff.numpy.stop_gradient(x) where no gradient is wanted",
    )


def check_real(dtype: np.dtype[Any], what: str) -> None:
    """Raise MorphvecError unless ``dtype`` is a real floating type."""
    if dtype.kind == "c":
        raise MorphvecError(
            f"{what} is complex ({dtype})", "autodiff is for real numbers", "split it into parts"
        )
    if dtype.kind != "f":
        raise MorphvecError(
            f"{what} has dtype {dtype}",
            "derivatives are of floating-point values",
            "pass x.astype(float) or 3.0",
        )


class Primitive:
    """One operation with a derivative: ``raw`` on arrays, recorded on nodes.

    Only positional arguments are differentiable; a node inside a keyword argument is refused, for it would
    lose its gradient.
    """

    def __init__(self, raw: Callable[..., Any]) -> None:
        self.raw = raw
        self.__name__: str = raw.__name__
        self.__doc__ = raw.__doc__

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"

    def __call__(self, *args: Value, **kwargs: Any) -> Value:
        level = 0
        for arg in args:
            if type(arg) is Node and arg.level > level:
                level = arg.level
        for name, arg in kwargs.items():
            if type(arg) is Node:
                raise MorphvecError(
                    f"{self.__name__}({name}=traced value)",
                    "a keyword argument carries no gradient",
                    "pass it by position",
                )
        if level == 0:
            return self.raw(*args, **kwargs)
        if kwargs and isinstance(self.raw, np.ufunc):
            raise MorphvecError(
                f"{self.__name__} with {', '.join(kwargs)} on a traced value",
                "a recorded operation makes a new value and takes no ufunc keywords",
                "leave them out; use where() to choose and astype() to cast",
            )
        parents = tuple(
            (place, arg) for place, arg in enumerate(args) if type(arg) is Node and arg.level == level
        )
        inside = tuple(arg.value if type(arg) is Node and arg.level == level else arg for arg in args)
        return Node(self(*inside, **kwargs), self, inside, kwargs, parents, level)


def primitive(raw: Callable[..., Any]) -> Primitive:
    """Make a traced operation out of a function on arrays; give it derivatives with ``defvjp``."""
    return Primitive(raw)


def twin_of(*numpy_functions: Callable[..., Any]) -> Callable[[AnyFunction], AnyFunction]:
    """Decorator: this operation is what ``numpy_functions`` mean when they meet a node."""

    def register(ours: AnyFunction) -> AnyFunction:
        TWINS.update(dict.fromkeys(numpy_functions, ours))
        return ours

    return register


def wrap(numpy_function: Callable[..., Any]) -> Primitive:
    """The traced form of a NumPy function, as it stands."""
    return twin_of(numpy_function)(primitive(numpy_function))


def plain(x: Value) -> Any:
    """The array or number at the bottom of a value, all levels taken off: no gradient flows through it."""
    while type(x) is Node:
        x = x.value
    return x


def constant(numpy_function: Callable[..., Any]) -> Callable[..., Any]:
    """The form of a piecewise constant NumPy function (comparison, argmax, sign): plain in, plain out."""

    def on_plain(*args: Value, **kwargs: Any) -> Any:
        return numpy_function(*map(plain, args), **kwargs)

    on_plain.__name__, on_plain.__doc__ = numpy_function.__name__, numpy_function.__doc__
    return twin_of(numpy_function)(on_plain)


def trace(f: Callable[..., Value], *xs: Value) -> tuple[tuple[Node, ...], Value]:
    """Run f on nodes that hold ``xs``: the root nodes and what f returned (a Node if it depends on them)."""
    level = next(_levels)
    roots = tuple(Node(as_real(x), None, (), {}, (), level) for x in xs)
    return roots, f(*roots)


def as_real(x: Value) -> Value:
    """A node as it is, anything else as an array; raises MorphvecError for integers and complex numbers."""
    if type(x) is Node:
        return x
    array = np.asarray(x)
    check_real(array.dtype, "the variable")
    return array


def _twin(numpy_function: Callable[..., Any], reverse: bool = False) -> Callable[[Node, Value], Value]:
    def operate(self: Node, other: Value) -> Value:
        return TWINS[numpy_function](*((other, self) if reverse else (self, other)))

    return operate


def _refused(sign: str) -> Callable[..., NoReturn]:
    def refuse(self: Node, *_: object) -> NoReturn:
        raise missing(f"'{sign}'")

    return refuse


class Node:
    """One value of the traced computation. It cannot be changed, only computed with.

    Attributes
    ----------
    value: the array or number, or a node of an outer trace.
    fun: the primitive that made it; None for the variables of the trace.
    args, kwargs: what ``fun`` was called with, nodes of this level replaced by their values.
    parents: pairs (position in args, node) of the arguments that were nodes of this level.
    level: the number of its trace.
    birth: a number that grows with every node, so that parents come before children.
    """

    __slots__ = ("args", "birth", "fun", "kwargs", "level", "parents", "value")

    def __init__(
        self,
        value: Value,
        fun: Primitive | None,
        args: tuple[Value, ...],
        kwargs: dict[str, Any],
        parents: tuple[tuple[int, Node], ...],
        level: int,
    ) -> None:
        if type(value) is not Node:
            check_real(value.dtype, f"the value of {fun.__name__ if fun else 'a variable'}")
        self.value, self.fun, self.args, self.kwargs, self.parents = value, fun, args, kwargs, parents
        self.level, self.birth = level, next(_births)

    # What an array tells about itself.
    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.value.size  # type: ignore[no-any-return]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a traced number")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.fun.__name__ if self.fun else 'variable'})"

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec)

    def __bool__(self) -> bool:
        return bool(plain(self))  # a branch is decided by the value; the branch taken is differentiated

    # Operators. A comparison is a plain array: its derivative is zero wherever it has one.
    __add__, __radd__ = _twin(np.add), _twin(np.add, reverse=True)
    __sub__, __rsub__ = _twin(np.subtract), _twin(np.subtract, reverse=True)
    __mul__, __rmul__ = _twin(np.multiply), _twin(np.multiply, reverse=True)
    __truediv__, __rtruediv__ = _twin(np.divide), _twin(np.divide, reverse=True)
    __pow__, __rpow__ = _twin(np.power), _twin(np.power, reverse=True)
    __matmul__, __rmatmul__ = _twin(np.matmul), _twin(np.matmul, reverse=True)
    __lt__, __le__, __gt__, __ge__ = map(_twin, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = map(_twin, (np.equal, np.not_equal))
    __hash__ = object.__hash__
    __mod__ = __rmod__ = _refused("%")
    __floordiv__ = __rfloordiv__ = _refused("//")
    __divmod__ = __rdivmod__ = _refused("divmod")

    def __neg__(self) -> Value:
        return TWINS[np.negative](self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Value:
        return TWINS[np.absolute](self)

    def __getitem__(self, index: Any) -> Value:
        return TWINS[operator.getitem](self, index)

    def __iter__(self) -> Iterator[Value]:
        return (self[i] for i in range(len(self)))

    # The methods of arrays that have a recorded form.
    @property
    def T(self) -> Value:
        return TWINS[np.transpose](self)

    def transpose(self, *axes: Any) -> Value:
        return TWINS[np.transpose](self, axes[0] if len(axes) == 1 else axes or None)

    def reshape(self, *shape: Any) -> Value:
        return TWINS[np.reshape](self, shape[0] if len(shape) == 1 else shape)

    def ravel(self) -> Value:
        return TWINS[np.reshape](self, -1)

    flatten = ravel

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Value:
        return TWINS[np.squeeze](self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Value:
        return TWINS[np.swapaxes](self, axis1, axis2)

    def astype(self, dtype: Any) -> Value:
        return TWINS[np.astype](self, dtype)

    def copy(self) -> Node:
        return self  # nothing can change a node, so that a copy would be the same

    def dot(self, other: Value) -> Value:
        return TWINS[np.dot](self, other)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Value:
        return TWINS[np.sum](self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Value:
        return TWINS[np.mean](self, axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Value:
        return TWINS[np.prod](self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Value:
        return TWINS[np.max](self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Value:
        return TWINS[np.min](self, axis, keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
        return TWINS[np.var](self, axis, ddof, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
        return TWINS[np.std](self, axis, ddof, keepdims)

    def argmax(self, axis: int | None = None) -> Any:
        return TWINS[np.argmax](self, axis)

    def argmin(self, axis: int | None = None) -> Any:
        return TWINS[np.argmin](self, axis)

    # Doors through which a value would leave the trace without its gradient: all shut.
    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # protocols that Python and NumPy ask for and can do without
        raise MissingAttributeError(*missing(f"method .{name}").args)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise MorphvecError(
            f"in-place assignment to item {index!r:.60} of a traced value",
            "a traced value cannot be changed",
            "build the new one with where, concatenate or stack, or as x + change",
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise MorphvecError(
            "a traced value turned into a plain array",
            "its gradient would be lost",
            "use morphvec.autodiff.numpy in place of numpy (array and stack take lists of traced values), "
            "or stop_gradient(x) where no gradient is wanted",
        )

    def _number(self) -> NoReturn:
        raise MorphvecError(
            "a traced value turned into a plain number",
            "its gradient would be lost",
            "use morphvec.autodiff.numpy in place of math, "
            "or float(stop_gradient(x)) where no gradient is wanted",
        )

    __float__ = __int__ = __index__ = __complex__ = _number

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Value, **kwargs: Any) -> Value:
        if "out" in kwargs:
            raise MorphvecError(
                f"np.{ufunc.__name__} of a traced value into an existing array",
                "a plain array cannot hold a traced value",
                "write a = a + b in place of a += b",
            )
        twin = TWINS.get(ufunc)
        if twin is None or method != "__call__":
            raise missing(f"{ufunc.__name__}{'' if method == '__call__' else '.' + method}")
        return twin(*inputs, **kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Value:
        twin = TWINS.get(func)
        if twin is None:
            raise missing(f"{func.__module__}.{func.__name__}")
        return twin(*args, **kwargs)

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self  # a copied node would be cut off from its trace

    def __reduce__(self) -> NoReturn:
        raise missing("pickling")
