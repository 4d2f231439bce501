"""Whole functions: against HIPS autograd, hand-written gradients, explicit Hessians, and the lecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as hips
import naive_autodiff as naive
import numpy as np
import pytest

from morphvec.autodiff import check_grads, grad, make_vjp, primitive, value_and_grad
from morphvec.autodiff import numpy as anp
from morphvec.autodiff.ops import products
from morphvec.rng import stream

RNG = stream(8)
INPUTS, LABELS = RNG.normal(size=(12, 5)), RNG.integers(0, 3, 12)
A, B, S = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 6)), RNG.random((4, 6))


def two_layers(n: Any, w: Any) -> Any:
    """5 → 4 → 3 with tanh and softmax, all weights in one vector."""
    first, bias, second = w[:20].reshape((5, 4)), w[20:24], w[24:36].reshape((4, 3))
    logits = n.dot(n.tanh(n.dot(INPUTS, first) + bias), second)
    top = n.max(logits, axis=1, keepdims=True)
    lse = n.log(n.sum(n.exp(logits - top), axis=1)) + top[:, 0]
    return n.mean(lse - logits[np.arange(12), LABELS]) + 0.01 * n.sum(w**2)


def lookup(n: Any, table: Any) -> Any:
    ids = np.array([[0, 1, 1], [3, 0, 0]])
    hidden = n.reshape(table[ids], (2, -1))
    return n.sum(n.concatenate([n.sin(hidden), hidden**2], axis=1)[:, ::2]) + n.sum(table[1:] * table[:-1])


def factors(n: Any, x: Any) -> Any:
    """Weighted factorization with ridge, as in the token-feature model."""
    return n.sum(S * (n.dot(x, B) - 1.0) ** 2) + n.trace(n.dot(x.T, x)) + n.linalg.norm(x)


def scaled(n: Any, x: Any) -> Any:
    z = (x - n.mean(x, axis=0)) / (n.std(x, axis=0) + 0.1)
    cov = n.einsum("ni,nj->ij", z, z) + 3.0 * np.eye(z.shape[1])
    return n.sum(n.linalg.inv(cov)) + n.sum(n.linalg.solve(cov, z[0])) + n.log(n.prod(n.abs(z[1]) + 1.0))


def branches(n: Any, x: Any) -> Any:
    y = n.where(x > 0, n.sqrt(n.abs(x) + 1.0), n.expm1(x))
    for _ in range(3):
        y = n.maximum(y, 0.1 * y) + n.stack([y.T, n.log1p(n.exp(y.T))])[0].T
    return n.sum(n.tensordot(y, y, axes=([0], [0])) * n.outer(y[0], y[-1])) / n.min(y**2 + 1.0)


COMPOSITE = [
    (two_layers, RNG.normal(size=36)),
    (lookup, RNG.normal(size=(4, 3))),
    (factors, A),
    (scaled, RNG.normal(size=(6, 3))),
    (branches, RNG.normal(size=(4, 3))),
]


@pytest.mark.parametrize(("f", "x"), COMPOSITE, ids=lambda v: getattr(v, "__name__", ""))
def test_equal_to_hips_autograd(f: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    value, gradient = value_and_grad(lambda x: f(anp, x))(x)
    np.testing.assert_allclose(value, f(np, x), rtol=1e-12)
    theirs = autograd.grad(lambda x: f(hips, x))
    np.testing.assert_allclose(gradient, theirs(x), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient, naive.gradient(lambda x: f(np, x), x), rtol=1e-5, atol=1e-5)
    v = RNG.normal(size=x.shape)
    ours_twice = make_vjp(grad(lambda x: f(anp, x)), x)[0](v)
    theirs_twice = autograd.grad(lambda x: hips.sum(theirs(x) * v))(x)
    np.testing.assert_allclose(ours_twice, theirs_twice, rtol=1e-9, atol=1e-10)


def test_hessian_vector_products_are_columns_of_the_hessian() -> None:
    w = RNG.normal(size=36)
    gradient = grad(lambda w: two_layers(anp, w))
    vjp, value = make_vjp(gradient, w)
    np.testing.assert_array_equal(value, gradient(w))
    hessian = np.array([vjp(e) for e in np.eye(36)])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    np.testing.assert_allclose(hessian, naive.hessian(gradient, w), rtol=1e-5, atol=1e-7)
    v = RNG.normal(size=36)
    np.testing.assert_allclose(vjp(v), hessian @ v, atol=1e-12)
    nested = grad(lambda w: anp.sum(gradient(w) * v))(w)
    np.testing.assert_allclose(nested, hessian @ v, atol=1e-12)


def test_hessian_of_a_quadratic_form_is_its_matrix() -> None:
    q = RNG.normal(size=(4, 4))
    vjp, _ = make_vjp(grad(lambda x: 0.5 * x @ q @ x), RNG.normal(size=4))
    np.testing.assert_allclose([vjp(e) for e in np.eye(4)], (q + q.T) / 2, rtol=1e-12)


def test_closed_forms_of_matrix_functions() -> None:
    """∂ tr(A⁻¹B)/∂A = -(A⁻¹BA⁻¹)ᵀ; ∂‖X-USᵀ‖²/∂U = -2(X-USᵀ)S."""
    a, b = RNG.normal(size=(3, 3)) + 4 * np.eye(3), RNG.normal(size=(3, 3))
    inverse = np.linalg.inv(a)
    for form in (lambda a: anp.trace(anp.linalg.inv(a) @ b), lambda a: anp.trace(anp.linalg.solve(a, b))):
        np.testing.assert_allclose(grad(form)(a), -(inverse @ b @ inverse).T, rtol=1e-10)
    x, u, s = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 2)), RNG.normal(size=(5, 2))
    np.testing.assert_allclose(
        grad(lambda u: anp.sum((x - u @ s.T) ** 2))(u), -2 * (x - u @ s.T) @ s, rtol=1e-10
    )


# A net with matrices of real size


def net(first: Any, bias: Any, second: Any, inputs: Any, labels: Any) -> Any:
    hidden = anp.tanh(inputs @ first + bias)
    return anp.mean(anp.cross_entropy(hidden @ second, labels))


def by_hand(first: Any, bias: Any, second: Any, inputs: Any, labels: Any) -> tuple[Any, ...]:
    """Backpropagation written out: δ₂ = (p - t)/N, δ₁ = δ₂W₂ᵀ ∘ (1 - h²)."""
    hidden = np.tanh(inputs @ first + bias)
    logits = hidden @ second
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = powers / powers.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    delta[rows, labels] -= 1
    delta /= len(labels)
    below = delta @ second.T * (1 - hidden**2)
    return inputs.T @ below, below.sum(axis=0), hidden.T @ delta


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-9), (np.float32, 2e-3)])
def test_two_layer_net_at_matrix_size(monkeypatch: Any, dtype: Any, rtol: float) -> None:
    """Gradients as by hand, and the five matrix products that a step needs, no more."""
    weights = [(RNG.normal(size=size) / 10).astype(dtype) for size in ((300, 64), (64,), (64, 50))]
    inputs, labels = RNG.normal(size=(1000, 300)).astype(dtype), RNG.integers(0, 50, 1000)
    products_made = []

    def counted(a: Any, b: Any) -> Any:
        products_made.append((a.shape, b.shape))
        return np.matmul(a, b)

    monkeypatch.setattr(products.matmul, "raw", counted)
    value, gradients = value_and_grad(net, (0, 1, 2))(*weights, inputs, labels)
    assert len(products_made) == 5
    assert value.dtype == dtype
    for ours, expected in zip(gradients, by_hand(*weights, inputs, labels), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def test_a_step_records_a_handful_of_nodes(monkeypatch: Any) -> None:
    from morphvec.autodiff import tracer

    made: list[str] = []
    init = tracer.Node.__init__

    def counting(self: Any, value: Any, fun: Any, *rest: Any) -> None:
        made.append(fun.__name__ if fun else "variable")
        init(self, value, fun, *rest)

    monkeypatch.setattr(tracer.Node, "__init__", counting)
    grad(net, (0, 1, 2))(np.ones((3, 4)), np.ones(4), np.ones((4, 2)), np.ones((5, 3)), np.zeros(5, int))
    assert made == ["variable"] * 3 + ["matmul", "add", "tanh", "matmul", "id_loss", "sum_", "divide"]


def test_a_product_after_a_sum_gets_an_array_that_blas_can_read(monkeypatch: Any) -> None:
    """The message of a sum is one number repeated by strides of 0; NumPy multiplies that without BLAS."""
    seen: list[tuple[int, ...]] = []

    class Watched(type(np)):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        @staticmethod
        def matmul(a: Any, b: Any) -> Any:
            seen.extend((a.strides, b.strides))
            return np.matmul(a, b)

    monkeypatch.setattr(products, "np", Watched("numpy"))
    a = RNG.normal(size=(6, 7))
    gradient = grad(lambda a: anp.sum(a.T @ a))(a)
    np.testing.assert_allclose(gradient, a @ np.full((7, 7), 2.0))
    assert seen
    assert all(0 not in strides and 8 in strides for strides in seen)


def test_training_learns() -> None:
    """XOR by gradient descent: a linear model cannot, two layers can."""
    x, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    weights = [stream(8, 1, i).normal(size=size) for i, size in enumerate(((2, 8), (8,), (8, 2)))]
    step = value_and_grad(net, (0, 1, 2))
    first, _ = step(*weights, x, t)
    for _ in range(400):
        value, gradients = step(*weights, x, t)
        weights = [w - 0.5 * g for w, g in zip(weights, gradients, strict=True)]
    assert value < 0.05 < first
    assert (np.argmax(np.tanh(x @ weights[0] + weights[1]) @ weights[2], axis=1) == t).all()


# The lecture (CSC421, lecture 3)


def test_the_lecture_s_example_of_primitive_operations() -> None:
    """z = wx + b, y = σ(z), L = ½(y - t)²: ∂L/∂w = (y - t)·y(1 - y)·x and ∂L/∂b without the x."""
    w, x, b, t = 0.7, -1.3, 0.4, 1.0
    loss = value_and_grad(lambda w, b: 0.5 * (1.0 / (1.0 + anp.exp(-(w * x + b))) - t) ** 2, (0, 1))
    y = 1 / (1 + np.exp(-(w * x + b)))
    value, (dw, db) = loss(w, b)
    assert value == pytest.approx((y - t) ** 2 / 2)
    assert dw == pytest.approx((y - t) * y * (1 - y) * x)
    assert db == pytest.approx((y - t) * y * (1 - y))


def lecture_sigmoid(n: Any, x: Any) -> Any:
    return 0.5 * (n.tanh(x) + 1)


def test_the_lecture_s_sigmoid_is_sigmoid_of_2x() -> None:
    x = np.linspace(-5, 5, 41)
    np.testing.assert_allclose(lecture_sigmoid(anp, x), anp.sigmoid(2 * x), rtol=1e-10)
    np.testing.assert_allclose(lecture_sigmoid(anp, x / 2), anp.sigmoid(x), rtol=1e-10)
    assert abs(lecture_sigmoid(anp, 1.0) - anp.sigmoid(1.0)) > 0.1
    assert grad(lambda x: lecture_sigmoid(anp, x))(0.0) == 0.5  # σ has slope ¼ there
    assert grad(anp.sigmoid)(0.0) == 0.25


def test_the_lecture_s_logistic_regression() -> None:
    """The program of the slides on data of our own (they give none): start, gradient, and 100 steps."""
    rng = stream(8, 2)
    inputs = rng.normal(size=(80, 3))
    targets = (inputs @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=80) > 0).astype(float)

    def training_loss(n: Any, weights: Any) -> Any:
        preds = lecture_sigmoid(n, n.dot(inputs, weights))
        return -n.sum(n.log(preds * targets + (1 - preds) * (1 - targets)))

    ours, theirs = grad(lambda w: training_loss(anp, w)), autograd.grad(lambda w: training_loss(hips, w))
    weights = np.zeros(3)
    assert training_loss(np, weights) == pytest.approx(80 * np.log(2))  # every prediction is ½
    beside = weights.copy()
    for _ in range(100):
        preds = lecture_sigmoid(np, inputs @ weights)
        np.testing.assert_allclose(ours(weights), 2 * inputs.T @ (preds - targets), rtol=1e-9, atol=1e-10)
        weights -= ours(weights) * 0.01
        beside -= theirs(beside) * 0.01
    np.testing.assert_allclose(weights, beside, rtol=1e-10)
    assert training_loss(np, weights) < 0.3 * 80 * np.log(2)
    # The same model in logits, σ(2z) and stable: the same loss and gradient.
    stable = value_and_grad(lambda w: anp.sum(anp.binary_cross_entropy(2.0 * inputs @ w, targets)))
    value, gradient = stable(weights)
    assert value == pytest.approx(training_loss(np, weights), rel=1e-9)
    np.testing.assert_allclose(gradient, ours(weights), rtol=1e-7)


def test_unrolled_training_can_be_differentiated() -> None:
    """The gradient of a validation loss with respect to learning rate and ridge, through 10 steps."""
    rng = stream(8, 3)
    x, y, held_x, held_y = (rng.normal(size=size) for size in ((20, 3), 20, (10, 3), 10))

    def validation(rate: Any, ridge: Any) -> Any:
        w = np.zeros(3)
        descent = grad(lambda w: anp.mean((x @ w - y) ** 2) + ridge * anp.sum(w**2))
        for _ in range(10):
            w = w - rate * descent(w)
        return anp.mean((held_x @ w - held_y) ** 2)

    check_grads(validation, 0.1, 0.3, order=2)


def test_glove_objective_gradient_by_hand() -> None:
    """∂/∂r_i of Σ f(x)(r_i·c_j + b_i + d_j - ln x)², the lecture's GloVe."""
    n = RNG.integers(1, 300, (5, 4)).astype(float)
    f = np.minimum((n / 100) ** 0.75, 1)
    r, c, b, d = (RNG.normal(size=size) for size in ((5, 2), (4, 2), (5, 1), 4))

    def cost(r: Any, c: Any, b: Any, d: Any) -> Any:
        return anp.sum(f * (r @ c.T + b + d - np.log(n)) ** 2)

    error = 2 * f * (r @ c.T + b + d - np.log(n))
    expected = (error @ c, error.T @ r, error.sum(1, keepdims=True), error.sum(0))
    for ours, by_hand_ in zip(grad(cost, (0, 1, 2, 3))(r, c, b, d), expected, strict=True):
        np.testing.assert_allclose(ours, by_hand_, rtol=1e-10)


def test_primitives_run_their_raw_function_once(monkeypatch: Any) -> None:
    """A nested trace unwraps level by level but computes the value once."""
    calls: list[int] = []
    slow = primitive(lambda x: (calls.append(1), np.sin(x))[1])
    from morphvec.autodiff import defvjp

    defvjp(slow, lambda g, out, x: g * anp.cos(x))
    assert grad(grad(grad(slow)))(0.5) == pytest.approx(-np.cos(0.5))
    assert len(calls) == 1
