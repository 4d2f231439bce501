"""Test a derivative against differences of values.

For a function f at x, a random direction v in its argument and a random vector u in its answer,

    u·(f(x + hv) - f(x - hv)) / 2h   should equal   vjp(u)·v,

up to O(h²) by Taylor and O(ε/h) by rounding, which h = ε^⅓ (ε the machine precision) makes equally small.
One random number tests all derivatives at once: a wrong one hides with probability zero.

Source: Griewank & Walther (2008), chapter 1 (why differences only test); CSC421 lecture 3 ("What Autodiff
Is Not: Finite Differences", two-sided version).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec import rng
from morphvec.autodiff.backward import make_vjp
from morphvec.autodiff.tracer import Value
from morphvec.errors import MorphvecError


def central_difference(f: Callable[[Any], Any], x: Any, v: Any, step: float) -> Any:
    """(f(x + hv) - f(x - hv)) / 2h in direction v (shape of x), in float64: the shape of f(x)."""
    ahead, behind = (np.asarray(f(x + sign * step * v), np.float64) for sign in (1.0, -1.0))
    return (ahead - behind) / (2.0 * step)


def check_grads(
    f: Callable[..., Value],
    *args: Any,
    order: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    step: float | None = None,
    seed: int = 0,
) -> None:
    """Raise MorphvecError unless all derivatives of f at ``args``, up to ``order``, agree with differences.

    Checked with respect to every argument of floating type, one at a time; mixed second derivatives are
    included. Agreement is |a - b| ≤ atol + rtol·max(|a|, |b|); without ``rtol`` and ``atol``, 1e-6 in float64
    and 3e-3 in float32. f must be smooth within ``step`` of the arguments: keep away from kinks and ties. It
    must also return traced what it returns untraced, and finite numbers.
    """
    arguments = tuple(np.asarray(arg) if isinstance(arg, float) else arg for arg in args)
    places = [i for i, arg in enumerate(arguments) if getattr(arg, "dtype", np.dtype(int)).kind == "f"]
    if not places or order < 1:
        raise MorphvecError(
            f"check_grads of order {order} with {len(places)} floating-point arguments",
            "order is at least 1, and one argument must be floating point",
            "pass arrays of floats",
        )
    _Check(order, rtol, atol, step, rng.stream(seed)).run(f, arguments, places, order)


@dataclass(frozen=True)
class _Check:
    """One run of ``check_grads``: what it asks for, and its random numbers."""

    order: int
    rtol: float | None
    atol: float | None
    step: float | None
    generator: np.random.Generator

    def run(self, f: Callable[..., Value], args: tuple[Any, ...], places: list[int], left: int) -> None:
        """Check all first derivatives of f, then those of each vjp as a function of (u, *args)."""
        for place in places:
            self._first(
                _alone(f, args, place), args[place], f"derivative {self.order - left + 1}, argument {place}"
            )
        if left == 1:
            return
        for place in places:

            def slope(u: Value, *xs: Value, place: int = place) -> Value:
                return make_vjp(_alone(f, xs, place), xs[place])[0](u)

            u = self._direction(f(*args))
            self.run(slope, (u, *args), [0, *(1 + i for i in places)], left - 1)

    def _direction(self, x: Any) -> Any:
        return np.asarray(self.generator.standard_normal(np.shape(x)), np.asarray(x).dtype)

    def _first(self, f: Callable[[Value], Value], x: Any, where: str) -> None:
        vjp, value = make_vjp(f, x)
        untraced = f(x)
        if not (np.isfinite(value).all() and np.allclose(value, untraced, rtol=1e-5)):
            raise _disagreement(where, f"traced value {value!r:.80}", f"untraced {untraced!r:.80}")
        u, v = self._direction(value), self._direction(x)
        gradient = vjp(u)
        # The coarser of the two types limits the difference.
        precision = max(float(np.finfo(dtype).eps) for dtype in (x.dtype, u.dtype))
        loose = 1e-6 if precision < 1e-10 else 3e-3
        rtol = loose if self.rtol is None else self.rtol
        atol = loose if self.atol is None else self.atol
        step = float(np.cbrt(precision)) if self.step is None else self.step
        found = float(np.sum(np.multiply(gradient, v, dtype=np.float64)))
        expected = float(np.sum(u * central_difference(f, x, v, step)))
        if not abs(found - expected) <= atol + rtol * max(abs(found), abs(expected)):  # so NaN is caught too
            raise _disagreement(where, f"vjp {found:.9g}", f"central difference {expected:.9g}")


def _alone(f: Callable[..., Value], args: tuple[Any, ...], place: int) -> Callable[[Value], Value]:
    """f as a function of one of its arguments."""
    return lambda x: f(*args[:place], x, *args[place + 1 :])


def _disagreement(where: str, found: str, expected: str) -> MorphvecError:
    return MorphvecError(
        f"{where}: {found}, {expected}",
        "a derivative agrees with differences of values",
        "mend the vjp; or move the argument away from a kink, or pass a larger rtol",
    )
