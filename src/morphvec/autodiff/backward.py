"""Floor 2: sweep a recorded computation backwards, and the derivative operators made from that sweep.

Each node receives messages from the nodes computed from it, adds them up, and sends to each parent one
message: the vector-Jacobian product (vjp) ȳᵀ·∂y/∂x of its primitive. The messages are computed with
traced operations, so that a sweep can itself be traced: ``grad(grad(f))``, and Hessian-vector products
``make_vjp(grad(f), x)[0](v)``, need nothing more.

Cost: one sweep takes a small constant times the work of the traced run, for any number of variables.

Source: Griewank & Walther, Evaluating Derivatives (2nd ed., 2008), §3.2, table 3.5 (incremental adjoint
recursion) and §4.4 (its cost); CSC421 lecture 3 ("Backprop as Message Passing", "Backward Pass").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.autodiff.tracer import Node, Primitive, Value, plain, trace
from morphvec.errors import MorphvecError

Vjp = Callable[..., Any]  # (g, out, *args, **kwargs) -> message for one of args

VJPS: dict[Primitive, Callable[[int], Vjp | None]] = {}


def defvjp(fun: Primitive, *vjps: Vjp | None) -> None:
    """Table row: ``vjps[i](g, out, *args, **kwargs)`` is the message to argument i; None for no derivative.

    ``g`` (shape of ``out``) is the derivative of the end with respect to ``out``; the answer has the shape
    of ``args[i]``. Write it with traced operations, so that second derivatives exist.
    """
    VJPS[fun] = lambda place: vjps[place] if place < len(vjps) else None


def defvjp_any(fun: Primitive, vjp: Vjp) -> None:
    """Table row of a primitive with any number of arguments: ``vjp(i, g, out, *args, **kwargs)``."""
    VJPS[fun] = lambda place: lambda *args, **kwargs: vjp(place, *args, **kwargs)


@dataclass(frozen=True)
class SparseMessage:
    """A message that is zero except at ``index``, where ``g`` is added (repeated places add up).

    A table of embeddings that is looked up n times would otherwise receive n arrays of its own size.
    """

    index: Any
    g: Value
    shape: tuple[int, ...]
    dense: Callable[[Value, Any, tuple[int, ...]], Value]  # (g, index, shape) -> array, a traced operation
    add_at: Callable[[Any, Any, Any], None]  # (array, index, g): adds in place

    @property
    def dtype(self) -> Any:
        return self.g.dtype


class _Inbox:
    """The running sum of the messages to one node; ``ours`` when no one else can hold the array."""

    __slots__ = ("ours", "total")

    def __init__(self) -> None:
        self.total: Value = None
        self.ours = False

    def add(self, message: Any) -> None:
        if isinstance(message, SparseMessage):
            if type(message.g) is Node or type(self.total) is Node:
                message = message.dense(message.g, message.index, message.shape)
            else:
                if self.total is None:
                    self.total = np.zeros(message.shape, message.dtype)
                elif not self.ours:
                    self.total = np.array(self.total)
                self.ours = True
                message.add_at(self.total, message.index, message.g)
                return
        if self.total is None:
            self.total = message
        elif self.ours and type(message) is not Node:
            self.total += message
        else:
            self.total = self.total + message
            self.ours = type(self.total) is np.ndarray


def _ancestors(end: Node) -> list[Node]:
    """``end`` and all it was computed from, children before parents."""
    seen, waiting = {end.birth: end}, [end]
    while waiting:
        for _, parent in waiting.pop().parents:
            if parent.birth not in seen:
                seen[parent.birth] = parent
                waiting.append(parent)
    return [seen[birth] for birth in sorted(seen, reverse=True)]


def backward_pass(g: Value, end: Node, roots: tuple[Node, ...]) -> tuple[Value, ...]:
    """The messages that arrive at ``roots`` when ``end`` starts with message g (shape of ``end``)."""
    inboxes = {end.birth: _Inbox()}
    inboxes[end.birth].add(g)
    for node in _ancestors(end):
        if node.fun is None:
            continue
        message_in = inboxes.pop(node.birth).total
        for place, parent in node.parents:
            vjp = VJPS[node.fun](place) if node.fun in VJPS else None
            if vjp is None:
                raise MorphvecError(
                    f"the derivative of {node.fun.__name__} with respect to argument {place}",
                    "it is not in the table",
                    "add it with autodiff.defvjp",
                )
            message = vjp(message_in, node.value, *node.args, **node.kwargs)
            shape = getattr(message, "shape", None)
            if shape != parent.shape:
                raise MorphvecError(
                    f"the vjp of {node.fun.__name__} for argument {place} has shape {shape}",
                    f"the argument has shape {parent.shape}",
                    "mend that vjp (autodiff.unbroadcast undoes broadcasting)",
                )
            if message.dtype != parent.dtype:
                message = message.astype(parent.dtype)
            inboxes.setdefault(parent.birth, _Inbox()).add(message)
    return tuple(_delivered(inboxes.get(root.birth), root, g) for root in roots)


def _delivered(inbox: _Inbox | None, root: Node, g: Value) -> Value:
    """The sum of an inbox as an array that the caller may change; zeros if nothing came."""
    if inbox is None:
        return np.zeros(root.shape, root.dtype)
    total = inbox.total
    if isinstance(total, np.ndarray) and not inbox.ours and (total.base is not None or total is g):
        return total.copy()
    return total


def _vjp(f: Callable[..., Value], *xs: Value) -> tuple[Callable[[Value], tuple[Value, ...]], Value]:
    """``make_vjp`` for any number of variables."""
    roots, end = trace(f, *xs)
    traced = type(end) is Node and end.level == roots[0].level
    value = end.value if traced else end
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        if not isinstance(value, (int, float)):
            raise MorphvecError(
                f"the function returned a {type(value).__name__}",
                "one array or number can be differentiated",
                "return one value (join several with concatenate)",
            )
        shape, dtype = (), np.dtype(np.float64)

    def vjp(g: Value) -> tuple[Value, ...]:
        if type(g) is not Node:
            g = np.asarray(g)
        if g.shape != shape:
            raise MorphvecError(
                f"a vector of shape {g.shape}", f"the value has shape {shape}", "pass one of the same shape"
            )
        if not traced:
            return tuple(np.zeros(root.shape, root.dtype) for root in roots)
        return backward_pass(g if g.dtype == dtype else g.astype(dtype), end, roots)

    return vjp, value


def make_vjp(f: Callable[[Value], Value], x: Value) -> tuple[Callable[[Value], Value], Value]:
    """(vjp, f(x)) with ``vjp(g)`` = gᵀ·∂f/∂x: g has the shape of f(x), the answer shape and dtype of x.

    ``vjp`` may be called any number of times. Arrays that f used must not be changed in between: the trace
    holds them, not copies. Raises MorphvecError if x is not real floating point, or f(x) is not one array.
    """
    vjp, value = _vjp(f, x)
    return lambda g: vjp(g)[0], value


def value_and_grad(
    f: Callable[..., Value], argnum: int | tuple[int, ...] = 0
) -> Callable[..., tuple[Value, Value]]:
    """A function with the arguments of f that returns (f(…), gradient), in one traced run.

    The gradient with respect to argument ``argnum`` has its shape and dtype; for a tuple of positions it is
    a tuple. A Python float counts as a float64 array. An f that does not depend on the argument has gradient
    zero. Raises MorphvecError if f(…) is not a single number, or an argument is not real floating point.

    >>> value, slope = value_and_grad(lambda x: x**3)(2.0)
    >>> float(value), float(slope)
    (8.0, 12.0)
    """
    places = argnum if isinstance(argnum, tuple) else (argnum,)

    def with_gradient(*args: Value, **kwargs: Any) -> tuple[Value, Value]:
        at = [place % len(args) if -len(args) <= place < len(args) else -1 for place in places]
        if not at or -1 in at or len(set(at)) < len(at):
            raise MorphvecError(
                f"argnum {argnum}",
                f"the function was called with {len(args)} positional arguments",
                "name positions among them, each once",
            )

        def of_variables(*xs: Value) -> Value:
            filled = list(args)
            for place, x in zip(at, xs, strict=True):
                filled[place] = x
            return f(*filled, **kwargs)

        vjp, value = _vjp(of_variables, *(args[place] for place in at))
        if np.shape(plain(value)) != ():
            raise MorphvecError(
                f"a function value of shape {value.shape}",
                "grad is for functions to one number",
                "sum it up, or use make_vjp",
            )
        gradients = vjp(np.ones((), getattr(value, "dtype", np.float64)))
        return value, gradients if isinstance(argnum, tuple) else gradients[0]

    return with_gradient


def grad(f: Callable[..., Value], argnum: int | tuple[int, ...] = 0) -> Callable[..., Value]:
    """The gradient of f, a function with the arguments of f; see ``value_and_grad``.

    It can be differentiated again: ``grad(grad(f))`` for a number, ``make_vjp(grad(f), x)[0](v)`` for the
    product of the Hessian of f at x with v.

    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_grad(f, argnum)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]
