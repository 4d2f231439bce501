"""Operations that fold axes; ``axis`` is a number, a tuple or None (all), as in NumPy.

The slope of a maximum or minimum that is reached several times is shared equally among the places.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from morphvec.autodiff.backward import defvjp
from morphvec.autodiff.ops.elementwise import equal, exp, isfinite, square, where
from morphvec.autodiff.ops.shapes import (
    Axes,
    broadcast_to,
    moveaxis,
    ndim,
    reshape,
    shape_of,
    spread,
    sum_,
    with_axes,
)
from morphvec.autodiff.tracer import Value, constant, plain, primitive, twin_of

argmax, argmin = constant(np.argmax), constant(np.argmin)
all_, any_ = constant(np.all), constant(np.any)


def _count(x: Value, axis: Axes) -> int:
    """How many values one answer is made of."""
    axes = range(ndim(x)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod(shape_of(x)[i] for i in axes)


@twin_of(np.mean)
def mean(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """The arithmetic mean over ``axis``."""
    return sum_(x, axis, keepdims) / _count(x, axis)


@twin_of(np.var)
def var(x: Value, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """The mean square deviation over ``axis``, with divisor n - ddof."""
    total = sum_(square(x - mean(x, axis, True)), axis, keepdims)
    return total / max(_count(x, axis) - ddof, 0)


@primitive
def root_sum_square(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """√Σx² over ``axis``, with derivative 0 where all x are 0."""
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


def _root_sum_square(g: Value, out: Value, x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    return spread(g / where(equal(out, 0), 1.0, out), x, axis, keepdims) * x


defvjp(root_sum_square, _root_sum_square)


@twin_of(np.std)
def std(x: Value, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """The root of ``var``, with derivative 0 where all x are equal."""
    root = root_sum_square(x - mean(x, axis, True), axis, keepdims)
    return root / math.sqrt(max(_count(x, axis) - ddof, 0))


@twin_of(np.max, np.amax)
@primitive
def max_(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest value over ``axis``."""
    return np.max(x, axis=axis, keepdims=keepdims)


@twin_of(np.min, np.amin)
@primitive
def min_(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """The smallest value over ``axis``."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _extreme(g: Value, out: Value, x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    reached = equal(x, with_axes(plain(out), x, axis, keepdims))
    ties = np.maximum(np.sum(reached, axis=axis, keepdims=True), 1).astype(g.dtype)  # none in a NaN row
    return where(reached, with_axes(g, x, axis, keepdims) / ties, 0.0)


defvjp(max_, _extreme)
defvjp(min_, _extreme)


@twin_of(np.prod)
@primitive
def prod(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """The product over ``axis``; zeros among the factors are allowed."""
    return np.prod(x, axis=axis, keepdims=keepdims)


def _prod(g: Value, out: Value, x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    if np.all(plain(x)):
        return spread(g * out, x, axis, keepdims) / x
    # With a zero the quotient fails; n products that each leave one factor out do not (n² memory).
    axes = tuple(range(ndim(x))) if axis is None else (axis,) if isinstance(axis, int) else axis
    last = tuple(range(-len(axes), 0))
    moved = moveaxis(x, axes, last)
    kept, folded = shape_of(moved)[: ndim(x) - len(axes)], shape_of(moved)[ndim(x) - len(axes) :]
    n = math.prod(folded)
    square_of_factors = broadcast_to(reshape(moved, (*kept, 1, n)), (*kept, n, n))
    others = prod(where(np.eye(n, dtype=bool), 1.0, square_of_factors), axis=-1)
    return spread(g, x, axis, keepdims) * moveaxis(reshape(others, (*kept, *folded)), last, axes)


defvjp(prod, _prod)


@primitive
def logsumexp(x: Value, axis: Axes = None, keepdims: bool = False) -> Any:
    """ln Σeˣ over ``axis`` without overflow; -∞ for no values, or values that are all -∞."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=keepdims))
    return total + np.reshape(top, total.shape)


def _logsumexp(g: Value, out: Value, x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    finite = where(isfinite(out), out, 0.0)
    return with_axes(g, x, axis, keepdims) * exp(x - with_axes(finite, x, axis, keepdims))


defvjp(logsumexp, _logsumexp)
