"""The trace: the record, levels and nested derivatives, grad and its relatives."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from morphvec.autodiff import (
    Node,
    check_grads,
    defvjp,
    defvjp_any,
    grad,
    make_vjp,
    primitive,
    trace,
    value_and_grad,
)
from morphvec.autodiff import numpy as anp
from morphvec.errors import MorphvecError
from morphvec.rng import stream

RNG = stream(7)


# The record


def test_a_node_is_value_function_arguments_parents() -> None:
    """The lecture's logistic function, node by node."""
    (z,), y = trace(lambda z: 1.0 / (1.0 + anp.exp(-z)), 1.5)
    names, node = [], y
    while node.fun is not None:
        names.append(node.fun.__name__)
        ((place, parent),) = node.parents
        assert node.args[place] is parent.value
        assert node.value == node.fun(*node.args, **node.kwargs)
        assert parent.birth < node.birth
        assert parent.level == node.level
        node = parent
    assert names == ["divide", "add", "exp", "negative"]
    assert node is z
    assert y.parents[0][0] == 1  # the denominator
    assert y.value == pytest.approx(1 / (1 + math.exp(-1.5)))


def test_a_node_describes_itself_as_its_array_does() -> None:
    (x,), _ = trace(lambda x: x, np.ones((2, 3), np.float32))
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, np.float32, 2)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)
    assert "variable" in repr(x)
    assert "square" in repr(anp.square(x))
    (number,), _ = trace(lambda x: x, 0.25)
    assert f"{number:.1%}" == "25.0%"
    with pytest.raises(TypeError, match="len"):
        len(number)
    assert repr(anp.tanh) == "<primitive tanh>"


def test_nothing_is_recorded_outside_a_trace() -> None:
    assert type(anp.exp(np.ones(2))) is np.ndarray
    assert type(grad(lambda x: anp.sum(x * x))(np.ones(2))) is np.ndarray


def test_work_on_constants_is_not_recorded() -> None:
    c = np.ones(3)
    (x,), y = trace(lambda x: x * anp.sum(anp.exp(c)), 2.0)
    assert [parent for _, parent in y.parents] == [x]


# Levels


def test_perturbation_confusion() -> None:
    """d/dx [x · d/dy (x + y)] = 1; a tracer without levels says 2. (Siskind & Pearlmutter 2005.)"""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0  # x·x
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(3.0) == pytest.approx(6 * 9)  # 2x³
    mixed = grad(
        lambda x: grad(lambda y: grad(lambda z: x * y * z)(x * y) * y)(x)
    )  # d/dx (2xy at y = x) = 4x
    assert mixed(5.0) == pytest.approx(20.0)


def test_derivatives_of_tanh() -> None:
    x = 0.7
    t = math.tanh(x)
    first, second, third, fourth = (
        1 - t**2,
        -2 * t * (1 - t**2),
        (1 - t**2) * (6 * t**2 - 2),
        (1 - t**2) * (16 * t - 24 * t**3),
    )
    f: Callable[[Any], Any] = anp.tanh
    for expected in (first, second, third, fourth):
        f = grad(f)
        assert f(x) == pytest.approx(expected, rel=1e-12)


def test_derivatives_of_a_power_end() -> None:
    f: Callable[[Any], Any] = lambda x: x**3  # noqa: E731
    for expected in (12.0, 12.0, 6.0, 0.0, 0.0):
        f = grad(f)
        assert f(2.0) == expected


def test_a_vjp_is_linear_and_can_be_differentiated_in_its_vector() -> None:
    """Twice the vjp: the derivative of g ↦ vjp(g) in direction v is the forward product J·v."""
    x, v = RNG.normal(size=(2, 4))
    a = RNG.normal(size=(3, 4))
    vjp, _ = make_vjp(lambda x: anp.tanh(a @ x), x)
    forward = make_vjp(vjp, np.zeros(3))[0](v)
    np.testing.assert_allclose(forward, (1 - np.tanh(a @ x) ** 2) * (a @ v))


def test_a_vjp_may_be_used_again() -> None:
    vjp, value = make_vjp(lambda x: anp.sin(x) * x, np.array([1.0, 2.0]))
    first = vjp(np.ones(2))
    first += 100  # the answer belongs to the caller
    np.testing.assert_allclose(vjp(np.ones(2)), np.cos([1.0, 2.0]) * [1.0, 2.0] + np.sin([1.0, 2.0]))
    np.testing.assert_allclose(value, np.sin([1.0, 2.0]) * [1.0, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x,
        lambda x: x.reshape(-1, 1),
        lambda x: x + 1.0,
        lambda x: anp.concatenate([x, x]),
        lambda x: anp.broadcast_to(x, (2, 3)),
        lambda x: x.astype(np.float64),
    ],
)
def test_gradients_share_no_memory_with_anything(f: Callable[[Any], Any]) -> None:
    x = np.arange(3.0)
    vjp, value = make_vjp(f, x)
    g = np.ones(value.shape)
    gradient = vjp(g)
    gradient += 1.0
    assert not np.shares_memory(gradient, g)
    assert not np.shares_memory(gradient, x)
    np.testing.assert_array_equal(vjp(g), gradient - 1.0)


def test_the_gradient_of_a_sum_can_be_written_to() -> None:
    gradient = grad(anp.sum)(np.ones((2, 3)))
    gradient *= 2
    np.testing.assert_array_equal(gradient, np.full((2, 3), 2.0))


def test_a_node_left_over_from_a_closed_trace_is_not_taken_for_a_new_one() -> None:
    kept: list[Any] = []
    grad(lambda x: (kept.append(x), x * x)[1])(3.0)
    later = grad(lambda y: y * kept[0])(2.0)
    assert type(later) is Node  # it belongs to the old trace ...
    with pytest.raises(MorphvecError, match="plain number"):
        float(later)  # ... and does not pass for a number
    assert float(anp.stop_gradient(later)) == 3.0


def test_traces_in_threads_do_not_meet() -> None:
    def third(k: int) -> float:
        return float(grad(grad(grad(lambda x: anp.exp(k * x))))(0.1))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(third, range(40)))
    np.testing.assert_allclose(found, [k**3 * np.exp(k * 0.1) for k in range(40)])


def test_a_long_chain_needs_no_deep_stack() -> None:
    def chain(x: Any) -> Any:
        for _ in range(5000):
            x = x * 1.0001
        return x

    assert grad(chain)(2.0) == pytest.approx(1.0001**5000)


def test_shared_values_are_visited_once() -> None:
    """x doubled 200 times by x + x: 2²⁰⁰ paths, 200 visits."""

    def double(x: Any) -> Any:
        for _ in range(200):
            x = x + x
        return x

    assert grad(double)(1.0) == 2.0**200


# grad, value_and_grad, make_vjp


def test_gradients_of_several_arguments_from_one_run() -> None:
    calls = []

    def f(x: Any, y: Any, scale: float = 1.0) -> Any:
        calls.append(1)
        return scale * anp.sum(x * x * y)

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, (dx, dy) = value_and_grad(f, (0, -1))(x, y, scale=2.0)
    assert (value, len(calls)) == (38.0, 1)
    np.testing.assert_array_equal(dx, 4 * x * y)
    np.testing.assert_array_equal(dy, 2 * x * x)
    np.testing.assert_array_equal(grad(f, 1)(x, y), x * x)
    np.testing.assert_array_equal(grad(f, argnum=-2)(x, y), 2 * x * y)


def test_an_argument_without_influence_beside_one_with() -> None:
    used, unused = grad(lambda x, y: anp.sum(x) + 0.0 * y.size, (0, 1))(
        np.ones(2), np.ones((3, 1), np.float32)
    )
    np.testing.assert_array_equal(used, [1, 1])
    np.testing.assert_array_equal(unused, np.zeros((3, 1)))
    assert unused.dtype == np.float32


@pytest.mark.parametrize("constant", [3.0, np.float64(3.0), np.array(3.0), 3])
def test_a_function_that_ignores_its_argument_has_gradient_zero(constant: Any) -> None:
    value, gradient = value_and_grad(lambda x: constant)(np.ones((2, 2), np.float32))
    assert value == 3
    np.testing.assert_array_equal(gradient, np.zeros((2, 2)))
    assert gradient.dtype == np.float32


def test_the_second_derivative_of_a_linear_function_is_zero() -> None:
    assert grad(grad(lambda x: 3.0 * x))(2.0) == 0


def test_branches_and_loops_follow_the_value() -> None:
    f = grad(lambda x: x**2 if x > 0 else -x)
    assert (f(3.0), f(-3.0)) == (6.0, -1.0)
    assert grad(lambda x: x * x if x - 1.0 else x)(1.0) == 1.0


def test_comparisons_are_plain() -> None:
    (x,), _ = trace(lambda x: x, np.array([1.0, 2.0]))
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        found = compare(x, 2.0)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, compare(np.array([1.0, 2.0]), 2.0))
        np.testing.assert_array_equal(compare(np.array(2.0), x), compare(2.0, np.array([1.0, 2.0])))
    assert anp.argmax(x) == x.argmax() == np.argmax(x) == 1
    assert anp.argmin(x) == x.argmin(0) == 0
    assert anp.all(x > 0)
    assert not anp.any(anp.isnan(x))
    np.testing.assert_array_equal(anp.sign(-x), [-1, -1])
    np.testing.assert_array_equal(anp.zeros_like(x) + anp.ones_like(x), [1, 1])


def test_stop_gradient_makes_a_constant_at_every_level() -> None:
    assert grad(lambda x: x * anp.stop_gradient(x))(3.0) == 3.0
    assert grad(lambda x: grad(lambda y: y * anp.stop_gradient(x * y))(2.0))(3.0) == 0.0


def test_an_operation_of_one_s_own() -> None:
    cube = primitive(lambda x: x**3)
    defvjp(cube, lambda g, out, x: 3.0 * g * x * x)
    check_grads(cube, RNG.normal(size=3), order=3)
    total = primitive(lambda *xs: sum(xs))
    defvjp_any(total, lambda place, g, out, *xs: g)
    assert grad(lambda x: total(x, 2.0, x))(1.0) == 2.0
