"""Every operation beside PyTorch's: value, gradient and second derivatives. PyTorch is large: ``make check-torch``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases_autodiff import CASES, DISTRIBUTION, IDS, OURS, SELECT, SPD, N, P

from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.rng import stream

t = pytest.importorskip("torch", reason="PyTorch is not installed: make check-torch")

# name: (function of ours, of PyTorch, arguments); None: the same function of either.
Beside = tuple[Callable[..., Any], Callable[..., Any] | None, tuple[Any, ...]]
OPERATORS: dict[str, Beside] = {
    "add": (lambda x, y: x + y, None, (N(3, 4), N(4))),
    "subtract": (lambda x, y: 2.0 - x - y, None, (N(3, 1), N(1, 4))),
    "multiply": (lambda x, y: 3.0 * x * y, None, (N(2, 3, 4), N(3, 1))),
    "divide": (lambda x, y: x / y + 1.0 / y, None, (N(3, 4), P(4))),
    "power": (lambda x, y: x**y + x**3 + 2.0**y, None, (P(3, 4), N(4))),
    "negative": (lambda x: -x * x, None, (N(3),)),
    "matmul": (lambda x, y: x @ y, None, (N(5, 1, 2, 3), N(4, 3, 2))),
    "getitem": (lambda x: x[1] * x[-1, 1:3, None], None, (N(3, 4),)),
    "ravel": (lambda x: x.ravel() ** 2, None, (N(2, 3),)),
    "reshape": (lambda x: x.reshape(3, -1) ** 2, None, (N(2, 6),)),
    "swapaxes": (lambda x: x.swapaxes(0, -1) ** 2, None, (N(2, 3, 4),)),
}
# The same name and the same arguments in both.
ALIKE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("exp", "expm1", "sin", "cos", "tanh", "square", "absolute", "abs"), (N(2, 3),)),
    **dict.fromkeys(("log", "log1p", "sqrt", "reciprocal"), (P(2, 3),)),
    **dict.fromkeys(("maximum", "minimum", "logaddexp"), (N(3, 4), N(4))),
    **dict.fromkeys(("sum", "mean", "prod", "max", "min"), (N(2, 3),)),
    **dict.fromkeys(("outer", "dot"), (N(4), N(4))),
    **dict.fromkeys(("squeeze", "diag", "norm"), (N(1, 3),)),
    "trace": (N(3, 4),),
    "sigmoid": (N(2, 3),),
    "relu": (N(2, 3),),
}
OTHERS: dict[str, Beside] = {
    "where": (
        lambda x, y: anp.where(SELECT, x, y),
        lambda x, y: t.where(t.tensor(SELECT), x, y),
        (N(3, 4), N(4)),
    ),
    "clip": (lambda x: anp.clip(x, -0.5, 0.5), lambda x: t.clip(x, -0.5, 0.5), (np.linspace(-1.3, 1.4, 8),)),
    "sum over axes": (lambda x: anp.sum(x * x, axis=(0, 2)), lambda x: t.sum(x * x, (0, 2)), (N(2, 3, 4),)),
    "mean over an axis": (
        lambda x: anp.mean(x * x, axis=1, keepdims=True),
        lambda x: t.mean(x * x, 1, True),
        (N(2, 3),),
    ),
    "max over an axis": (lambda x: anp.max(x * x, axis=1), lambda x: t.amax(x * x, 1), (N(2, 3),)),
    "prod with zeros": (
        lambda x: anp.prod(x, axis=1),
        lambda x: t.prod(x, 1),
        (np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0]]),),
    ),
    "var": (lambda x: anp.var(x, axis=0, ddof=1), lambda x: t.var(x, 0), (N(4, 3),)),
    "std": (anp.std, lambda x: t.std(x, correction=0), (N(4, 3),)),
    "transpose": (
        lambda x: anp.transpose(x, (2, 0, 1)) ** 2,
        lambda x: t.permute(x, (2, 0, 1)) ** 2,
        (N(2, 3, 4),),
    ),
    "moveaxis": (
        lambda x: anp.moveaxis(x, (0, 1), (-1, 0)) ** 2,
        lambda x: t.moveaxis(x, (0, 1), (-1, 0)) ** 2,
        (N(2, 3, 4),),
    ),
    "expand_dims": (lambda x: anp.expand_dims(x, 1) * x, lambda x: t.unsqueeze(x, 1) * x, (N(3),)),
    "broadcast_to": (
        lambda x: anp.broadcast_to(x, (2, 3, 4)),
        lambda x: t.broadcast_to(x, (2, 3, 4)),
        (N(3, 1),),
    ),
    "astype": (lambda x: anp.astype(x, np.float64) ** 2, lambda x: x.to(t.float64) ** 2, (N(3),)),
    "concatenate": (
        lambda x, y: anp.concatenate([x, y, x]) ** 2,
        lambda x, y: t.cat([x, y, x]) ** 2,
        (N(2, 3), N(1, 3)),
    ),
    "stack": (
        lambda x, y: anp.stack([x, y], axis=-1) ** 2,
        lambda x, y: t.stack([x, y], -1) ** 2,
        (N(3), N(3)),
    ),
    "array": (
        lambda x: anp.array([[x[0], 1.0], [2.0, x[1] * x[2]]]),
        lambda x: t.stack([t.stack([x[0], t.tensor(1.0)]), t.stack([t.tensor(2.0), x[1] * x[2]])]),
        (N(3),),
    ),
    "einsum": (
        lambda x, y, z: anp.einsum("bi,ij,bj->b", x, y, z),
        lambda x, y, z: t.einsum("bi,ij,bj->b", x, y, z),
        (N(4, 2), N(2, 3), N(4, 3)),
    ),
    "einsum, a diagonal": (lambda x: anp.einsum("ii->i", x), lambda x: t.einsum("ii->i", x), (N(3, 3),)),
    "tensordot": (
        lambda x, y: anp.tensordot(x, y, axes=([0, 2], [2, 0])),
        lambda x, y: t.tensordot(x, y, dims=([0, 2], [2, 0])),
        (N(2, 3, 4), N(4, 5, 2)),
    ),
    "take": (lambda x: anp.take(x, IDS) ** 2, lambda x: t.take(x, t.tensor(IDS)) ** 2, (N(2, 3),)),
    "getitem, rows that repeat": (lambda x: x[IDS] ** 2, lambda x: x[t.tensor(IDS)] ** 2, (N(5, 2),)),
    "linalg.norm": (
        lambda x: anp.linalg.norm(x, axis=1),
        lambda x: t.linalg.norm(x, dim=1),
        (N(2, 3),),
    ),
    "linalg.inv": (anp.linalg.inv, t.linalg.inv, (SPD(2, 3, 3),)),
    "linalg.solve": (anp.linalg.solve, t.linalg.solve, (SPD(2, 3, 3), N(2, 3, 4))),
    "log_sigmoid": (anp.log_sigmoid, t.nn.functional.logsigmoid, (N(4),)),
    "softplus": (anp.softplus, t.nn.functional.softplus, (N(4),)),
    "logsumexp": (
        lambda x: anp.logsumexp(x, axis=(0, -1)),
        lambda x: t.logsumexp(x, (0, -1)),
        (N(2, 3, 2),),
    ),
    "softmax": (lambda x: anp.softmax(x, axis=0), lambda x: t.softmax(x, 0), (N(2, 3),)),
    "log_softmax": (anp.log_softmax, lambda x: t.log_softmax(x, -1), (N(2, 3),)),
    "cross_entropy": (
        lambda x: anp.cross_entropy(x, np.array([2, 0])),
        lambda x: t.nn.functional.cross_entropy(x, t.tensor([2, 0]), reduction="none"),
        (N(2, 3),),
    ),
    "cross_entropy, of distributions": (
        lambda x: anp.cross_entropy(x, DISTRIBUTION),
        lambda x: t.nn.functional.cross_entropy(x, t.tensor(DISTRIBUTION), reduction="none"),
        (N(2, 3),),
    ),
    "binary_cross_entropy": (
        lambda x: anp.binary_cross_entropy(x, np.array([True, False, True])),
        lambda x: t.nn.functional.binary_cross_entropy_with_logits(
            x, t.tensor([1.0, 0.0, 1.0]).expand(2, 3), reduction="none"
        ),
        (N(2, 3),),
    ),
}
TABLE: dict[str, Beside] = {
    **OPERATORS,
    **{name: (getattr(anp, name), getattr(t, name), arguments) for name, arguments in ALIKE.items()},
    **OTHERS,
}
NUMBERS_OF_SHAPES = {"shape", "ndim", "size"}


@pytest.fixture(autouse=True)
def _double() -> Any:
    t.set_default_dtype(t.float64)
    yield
    t.set_default_dtype(t.float32)


def test_every_operation_with_a_derivative_stands_beside_pytorch() -> None:
    assert {name.partition(",")[0].partition(" ")[0] for name in TABLE} == set(
        CASES | OURS
    ) - NUMBERS_OF_SHAPES


@pytest.mark.parametrize("name", TABLE)
def test_value_gradient_and_second_derivatives_are_pytorch_s(name: str) -> None:
    ours, theirs, arguments = TABLE[name]
    theirs = theirs or ours
    generator = stream(31)
    value = np.asarray(ours(*arguments))
    tensors = [t.tensor(x, requires_grad=True) for x in arguments]
    their_value = theirs(*tensors)
    np.testing.assert_allclose(value, their_value.numpy(force=True), rtol=1e-12, atol=1e-14)

    u = generator.normal(size=value.shape)
    directions = [generator.normal(size=x.shape) for x in arguments]
    places = range(len(arguments))

    def projected(*xs: Any) -> Any:
        return anp.sum(ours(*xs) * u)

    def slope(*xs: Any) -> Any:
        """The derivative along the directions: its gradient is a Hessian-vector product."""
        return sum(anp.sum(grad(projected, i)(*xs) * directions[i]) for i in places)

    def theirs_of(f: Any) -> Any:
        return t.autograd.grad(f, tensors, create_graph=True, materialize_grads=True)

    first = theirs_of(t.sum(their_value * t.tensor(u)))
    total = sum(t.sum(g * t.tensor(v)) for g, v in zip(first, directions, strict=True))
    second = theirs_of(total) if total.requires_grad else [t.zeros_like(x) for x in tensors]
    for i in places:
        np.testing.assert_allclose(
            grad(projected, i)(*arguments), first[i].numpy(force=True), rtol=1e-10, atol=1e-12
        )
        np.testing.assert_allclose(
            grad(slope, i)(*arguments), second[i].numpy(force=True), rtol=1e-9, atol=1e-11
        )
