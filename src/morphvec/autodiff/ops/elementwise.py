"""Operations number by number; where two arrays meet they broadcast, and the vjp sums that up again.

At a kink the derivative is one fixed member of the subdifferential: |x| has 0 at 0, ``relu`` has 0 at 0, a
tie of ``maximum`` or ``minimum`` gives half to each side (so does the bound of ``clip``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.autodiff.backward import defvjp
from morphvec.autodiff.ops.shapes import unbroadcast
from morphvec.autodiff.tracer import Value, constant, plain, primitive, twin_of, wrap

# Piecewise constant: plain arrays come out, no gradient passes.
equal, not_equal = constant(np.equal), constant(np.not_equal)
less, less_equal = constant(np.less), constant(np.less_equal)
greater, greater_equal = constant(np.greater), constant(np.greater_equal)
sign, isfinite, isnan, isinf = map(constant, (np.sign, np.isfinite, np.isnan, np.isinf))

add, subtract, multiply, divide = map(wrap, (np.add, np.subtract, np.multiply, np.divide))
negative, reciprocal, square, sqrt = map(wrap, (np.negative, np.reciprocal, np.square, np.sqrt))
exp, expm1, log, log1p = map(wrap, (np.exp, np.expm1, np.log, np.log1p))
sin, cos, tanh = map(wrap, (np.sin, np.cos, np.tanh))
absolute = twin_of(np.fabs)(wrap(np.absolute))
maximum, minimum, logaddexp = map(wrap, (np.maximum, np.minimum, np.logaddexp))

defvjp(add, lambda g, out, x, y: unbroadcast(g, x), lambda g, out, x, y: unbroadcast(g, y))
defvjp(subtract, lambda g, out, x, y: unbroadcast(g, x), lambda g, out, x, y: unbroadcast(-g, y))
defvjp(multiply, lambda g, out, x, y: unbroadcast(g * y, x), lambda g, out, x, y: unbroadcast(g * x, y))
defvjp(divide, lambda g, out, x, y: unbroadcast(g / y, x), lambda g, out, x, y: unbroadcast(-g * out / y, y))
defvjp(negative, lambda g, out, x: -g)
defvjp(reciprocal, lambda g, out, x: -g * square(out))
defvjp(square, lambda g, out, x: 2.0 * g * x)
defvjp(sqrt, lambda g, out, x: 0.5 * g / out)
defvjp(exp, lambda g, out, x: g * out)
defvjp(expm1, lambda g, out, x: g * (out + 1.0))
defvjp(log, lambda g, out, x: g / x)
defvjp(log1p, lambda g, out, x: g / (1.0 + x))
defvjp(sin, lambda g, out, x: g * cos(x))
defvjp(cos, lambda g, out, x: -g * sin(x))
defvjp(tanh, lambda g, out, x: g * (1.0 - square(out)))
defvjp(absolute, lambda g, out, x: g * sign(x))


@primitive
def select(x: Value, y: Value, condition: Any) -> Any:
    """``where`` with what has a derivative first."""
    return np.where(condition, x, y)


# Not g times 0 and 1: infinity times 0 would be NaN on the side that was not chosen.
defvjp(
    select,
    lambda g, out, x, y, condition: unbroadcast(select(g, 0.0, condition), x),
    lambda g, out, x, y, condition: unbroadcast(select(0.0, g, condition), y),
)


@twin_of(np.where)
def where(condition: Value, x: Value, y: Value) -> Value:
    """x where the condition holds, else y; the condition has no gradient.

    Both sides are computed: ``where(x > 0, log(x), 0)`` has gradient NaN at 0, the logarithm's own. Make the
    argument safe instead: ``log(where(x > 0, x, 1))``.
    """
    return select(x, y, plain(condition))


def _winner(first: Any, x: Value, y: Value, g: Value) -> Value:
    """g where ``first``, half of it in a tie, else 0."""
    return where(first, g, where(equal(x, y), 0.5 * g, 0.0))


defvjp(
    maximum,
    lambda g, out, x, y: unbroadcast(_winner(greater(x, y), x, y, g), x),
    lambda g, out, x, y: unbroadcast(_winner(less(x, y), x, y, g), y),
)
defvjp(
    minimum,
    lambda g, out, x, y: unbroadcast(_winner(less(x, y), x, y, g), x),
    lambda g, out, x, y: unbroadcast(_winner(greater(x, y), x, y, g), y),
)


@twin_of(np.clip)
def clip(x: Value, a_min: Value = None, a_max: Value = None) -> Value:
    """x kept between two bounds, each of which may be None or have a gradient of its own."""
    if a_min is not None:
        x = maximum(x, a_min)
    return x if a_max is None else minimum(x, a_max)


@twin_of(np.power)
@primitive
def power(x: Value, y: Value) -> Any:
    """x to the power y. The derivative with respect to y is NaN where x < 0, and 0 at x = 0."""
    # The operator of arrays knows squares and roots, np.power does not.
    return x**y if isinstance(x, np.ndarray | np.generic) else np.power(x, y)


def _power_base(g: Value, out: Value, x: Value, y: Value) -> Value:
    y = np.asarray(y) if isinstance(y, list | tuple) else y
    if not np.all(not_equal(y, 0)):
        x = where(np.logical_and(equal(x, 0), equal(y, 0)), 1.0, x)  # y·xʸ⁻¹ is 0 at 0⁰, not 0·∞
    return unbroadcast(g * y * power(x, y - 1), x)


def _power_exponent(g: Value, out: Value, x: Value, y: Value) -> Value:
    positive = greater(x, 0)
    slope = where(positive, log(where(positive, x, 1.0)), where(equal(x, 0), 0.0, np.nan))
    return unbroadcast(g * out * slope, y)


defvjp(power, _power_base, _power_exponent)


@primitive
def sigmoid(x: Value) -> Any:
    """The logistic function σ(x) = 1/(1 + e⁻ˣ) = (1 + tanh(x/2))/2, without overflow, exact in both tails.

    Lecture 003 writes (1 + tanh x)/2 under this name; that is σ(2x).
    """
    small = np.exp(-np.absolute(x))
    return np.where(np.greater_equal(x, 0), 1.0, small) / (1.0 + small)


@primitive
def relu(x: Value) -> Any:
    """max(x, 0), with derivative 0 at 0."""
    return np.maximum(x, 0.0)


defvjp(sigmoid, lambda g, out, x: g * out * (1.0 - out))
defvjp(relu, lambda g, out, x: where(greater(x, 0), g, 0.0))
defvjp(
    logaddexp,
    lambda g, out, x, y: unbroadcast(g * sigmoid(x - y), x),
    lambda g, out, x, y: unbroadcast(g * sigmoid(y - x), y),
)


def softplus(x: Value) -> Value:
    """ln(1 + eˣ), without overflow."""
    return logaddexp(x, 0.0)


def log_sigmoid(x: Value) -> Value:
    """ln σ(x), without underflow."""
    return -logaddexp(-x, 0.0)
