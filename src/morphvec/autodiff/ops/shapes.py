"""Operations that move values about, and the one sum that undoes broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morphvec.autodiff.backward import defvjp, defvjp_any
from morphvec.autodiff.tracer import TWINS, Node, Value, constant, plain, primitive, twin_of, wrap
from morphvec.errors import MorphvecError

Axes = int | tuple[int, ...] | None


@twin_of(np.shape)
def shape_of(x: Value) -> tuple[int, ...]:
    """The shape of a node, array or number."""
    return x.shape if type(x) is Node else np.shape(x)


@twin_of(np.ndim)
def ndim(x: Value) -> int:
    """The number of axes of a node, array or number."""
    return len(shape_of(x))


size = constant(np.size)
zeros_like = constant(np.zeros_like)
ones_like = constant(np.ones_like)


@twin_of(np.sum)
@primitive
def sum_(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """Σ x over ``axis`` (all axes by default)."""
    return np.sum(x, axis=axis, keepdims=keepdims)


@twin_of(np.broadcast_to)
@primitive
def broadcast_to(x: Value, shape: tuple[int, ...]) -> Any:
    """x repeated to ``shape``, a read-only view."""
    return np.broadcast_to(x, shape)


@twin_of(np.reshape)
@primitive
def reshape(x: Value, shape: int | tuple[int, ...]) -> Any:
    """The same values, last axis fastest, in another shape; one size may be -1."""
    return np.reshape(x, shape)


@twin_of(np.transpose)
@primitive
def transpose(x: Value, axes: Sequence[int] | None = None) -> Any:
    """Axis ``axes[i]`` of x becomes axis i; without ``axes`` their order is reversed."""
    return np.transpose(x, axes)


@twin_of(np.astype)
@primitive
def astype(x: Value, dtype: Any) -> Any:
    """x in another floating type; the gradient comes back in the type of x."""
    return np.asarray(x).astype(dtype)


@twin_of(np.squeeze)
@primitive
def squeeze(x: Value, axis: Axes = None) -> Any:
    """x without its axes of length 1, or without those of ``axis``."""
    return np.squeeze(x, axis)


expand_dims = wrap(np.expand_dims)
swapaxes = wrap(np.swapaxes)
moveaxis = wrap(np.moveaxis)


def unbroadcast(g: Value, x: Value) -> Value:
    """g summed over what broadcasting had repeated, back to the shape of x."""
    have, want = shape_of(g), shape_of(x)
    if have == want:
        return g
    new = len(have) - len(want)
    repeated = [new + i for i, n in enumerate(want) if n == 1 and have[new + i] != 1]
    return reshape(sum_(g, (*range(new), *repeated)), want)


def spread(y: Value, x: Value, axis: Axes, keepdims: bool) -> Value:
    """y, the answer of a reduction of x over ``axis``, repeated to the shape of x."""
    return broadcast_to(with_axes(y, x, axis, keepdims), shape_of(x))


def with_axes(y: Value, x: Value, axis: Axes, keepdims: bool) -> Value:
    """y, the answer of a reduction of x over ``axis``, with the reduced axes put back in length 1."""
    if keepdims:
        return y
    if axis is None:
        return reshape(y, (1,) * ndim(x))
    return expand_dims(y, axis) if axis != () else y


def _unpermute(g: Value, out: Value, x: Value, axes: Sequence[int] | None = None) -> Value:
    return transpose(g, None if axes is None else tuple(np.argsort([axis % ndim(x) for axis in axes])))


defvjp(sum_, lambda g, out, x, axis=None, keepdims=False: spread(g, x, axis, keepdims))
defvjp(broadcast_to, lambda g, out, x, shape: unbroadcast(g, x))
defvjp(reshape, lambda g, out, x, shape: reshape(g, shape_of(x)))
defvjp(squeeze, lambda g, out, x, axis=None: reshape(g, shape_of(x)))
defvjp(expand_dims, lambda g, out, x, axis: reshape(g, shape_of(x)))
defvjp(transpose, _unpermute)
defvjp(swapaxes, lambda g, out, x, axis1, axis2: swapaxes(g, axis1, axis2))
defvjp(moveaxis, lambda g, out, x, source, destination: moveaxis(g, destination, source))
defvjp(astype, lambda g, out, x, dtype: astype(g, x.dtype))


@twin_of(np.ravel)
def ravel(x: Value) -> Value:
    """x as one axis, last axis fastest."""
    return reshape(x, -1)


@primitive
def join(*arrays: Value, axis: int) -> Any:
    """``concatenate`` with the arrays as arguments, so that each may be a node."""
    return np.concatenate(arrays, axis)


def _part(place: int, g: Value, out: Value, *arrays: Value, axis: int) -> Value:
    start = sum(shape_of(array)[axis] for array in arrays[:place])
    stop = start + shape_of(arrays[place])[axis]
    return g[(slice(None),) * (axis % ndim(g)) + (slice(start, stop),)]


defvjp_any(join, _part)


@twin_of(np.concatenate)
def concatenate(arrays: Sequence[Value], axis: int | None = 0) -> Value:
    """The arrays one after the other along ``axis``; with None, all their values in one axis."""
    arrays = tuple(arrays)
    return join(*map(ravel, arrays), axis=0) if axis is None else join(*arrays, axis=axis)


@twin_of(np.stack)
def stack(arrays: Sequence[Value], axis: int = 0) -> Value:
    """Arrays of one shape side by side along a new ``axis``."""
    arrays = tuple(arrays)
    if len({shape_of(array) for array in arrays}) > 1:
        raise MorphvecError(
            f"stack of shapes {', '.join(str(shape_of(array)) for array in arrays)}",
            "the arrays must have one shape",
            "reshape them, or use concatenate",
        )
    return concatenate([expand_dims(array, axis) for array in arrays], axis)


def array(x: Any, dtype: Any = None) -> Value:
    """``np.array`` that accepts nodes, also inside nested lists and tuples."""
    if isinstance(x, list | tuple) and _holds_node(x):
        x = stack([array(item) for item in x])
    if type(x) is Node:
        return x if dtype is None else x.astype(dtype)
    return np.array(x, dtype)


def _holds_node(x: Any) -> bool:
    return type(x) is Node or (isinstance(x, list | tuple) and any(map(_holds_node, x)))


def stop_gradient(x: Value) -> Any:
    """The plain value of x: the rest of the computation treats it as a constant."""
    return plain(x)


TWINS[np.copy] = lambda x: x.copy()
