"""Every operation: value = NumPy's, derivatives = differences to second order, types kept, empty arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases_autodiff import CASES, EMPTY, EMPTY_OURS, OURS

from morphvec.autodiff import check_grads, make_vjp
from morphvec.autodiff import numpy as anp
from morphvec.autodiff.tracer import Node
from morphvec.rng import stream

RNG = stream(10)
ALL = [
    pytest.param(name, f, args, id=f"{name}-{i}")
    for name, cases in (CASES | OURS).items()
    for i, (f, args) in enumerate(cases)
]
IN_NUMPY = [case for case in ALL if case.values[0] in CASES]

PIECEWISE_CONSTANT = {
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "sign",
    "isfinite",
    "isnan",
    "isinf",
    "argmax",
    "argmin",
    "all",
    "any",
    "zeros_like",
    "ones_like",
    "stop_gradient",
}
NOT_OF_VALUES = {
    "arange",
    "empty",
    "eye",
    "full",
    "linspace",
    "ones",
    "zeros",
    "float32",
    "float64",
    "int32",
    "int64",
    "bool_",
    "ndarray",
    "e",
    "inf",
    "nan",
    "newaxis",
    "pi",
    "linalg",
}


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
        assert value.dtype == np.asarray(alone(x)).dtype


# These cases bring a float64 or integer array of their own; NumPy too goes to float64.
FLOAT64_INSIDE = {"add-2", "subtract-2", "multiply-2", "divide-2", "power-5", "power-6", "dot-2", "astype-0"}
FLOAT64_INSIDE |= {"concatenate-1", "stack-1", "matmul-9", "array-0", "array-1"}


@pytest.mark.parametrize(("name", "f", "args"), [case for case in ALL if case.id not in FLOAT64_INSIDE])
def test_float32_values_stay_float32(name: str, f: Any, args: Any) -> None:
    small = [x.astype(np.float32) for x in args]
    assert make_vjp(lambda x: f(anp, x, *small[1:]), small[0])[1].dtype == np.float32


@pytest.mark.parametrize("case", range(len(EMPTY + EMPTY_OURS)))
def test_empty_arrays(case: int) -> None:
    f, args = (EMPTY + EMPTY_OURS)[case]
    check_grads(lambda *xs: f(anp, *xs), *args, order=2)
    if case < len(EMPTY):
        np.testing.assert_array_equal(f(anp, *args), f(np, *args))
