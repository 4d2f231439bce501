"""Second derivatives of every operation: nested grad against second differences of values, and against HIPS autograd."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import autograd
import autograd.numpy as hips
import autograd.scipy.special as hips_special
import numpy as np
import pytest
from cases_autodiff import CASES, OURS

from morphvec.autodiff import Primitive, grad, make_vjp, ops
from morphvec.autodiff import numpy as anp
from morphvec.rng import stream

ALL = [
    pytest.param(f, args, id=f"{name}-{i}")
    for name, cases in (CASES | OURS).items()
    for i, (f, args) in enumerate(cases)
]
# What autograd lacks, or gives no second derivative for.
NOT_THEIRS = {
    "power-5": "a list as an exponent",
    "negative-1": "unary +",
    "clip-1": "bounds with a gradient",
    "prod-3": "zeros among the factors",
    "prod-4": "zeros among the factors",
    "prod-5": "zeros among the factors",
    "transpose-1": "the method with several arguments",
    "broadcast_to-0": "a new leading axis",
    "broadcast_to-1": "shape by keyword",
    "concatenate-2": "axis=None",
    "dot-2": "the method",
    "outer-0": "a matrix",
    "einsum-5": "a repeated letter",
    "einsum-6": "a repeated letter",
    "einsum-7": "a repeated letter",
    "einsum-8": "a repeated letter",
    "take-0": "take",
    "take-1": "take",
    "take-2": "take",
    "diag-0": "the diagonal of a matrix that is not square",
    "diag-1": "the diagonal of a matrix that is not square",
    "diag-2": "the diagonal of a matrix that is not square",
    "linalg.norm-5": "the norm 1",
    "linalg.norm-6": "the norm inf",
    "linalg.solve-2": "a batch of systems with a vector each",
    "array-1": "array with a dtype",
    "where-0": "a choice that broadcasts, which it does not undo",
    "where-1": "a choice that broadcasts",
    "einsum-12": "a letter of length 1 against n",
    "einsum-13": "a letter of length 1 against n",
    "linalg.norm-1": "keepdims",
    "linalg.solve-3": "one system of a batch that broadcasts",
    "linalg.solve-4": "one system of a batch that broadcasts",
}


class Theirs:
    """autograd's NumPy, and our own names in its terms."""

    linalg = hips.linalg
    norm = staticmethod(hips.linalg.norm)
    logsumexp = staticmethod(hips_special.logsumexp)

    def __getattr__(self, name: str) -> Any:
        return getattr(hips, name)

    def sigmoid(self, x: Any) -> Any:
        return 1 / (1 + hips.exp(-x))

    def softplus(self, x: Any) -> Any:
        return hips.log(1 + hips.exp(x))

    def log_sigmoid(self, x: Any) -> Any:
        return -hips.log(1 + hips.exp(-x))

    def relu(self, x: Any) -> Any:
        return hips.maximum(x, 0.0)

    def softmax(self, x: Any, axis: int = -1) -> Any:
        return hips.exp(self.log_softmax(x, axis))

    def log_softmax(self, x: Any, axis: int = -1) -> Any:
        return x - self.logsumexp(x, axis=axis, keepdims=True)

    def cross_entropy(self, x: Any, targets: Any) -> Any:
        if not isinstance(targets, int) and getattr(targets, "dtype", np.dtype(int)).kind == "f":
            return -hips.sum(targets * self.log_softmax(x), axis=-1)
        return -hips.sum(np.eye(x.shape[-1])[targets] * self.log_softmax(x), axis=-1)

    def binary_cross_entropy(self, x: Any, targets: Any) -> Any:
        return self.softplus(x) - targets * x


def curved(f: Callable[..., Any], args: tuple[Any, ...], place: int, n: Any) -> Callable[[Any], Any]:
    """Σ sin(f + 0.7) as a function of one argument: bent even where f is linear, and odd in nothing."""
    return lambda x: n.sum(n.sin(f(n, *args[:place], x, *args[place + 1 :]) + 0.7))


def second_difference(f: Callable[[Any], Any], x: Any, v: Any, w: Any, h: float) -> float:
    """vᵀHw by values of f alone: mixed second difference, error O(h²) + O(ε/h²)."""
    steps = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    return float(sum(a * b * f(x + h * (a * v + b * w)) for a, b in steps)) / (4 * h * h)


@pytest.mark.parametrize(("f", "args"), ALL)
def test_second_derivatives_are_second_differences_of_values(f: Any, args: Any) -> None:
    for place, x in enumerate(args):
        if x.size == 0:
            continue
        g = curved(f, args, place, anp)
        generator = stream(32, place)
        v, w = generator.normal(size=x.shape), generator.normal(size=x.shape)
        product = make_vjp(grad(g), x)[0](v)
        expected = second_difference(g, x, v, w, 1e-4)
        scale = max(1.0, abs(float(np.sum(np.abs(product * w)))))
        assert abs(float(np.sum(product * w)) - expected) <= 3e-6 * scale
        # The other order of nesting: a gradient of a gradient's projection.
        again = grad(lambda x, g=g, v=v: anp.sum(grad(g)(x) * v))(x)
        np.testing.assert_allclose(again, product, rtol=1e-9, atol=1e-11)
        other = make_vjp(grad(g), x)[0](w)  # a Hessian is symmetric
        assert np.sum(product * w) == pytest.approx(float(np.sum(other * v)), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize(("f", "args"), [case for case in ALL if case.id not in NOT_THEIRS])
def test_hessian_products_are_those_of_hips_autograd(f: Any, args: Any) -> None:
    for place, x in enumerate(args):
        ours, theirs = curved(f, args, place, anp), curved(f, args, place, Theirs())
        v = stream(33, place).normal(size=x.shape)
        first = autograd.grad(theirs)
        np.testing.assert_allclose(grad(ours)(x), first(x), rtol=1e-9, atol=1e-10)
        product = make_vjp(grad(ours), x)[0](v)
        expected = autograd.grad(lambda x, first=first, v=v: hips.sum(first(x) * v))(x)
        np.testing.assert_allclose(product, expected, rtol=1e-8, atol=1e-9)


def test_what_autograd_lacks_is_among_the_cases() -> None:
    assert {case.id for case in ALL} >= set(NOT_THEIRS)
    assert len(ALL) - len(NOT_THEIRS) > 120


SMOOTH = ("exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sqrt", "reciprocal")


@pytest.mark.parametrize("name", SMOOTH)
def test_third_and_fourth_derivatives(name: str) -> None:
    ours, theirs = getattr(anp, name), getattr(hips, name)
    for x in (0.4, 1.3):
        third, fourth = grad(grad(grad(ours))), grad(grad(grad(grad(ours))))
        their_third = autograd.grad(autograd.grad(autograd.grad(theirs)))
        assert third(x) == pytest.approx(their_third(x), rel=1e-10, abs=1e-12)
        assert fourth(x) == pytest.approx(autograd.grad(their_third)(x), rel=1e-10, abs=1e-12)


def test_a_parabola_has_no_third_derivative() -> None:
    assert [f(1.3) for f in (grad(anp.square), grad(grad(anp.square)), grad(grad(grad(anp.square))))] == [
        2.6,
        2,
        0,
    ]


def primitives() -> Iterator[tuple[str, Primitive]]:
    """Every operation of the table, by where it stands."""
    for module in pkgutil.iter_modules(ops.__path__, ops.__name__ + "."):
        for name, item in vars(import_module(module.name)).items():
            if isinstance(item, Primitive):
                yield name, item


def test_every_operation_is_met_in_some_second_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the two tests above leave none out: the Hessian products of all cases call each of them on nodes."""
    called: dict[int, str] = {}
    call = Primitive.__call__

    def watched(self: Primitive, *args: Any, **kwargs: Any) -> Any:
        answer = call(self, *args, **kwargs)
        if hasattr(answer, "parents"):
            called[id(self)] = self.__name__
        return answer

    monkeypatch.setattr(Primitive, "__call__", watched)
    for case in ALL:
        f, args = case.values
        for place, x in enumerate(args):
            make_vjp(grad(curved(f, args, place, anp)), x)[0](np.ones(x.shape))
    missed = [name for name, item in primitives() if id(item) not in called]
    assert len(list(primitives())) > 40
    assert not missed
