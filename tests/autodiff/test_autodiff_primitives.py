"""Every operation: value = NumPy's, derivatives = differences to second order, types kept, empty arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import naive_autodiff as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from morphvec.autodiff import check_grads, grad, make_vjp, unbroadcast
from morphvec.autodiff import numpy as anp
from morphvec.autodiff.tracer import Node
from morphvec.rng import stream

RNG = stream(6)


def N(*shape: int) -> np.ndarray:
    """Normal numbers, none within 0.1 of the kinks at 0 and 1, no two alike."""
    x = RNG.normal(size=shape)
    return np.where(np.abs(x) < 0.1, x + 0.3, np.where(np.abs(x - 1) < 0.1, x + 0.3, x))


def P(*shape: int) -> np.ndarray:
    """Positive numbers between 0.5 and 2."""
    return RNG.uniform(0.5, 2.0, size=shape)


def SPD(*shape: int) -> np.ndarray:
    """Well-conditioned, not symmetric, matrices."""
    return RNG.normal(size=shape) * 0.3 + 2 * np.eye(shape[-1])


SELECT = RNG.random((3, 4)) < 0.5
IDS = np.array([[0, 2, 2], [4, 0, -1]])

# name: cases of (function of a namespace and its arguments, arguments). The namespace is numpy or ours.
Case = tuple[Callable[..., Any], tuple[Any, ...]]
CASES: dict[str, list[Case]] = {
    "add": [
        (lambda n, x, y: n.add(x, y), (N(3, 4), N(4))),
        (lambda n, x, y: x + y, (N(), N(2, 1))),
        (lambda n, x: 2.0 + x + np.ones(3), (N(2, 1),)),
    ],
    "subtract": [
        (lambda n, x, y: n.subtract(x, y), (N(3, 1), N(1, 4))),
        (lambda n, x: 2.0 - x, (N(3),)),
        (lambda n, x: np.arange(3.0) - x - [1.0, 2.0, 3.0], (N(2, 3),)),
    ],
    "multiply": [
        (lambda n, x, y: n.multiply(x, y), (N(2, 3, 4), N(3, 1))),
        (lambda n, x: 3 * x * x, (N(),)),
        (lambda n, x: np.float64(3) * x * np.arange(3), (N(3),)),
    ],
    "divide": [
        (lambda n, x, y: n.divide(x, y), (N(3, 4), P(4))),
        (lambda n, x: 1.0 / x / 2, (P(3),)),
        (lambda n, x: np.arange(3.0) / x, (P(2, 3),)),
    ],
    "power": [
        (lambda n, x, y: n.power(x, y), (P(3, 4), N(4))),
        (lambda n, x: x**2, (N(3),)),
        (lambda n, x: x**3 + x**-1 + x**0.5, (P(3),)),
        (lambda n, x: x**0 + x**1, (N(3),)),
        (lambda n, x: 2.0**x, (N(3),)),
        (lambda n, x: n.power(x, [0, 1, 2]), (N(2, 3),)),
        (lambda n, x: n.power(x, np.array([0.0, 3.0, 2.0])), (N(3),)),
    ],
    "negative": [(lambda n, x: n.negative(x), (N(3),)), (lambda n, x: +(-x), (N(2, 2),))],
    "reciprocal": [(lambda n, x: n.reciprocal(x), (P(3),))],
    "square": [(lambda n, x: n.square(x), (N(2, 3),))],
    "sqrt": [(lambda n, x: n.sqrt(x), (P(2, 3),))],
    "exp": [(lambda n, x: n.exp(x), (N(2, 3),))],
    "expm1": [(lambda n, x: n.expm1(x), (N(3),))],
    "log": [(lambda n, x: n.log(x), (P(2, 3),))],
    "log1p": [(lambda n, x: n.log1p(x), (P(3),))],
    "sin": [(lambda n, x: n.sin(x), (N(3),))],
    "cos": [(lambda n, x: n.cos(x), (N(3),))],
    "tanh": [(lambda n, x: n.tanh(x), (N(2, 3),))],
    "absolute": [(lambda n, x: n.absolute(x), (N(3),)), (lambda n, x: np.fabs(x), (N(3),))],
    "abs": [(lambda n, x: n.abs(x), (N(3),)), (lambda n, x: abs(x), (N(3),))],
    "maximum": [
        (lambda n, x, y: n.maximum(x, y), (N(3, 4), N(4))),
        (lambda n, x: n.maximum(x, 0.0), (N(5),)),
    ],
    "minimum": [
        (lambda n, x, y: n.minimum(x, y), (N(3, 1), N(4))),
        (lambda n, x: n.minimum(1.0, x), (N(5),)),
    ],
    "logaddexp": [(lambda n, x, y: n.logaddexp(x, y), (N(3, 4), N(4)))],
    "where": [
        (lambda n, x, y: n.where(SELECT, x, y), (N(3, 4), N(4))),
        (lambda n, x, y: n.where(SELECT, x, y), (N(), N(3, 1))),
        (lambda n, x: n.where(x > 0, x * x, 1.0), (N(5),)),
    ],
    "clip": [
        (lambda n, x: n.clip(x, -0.5, 0.5), (np.linspace(-1.3, 1.4, 8),)),
        (lambda n, x, a: n.clip(x, a, None), (np.linspace(-1.3, 1.4, 8), np.array(0.07))),
    ],
    "sum": [
        (lambda n, x: n.sum(x), (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=-1), (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=(0, 2), keepdims=True), (N(2, 3, 4),)),
        (lambda n, x: x.sum(0) * x, (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=()), (N(2, 3),)),
        (lambda n, x: n.sum(x * x), (N(),)),
    ],
    "mean": [
        (lambda n, x: n.mean(x * x), (N(2, 3),)),
        (lambda n, x: n.mean(x * x, axis=(0, -1)), (N(2, 3, 4),)),
        (lambda n, x: x.mean(1, keepdims=True) * x, (N(2, 3),)),
    ],
    "var": [
        (lambda n, x: n.var(x), (N(2, 3),)),
        (lambda n, x: n.var(x, axis=0, ddof=1, keepdims=True), (N(4, 3),)),
        (lambda n, x: x.var(1), (N(2, 3),)),
    ],
    "std": [
        (lambda n, x: n.std(x), (N(2, 3),)),
        (lambda n, x: n.std(x, axis=(0, 1), ddof=1), (N(2, 3, 4),)),
        (lambda n, x: x.std(axis=0, keepdims=True), (N(4, 3),)),
    ],
    "prod": [
        (lambda n, x: n.prod(x), (N(2, 3),)),
        (lambda n, x: n.prod(x, axis=(0, 2), keepdims=True), (N(2, 3, 2),)),
        (lambda n, x: x.prod(axis=1), (N(2, 3),)),
        (lambda n, x: n.prod(x, axis=1), (np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0]]),)),
        (lambda n, x: n.prod(x, axis=(0, 2)), (np.where(np.arange(12).reshape(2, 3, 2) % 5, N(2, 3, 2), 0.0),)),
        (lambda n, x: n.prod(x), (np.zeros(()),)),
    ],
    "max": [
        (lambda n, x: n.max(x), (N(2, 3),)),
        (lambda n, x: n.max(x, axis=(0, 2)), (N(2, 3, 4),)),
        (lambda n, x: x.max(1, keepdims=True) * x, (N(2, 3),)),
        (lambda n, x: n.max(x * x), (N(),)),
    ],
    "min": [
        (lambda n, x: n.min(x), (N(2, 3),)),
        (lambda n, x: x.min(axis=0) * x, (N(4, 3),)),
    ],
    "shape": [(lambda n, x: x * n.shape(x)[0], (N(3),))],
    "ndim": [(lambda n, x: x * n.ndim(x), (N(3),))],
    "size": [(lambda n, x: x * n.size(x) * x.size, (N(3),))],
    "reshape": [
        (lambda n, x: n.reshape(x, (3, -1)), (N(2, 6),)),
        (lambda n, x: n.reshape(x, shape=4) * x.reshape(4) * x.reshape((4,)), (N(2, 2),)),
        (lambda n, x: x.reshape(2, 3).reshape(-1), (N(6),)),
    ],
    "ravel": [(lambda n, x: n.ravel(x) * x.ravel() * x.flatten(), (N(2, 3),))],
    "transpose": [
        (lambda n, x: n.transpose(x), (N(2, 3),)),
        (lambda n, x: n.transpose(x, (2, 0, 1)) * x.transpose(-1, 0, 1), (N(2, 3, 4),)),
        (lambda n, x: x.T * x.transpose() * x.transpose((1, 0)), (N(2, 3),)),
    ],
    "swapaxes": [(lambda n, x: n.swapaxes(x, 0, -1) * x.swapaxes(0, 2), (N(2, 3, 4),))],
    "moveaxis": [(lambda n, x: n.moveaxis(x, (0, 1), (-1, 0)), (N(2, 3, 4),))],
    "expand_dims": [
        (lambda n, x: n.expand_dims(x, 1), (N(2, 3),)),
        (lambda n, x: n.expand_dims(x, axis=(0, -1)) * x, (N(3),)),
    ],
    "squeeze": [
        (lambda n, x: n.squeeze(x), (N(1, 3, 1),)),
        (lambda n, x: n.squeeze(x, axis=0) * x.squeeze(0), (N(1, 3, 1),)),
    ],
    "broadcast_to": [
        (lambda n, x: n.broadcast_to(x, (2, 3, 4)), (N(3, 1),)),
        (lambda n, x: n.broadcast_to(x, shape=(2,)), (N(),)),
    ],
    "astype": [(lambda n, x: x.astype(np.float64) * n.astype(x, np.float64), (N(3),))],
    "concatenate": [
        (lambda n, x, y: n.concatenate([x, y, x]), (N(2, 3), N(1, 3))),
        (lambda n, x, y: n.concatenate((x, y, np.ones((2, 1))), axis=-1), (N(2, 3), N(2, 1))),
        (lambda n, x, y: n.concatenate((x, y), axis=None), (N(2, 3), N(2))),
    ],
    "stack": [
        (lambda n, x, y: n.stack([x, y]), (N(3), N(3))),
        (lambda n, x, y: n.stack([x, y, np.ones((2, 3))], axis=-1), (N(2, 3), N(2, 3))),
        (lambda n, x: n.stack([x, 2.0 * x]), (N(),)),
    ],
    "matmul": [
        (lambda n, x, y: n.matmul(x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: x @ y, (N(3), N(3))),
        (lambda n, x, y: x @ y, (N(2, 3), N(3))),
        (lambda n, x, y: x @ y, (N(3), N(3, 2))),
        (lambda n, x, y: x @ y, (N(5, 2, 3), N(3, 4))),
        (lambda n, x, y: x @ y, (N(5, 2, 3), N(3))),
        (lambda n, x, y: x @ y, (N(3), N(5, 3, 2))),
        (lambda n, x, y: x @ y, (N(2, 3), N(5, 3, 2))),
        (lambda n, x, y: x @ y, (N(5, 1, 2, 3), N(4, 3, 2))),
        (lambda n, x: np.ones((2, 3)) @ x @ np.ones((2, 2)), (N(3, 2),)),
    ],
    "dot": [
        (lambda n, x, y: n.dot(x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.dot(x, y), (N(2, 3), N(5, 3, 4))),
        (lambda n, x: x.dot(np.arange(3.0)), (N(2, 5, 3),)),
        (lambda n, x, y: n.dot(x, y), (N(), N(3))),
        (lambda n, x, y: n.dot(x, y), (N(4), N(4))),
    ],
    "outer": [(lambda n, x, y: n.outer(x, y), (N(3), N(2, 2)))],
    "tensordot": [
        (lambda n, x, y: n.tensordot(x, y), (N(2, 3, 4), N(3, 4, 2))),
        (lambda n, x, y: n.tensordot(x, y, 1), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.tensordot(x, y, axes=0), (N(2), N(3))),
        (lambda n, x, y: n.tensordot(x, y, axes=([0, -1], [2, 0])), (N(2, 3, 4), N(4, 5, 2))),
        (lambda n, x, y: n.tensordot(x, y, axes=(-1, 0)), (N(2, 3), N(3, 4))),
    ],
    "einsum": [
        (lambda n, x, y: n.einsum("ij,jk->ik", x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.einsum("ij,jk", x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y, z: n.einsum("bi, ij, bj -> b", x, y, z), (N(4, 2), N(2, 3), N(4, 3))),
        (lambda n, x: n.einsum("ij->j", x), (N(2, 3),)),
        (lambda n, x: n.einsum("ijk->", x * x), (N(2, 3, 2),)),
        (lambda n, x: n.einsum("ii", x), (N(3, 3),)),
        (lambda n, x: n.einsum("ii->i", x), (N(3, 3),)),
        (lambda n, x, y: n.einsum("iji,j->i", x, y), (N(3, 2, 3), N(2))),
        (lambda n, x: n.einsum("iii->i", x), (N(2, 2, 2),)),
        (lambda n, x: n.einsum("ij,ij->ij", x, x), (N(2, 3),)),
        (lambda n, x, y: n.einsum("...ij,...jk->...ik", x, y), (N(5, 2, 3), N(4, 1, 3, 2))),
        (lambda n, x, y: n.einsum("...i,i", x, y), (N(2, 4, 3), N(3))),
        (lambda n, x, y: n.einsum("ij,jk->ki", x, y), (N(2, 1), N(3, 4))),
        (lambda n, x, y: n.einsum("ab,ab->b", x, y), (N(1, 3), N(2, 3))),
        (lambda n, x, y: n.einsum(",i->i", x, y), (N(), N(3))),
    ],
    "getitem": [
        (lambda n, x: x[1], (N(3, 4),)),
        (lambda n, x: x[-1, 2:0:-1] * x[..., None, 0, 1:3], (N(3, 4),)),
        (lambda n, x: x[IDS], (N(5, 2),)),
        (lambda n, x: x[IDS], (N(5),)),
        (lambda n, x: x[:, IDS], (N(2, 5),)),
        (lambda n, x: x[IDS, [0, 1, 0]], (N(5, 2),)),
        (lambda n, x: x[SELECT] * 2.0, (N(3, 4),)),
        (lambda n, x: x[[1, 1, 0]], (N(3),)),
        (lambda n, x: x[[]], (N(3, 2),)),
        (lambda n, x: x[()] * x[None], (N(),)),
        (lambda n, x: sum(row * row for row in x), (N(3, 2),)),
    ],
    "take": [
        (lambda n, x: n.take(x, IDS), (N(2, 3),)),
        (lambda n, x: n.take(x, [0, 2, 0], axis=1), (N(2, 3),)),
        (lambda n, x: n.take(x, 1, axis=-1), (N(2, 3),)),
    ],
    "diag": [
        (lambda n, x: n.diag(x), (N(3, 4),)),
        (lambda n, x: n.diag(x, -1), (N(3, 2),)),
        (lambda n, x: n.diag(x, k=5), (N(3, 2),)),
        (lambda n, x: n.diag(x), (N(3),)),
        (lambda n, x: n.diag(x, k=-2), (N(3),)),
    ],
    "trace": [
        (lambda n, x: n.trace(x @ x), (N(3, 3),)),
        (lambda n, x: n.trace(x * x, offset=1), (N(3, 4, 2),)),
    ],
    "linalg.norm": [
        (lambda n, x: n.linalg.norm(x), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, axis=1, keepdims=True), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, 2), (N(4),)),
        (lambda n, x: n.linalg.norm(x, "fro", axis=(0, 2)), (N(2, 3, 2),)),
        (lambda n, x: n.linalg.norm(x, "fro"), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, 1, axis=0), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, np.inf), (N(5),)),
    ],
    "linalg.inv": [(lambda n, x: n.linalg.inv(x), (SPD(3, 3),)), (lambda n, x: n.linalg.inv(x), (SPD(2, 2, 2),))],
    "linalg.solve": [
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(3))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(3, 2))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(2, 3, 3), N(3))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(2, 3, 3), N(3, 4))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(2, 3, 1))),
    ],
}
DISTRIBUTION = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
OURS: dict[str, list[Case]] = {  # what NumPy does not have
    "sigmoid": [(lambda n, x: n.sigmoid(x), (N(2, 3),))],
    "log_sigmoid": [(lambda n, x: n.log_sigmoid(x), (N(3),))],
    "softplus": [(lambda n, x: n.softplus(x), (N(3),))],
    "relu": [(lambda n, x: n.relu(x) * x, (N(2, 3),))],
    "logsumexp": [
        (lambda n, x: n.logsumexp(x), (N(2, 3),)),
        (lambda n, x: n.logsumexp(x, axis=1), (N(2, 3),)),
        (lambda n, x: n.logsumexp(x, axis=(0, -1), keepdims=True), (N(2, 3, 2),)),
    ],
    "softmax": [
        (lambda n, x: n.softmax(x), (N(2, 3),)),
        (lambda n, x: n.softmax(x, axis=0), (N(2, 3, 2),)),
    ],
    "log_softmax": [
        (lambda n, x: n.log_softmax(x), (N(2, 3),)),
        (lambda n, x: n.log_softmax(x, axis=1), (N(2, 3, 2),)),
    ],
    "cross_entropy": [
        (lambda n, x: n.cross_entropy(x, np.array([2, 0])), (N(2, 3),)),
        (lambda n, x: n.cross_entropy(x, 1), (N(3),)),
        (lambda n, x: n.cross_entropy(x.T, np.array([1, 1, 0])), (N(2, 3),)),
        (lambda n, x: n.cross_entropy(x, np.array([[0, 1], [2, 2]])), (N(2, 2, 3),)),
        (lambda n, x: n.cross_entropy(x, DISTRIBUTION), (N(2, 3),)),
        (lambda n, x, t: n.cross_entropy(x, t), (N(2, 3), P(2, 3))),
    ],
    "binary_cross_entropy": [
        (lambda n, x: n.binary_cross_entropy(x, np.array([True, False, True])), (N(2, 3),)),
        (lambda n, x, t: n.binary_cross_entropy(x, t), (N(3), P(3))),
    ],
    "array": [
        (lambda n, x: n.array([[x[0], 1.0], [2.0, x[1] * x[2]]]), (N(3),)),
        (lambda n, x: n.array(x) * n.array(x, np.float64) * n.array([1.0, 2.0]), (N(2),)),
    ],
    "norm": [(lambda n, x: n.norm(x), (N(2, 3),))],
}
ALL = [
    pytest.param(name, f, args, id=f"{name}-{i}")
    for name, cases in (CASES | OURS).items()
    for i, (f, args) in enumerate(cases)
]
IN_NUMPY = [case for case in ALL if case.values[0] in CASES]

PIECEWISE_CONSTANT = set(
    "equal not_equal less less_equal greater greater_equal sign isfinite isnan isinf argmax argmin all any "
    "zeros_like ones_like stop_gradient".split()
)
NOT_OF_VALUES = set(
    "arange empty eye full linspace ones zeros float32 float64 int32 int64 bool_ ndarray "
    "e inf nan newaxis pi linalg".split()
)


def test_every_name_has_its_case() -> None:
    tested = {name for name in CASES | OURS if "." not in name} - {"getitem"}
    assert tested | PIECEWISE_CONSTANT | NOT_OF_VALUES == set(anp.__all__)
    assert not tested & (PIECEWISE_CONSTANT | NOT_OF_VALUES)


@pytest.mark.parametrize(("name", "f", "args"), ALL)
def test_derivatives_are_differences_to_second_order(name: str, f: Any, args: Any) -> None:
    check_grads(lambda *xs: f(anp, *xs), *args, order=2)


@pytest.mark.parametrize(("name", "f", "args"), IN_NUMPY)
def test_values_are_numpy_s(name: str, f: Any, args: Any) -> None:
    expected = f(np, *args)
    plain = f(anp, *args)
    assert type(plain) is not Node
    np.testing.assert_allclose(plain, expected, rtol=1e-12)
    _, traced = make_vjp(lambda x: f(anp, x, *args[1:]), args[0])
    assert type(traced) is not Node
    assert traced.shape == np.shape(expected)
    np.testing.assert_allclose(traced, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "f", "args"), IN_NUMPY)
def test_plain_numpy_functions_find_their_twin(name: str, f: Any, args: Any) -> None:
    """np.exp(node) is anp.exp(node): the gradient is the same, not lost."""
    theirs, value = make_vjp(lambda x: f(np, x, *args[1:]), args[0])
    ours, _ = make_vjp(lambda x: f(anp, x, *args[1:]), args[0])
    u = RNG.normal(size=np.shape(value))
    np.testing.assert_array_equal(theirs(u), ours(u))


@pytest.mark.parametrize(("name", "f", "args"), ALL)
def test_float32_stays_float32(name: str, f: Any, args: Any) -> None:
    small = [x.astype(np.float32) for x in args]
    for i, x in enumerate(small):

        def alone(x: Any, i: int = i, args: Any = small) -> Any:
            return f(anp, *args[:i], x, *args[i + 1 :])

        vjp, value = make_vjp(alone, x)
        u = RNG.normal(size=np.shape(value)).astype(np.float32)
        gradient = vjp(u)
        assert gradient.dtype == np.float32
        assert gradient.shape == x.shape
        precise = make_vjp(lambda x, i=i: alone(x, i, args), args[i])[0](u.astype(np.float64))
        np.testing.assert_allclose(gradient, precise, rtol=2e-3, atol=2e-3)
        # In the cases that bring a float64 array of their own, NumPy too goes to float64.
        assert value.dtype == np.asarray(alone(x)).dtype


FLOAT64_INSIDE = {"add-2", "subtract-2", "multiply-2", "divide-2", "power-6", "astype-0", "array-1"}
FLOAT64_INSIDE |= {"concatenate-1", "stack-1", "matmul-9"}


@pytest.mark.parametrize(("name", "f", "args"), [case for case in ALL if case.id not in FLOAT64_INSIDE])
def test_float32_values_stay_float32(name: str, f: Any, args: Any) -> None:
    if name in ("power", "multiply", "shape", "ndim", "size") and "int" in str(f(np, *map(np.float32, args)).dtype):
        pytest.fail("integers must not appear")
    small = [x.astype(np.float32) for x in args]
    assert make_vjp(lambda x: f(anp, x, *small[1:]), small[0])[1].dtype == np.float32


EMPTY: list[Case] = [
    (lambda n, x, y: x * y + x / (y + 1.0) - n.maximum(x, y), (N(0, 3), N(1, 3))),
    (lambda n, x: n.sum(n.tanh(x)), (N(0),)),
    (lambda n, x: n.sum(x, axis=0), (N(0, 3),)),
    (lambda n, x: n.mean(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.var(x, axis=1) + n.std(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.prod(x, axis=0), (N(0, 3),)),
    (lambda n, x: n.max(x, axis=1), (N(0, 3),)),
    (lambda n, x, y: x @ y, (N(0, 3), N(3, 2))),
    (lambda n, x, y: x @ y, (N(2, 0), N(0, 3))),
    (lambda n, x, y: x @ y, (N(0, 2, 3), N(3, 2))),
    (lambda n, x, y: n.einsum("ij,jk->ik", x, y), (N(2, 0), N(0, 3))),
    (lambda n, x, y: n.tensordot(x, y, 1), (N(2, 0), N(0, 3))),
    (lambda n, x, y: n.concatenate([x, y]), (N(0, 3), N(2, 3))),
    (lambda n, x: n.stack([x, x]), (N(0),)),
    (lambda n, x: n.reshape(n.transpose(x), (0, 5)), (N(3, 0),)),
    (lambda n, x: n.where(np.zeros((0, 3), bool), x, 1.0), (N(3),)),
    (lambda n, x: x[np.zeros((0, 2), int)], (N(4, 3),)),
    (lambda n, x: n.diag(x), (N(0),)),
    (lambda n, x: n.linalg.norm(x, axis=1), (N(0, 3),)),
]
EMPTY_OURS: list[Case] = [
    (lambda n, x: n.softmax(x) + n.log_softmax(x), (N(0, 3),)),
    (lambda n, x: n.logsumexp(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.cross_entropy(x, np.zeros(0, int)), (N(0, 3),)),
]


@pytest.mark.parametrize("case", range(len(EMPTY + EMPTY_OURS)))
def test_empty_arrays(case: int) -> None:
    f, args = (EMPTY + EMPTY_OURS)[case]
    check_grads(lambda *xs: f(anp, *xs), *args, order=2)
    if case < len(EMPTY):
        np.testing.assert_array_equal(f(anp, *args), f(np, *args))


# Laws


@given(data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
@settings(max_examples=60, deadline=None)
def test_unbroadcast_adds_up_what_broadcasting_copied(data: Any, shapes: Any) -> None:
    g = np.arange(1.0, 1 + np.prod(shapes.result_shape, dtype=int)).reshape(shapes.result_shape)
    for shape in shapes.input_shapes:
        np.testing.assert_array_equal(unbroadcast(g, np.zeros(shape)), naive.sum_to(g, shape))
    x, y = map(np.ones, shapes.input_shapes)
    operation = data.draw(st.sampled_from([anp.add, anp.multiply, anp.divide, anp.power, anp.maximum]))
    for i, gradient in enumerate(
        (make_vjp(lambda x: operation(x, y), x)[0](g), make_vjp(lambda y: operation(x, y), y)[0](g))
    ):
        slope = {anp.divide: (1.0, -1.0), anp.power: (1.0, 0.0), anp.maximum: (0.5, 0.5)}.get(operation, (1, 1))[i]
        np.testing.assert_allclose(gradient, slope * naive.sum_to(g, (x, y)[i].shape))


@given(data=st.data(), shape=hnp.array_shapes(max_dims=3, max_side=4))
@settings(max_examples=80, deadline=None)
def test_the_gradient_of_indexing_adds_at_the_places(data: Any, shape: Any) -> None:
    index = data.draw(
        st.one_of(
            hnp.basic_indices(shape, allow_newaxis=True),
            hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=5)),
            hnp.arrays(bool, shape),
        )
    )
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    vjp, value = make_vjp(lambda x: x[index], x)
    np.testing.assert_array_equal(value, x[index])
    u = np.arange(1.0, 1.0 + value.size).reshape(value.shape)
    np.testing.assert_array_equal(vjp(u), naive.scatter_add(u, index, shape))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "width", "looked_up"), [(50, 64, 400), (3000, 64, (40, 5)), (7, 3, 5000)])
def test_the_fast_way_for_whole_rows_is_add_at(dtype: Any, rows: int, width: int, looked_up: Any) -> None:
    ids = RNG.integers(-rows, rows, looked_up)
    table, g = np.zeros((rows, width), dtype), RNG.normal(size=(*np.shape(ids), width)).astype(dtype)
    expected = np.zeros_like(table)
    np.add.at(expected, ids, g)
    np.testing.assert_array_equal(make_vjp(lambda x: x[ids], table)[0](g), expected)


def test_two_lookups_of_one_table_add_up() -> None:
    table, a, b = N(40, 64), RNG.integers(0, 40, 60), RNG.integers(0, 40, 60)
    both = make_vjp(lambda x: anp.concatenate([x[a], x[b]]) * 3.0, table)[0]
    apart = make_vjp(lambda x: anp.concatenate([x[a] * 3.0, 3.0 * x[b] + 0.0 * x[a]]), table)[0]
    g = N(120, 64)
    np.testing.assert_allclose(both(g), apart(g), rtol=1e-12)
    np.testing.assert_allclose(
        both(g), 3 * naive.scatter_add(g, np.concatenate([a, b]), table.shape), rtol=1e-12
    )
    dense_first = make_vjp(lambda x: anp.sum(x * x) + anp.sum(x[a]), table)[0](np.float64(1))
    np.testing.assert_allclose(dense_first, 2 * table + naive.scatter_add(np.ones((60, 64)), a, table.shape))


# Kinks, ties, saturation: the stated values


def test_kinks_and_ties() -> None:
    assert grad(anp.abs)(0.0) == 0
    assert grad(anp.relu)(0.0) == 0
    assert grad(anp.relu)(2.0) == 1
    assert grad(lambda x: anp.maximum(x, 0.0))(0.0) == 0.5
    assert grad(lambda x: anp.minimum(0.0, x))(0.0) == 0.5
    assert grad(lambda x: anp.clip(x, 0.0, 1.0))(1.0) == 0.5
    assert grad(lambda x: x**0)(0.0) == 0
    assert grad(lambda x: x**1)(0.0) == 1
    assert grad(lambda x: x**2)(0.0) == 0
    assert grad(lambda y: anp.power(0.0, y))(2.0) == 0
    assert np.isnan(grad(lambda y: anp.power(-2.0, y))(2.0))
    np.testing.assert_array_equal(grad(anp.norm)(np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(grad(anp.std)(np.ones(3)), np.zeros(3))
    tied = np.array([1.0, 3.0, 3.0])
    np.testing.assert_array_equal(grad(anp.max)(tied), [0, 0.5, 0.5])
    np.testing.assert_array_equal(grad(anp.min)(-tied), [0, 0.5, 0.5])


def test_mixed_derivative_of_power_at_exponent_zero() -> None:
    """∂/∂y ∂/∂x xʸ = xʸ⁻¹(1 + y ln x), which is 1/x at y = 0, not the 0 of a constant exponent."""
    assert grad(lambda y: grad(anp.power)(2.0, y))(0.0) == pytest.approx(0.5)


def test_where_does_not_let_infinity_in_from_the_other_side() -> None:
    x = np.array([-1.0, 2.0])
    safe = grad(lambda x: anp.sum(anp.where(x > 0, anp.log(anp.where(x > 0, x, 1.0)), 0.0)))
    np.testing.assert_array_equal(safe(x), [0, 0.5])
    unused = make_vjp(lambda x: anp.where(np.array([True, False]), x, 0.0), x)[0](np.array([1.0, np.inf]))
    np.testing.assert_array_equal(unused, [1, 0])


@pytest.mark.parametrize("x", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
def test_sigmoid_in_the_tails(x: float) -> None:
    value = anp.sigmoid(x)
    exact = np.exp(x) / (1 + np.exp(x)) if x < 0 else 1 / (1 + np.exp(-x))
    assert value == pytest.approx(exact, rel=1e-15, abs=0)
    assert grad(anp.sigmoid)(x) == pytest.approx(value * anp.sigmoid(-x), rel=1e-12, abs=1e-16)
    assert anp.log_sigmoid(x) == pytest.approx(min(x, 0) - np.log1p(np.exp(-abs(x))), rel=1e-15)
    assert grad(anp.log_sigmoid)(x) == pytest.approx(anp.sigmoid(-x), rel=1e-12)
    assert grad(anp.softplus)(x) == pytest.approx(value, rel=1e-12)


def test_softmax_family_at_large_logits() -> None:
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4 + 1]])
    top = 1 / (2 + np.e)
    np.testing.assert_allclose(anp.softmax(x), [[1, 0, 0], [top, top, np.e * top]])
    np.testing.assert_allclose(anp.logsumexp(x, axis=1), [1e4, -1e4 - np.log(top)])
    np.testing.assert_allclose(anp.cross_entropy(x, np.array([2, 0])), [2e4, -np.log(top)])
    gradient = grad(lambda x: anp.sum(anp.cross_entropy(x, np.array([2, 0]))))(x)
    np.testing.assert_allclose(gradient, anp.softmax(x) - [[0, 0, 1], [1, 0, 0]])


def test_logsumexp_of_nothing_is_minus_infinity() -> None:
    x = np.array([[-np.inf, -np.inf], [-np.inf, 1.0]])
    np.testing.assert_array_equal(anp.logsumexp(x, axis=1), [-np.inf, 1])
    np.testing.assert_array_equal(anp.logsumexp(np.zeros((2, 0)), axis=1), [-np.inf, -np.inf])
    np.testing.assert_array_equal(make_vjp(lambda x: anp.logsumexp(x, 1), x)[0](np.ones(2)), [[0, 0], [0, 1]])


def test_cross_entropy_is_its_definition() -> None:
    logits, ids = N(6, 4), RNG.integers(0, 4, 6)
    expected = naive.cross_entropy(logits, ids)
    np.testing.assert_allclose(anp.cross_entropy(logits, ids), expected, rtol=1e-12)
    np.testing.assert_allclose(anp.cross_entropy(logits, np.eye(4)[ids]), expected, rtol=1e-12)
    np.testing.assert_allclose(
        anp.binary_cross_entropy(logits[:, 0], ids > 1),
        anp.cross_entropy(np.stack([np.zeros(6), logits[:, 0]], 1), (ids > 1).astype(int)),
        rtol=1e-12,
    )
