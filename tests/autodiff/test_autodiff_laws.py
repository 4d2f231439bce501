"""Laws of broadcasting and indexing, and the stated values at kinks, ties and in the tails."""

from __future__ import annotations

from typing import Any

import naive_autodiff as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from morphvec.autodiff import grad, make_vjp, unbroadcast
from morphvec.autodiff import numpy as anp
from morphvec.rng import stream

RNG = stream(9)


@given(
    data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0)
)
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
        slope = {anp.divide: (1.0, -1.0), anp.power: (1.0, 0.0), anp.maximum: (0.5, 0.5)}.get(
            operation, (1, 1)
        )[i]
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


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_ids_of_any_integer_type(dtype: Any) -> None:
    ids = RNG.integers(0, 100, 300).astype(dtype)
    if dtype == np.int8:
        ids[::7] = -1
    g = RNG.normal(size=(300, 16))
    found = make_vjp(lambda x: x[ids], np.zeros((200, 16)))[0](g)
    np.testing.assert_allclose(found, naive.scatter_add(g, ids, (200, 16)), rtol=1e-12, atol=1e-14)


def test_two_lookups_of_one_table_add_up() -> None:
    table, a, b = RNG.normal(size=(40, 64)), RNG.integers(0, 40, 60), RNG.integers(0, 40, 60)
    both = make_vjp(lambda x: anp.concatenate([x[a], x[b]]) * 3.0, table)[0]
    apart = make_vjp(lambda x: anp.concatenate([x[a] * 3.0, 3.0 * x[b] + 0.0 * x[a]]), table)[0]
    g = RNG.normal(size=(120, 64))
    np.testing.assert_allclose(both(g), apart(g), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        both(g), 3 * naive.scatter_add(g, np.concatenate([a, b]), table.shape), rtol=1e-12, atol=1e-12
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
    logits, ids = RNG.normal(size=(6, 4)), RNG.integers(0, 4, 6)
    expected = naive.cross_entropy(logits, ids)
    np.testing.assert_allclose(anp.cross_entropy(logits, ids), expected, rtol=1e-12)
    np.testing.assert_allclose(anp.cross_entropy(logits, np.eye(4)[ids]), expected, rtol=1e-12)
    np.testing.assert_allclose(
        anp.binary_cross_entropy(logits[:, 0], ids > 1),
        anp.cross_entropy(np.stack([np.zeros(6), logits[:, 0]], 1), (ids > 1).astype(int)),
        rtol=1e-12,
    )
