"""The checker of derivatives finds what is wrong, and the floors stand as the documentation says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphvec import autodiff
from morphvec.autodiff import (
    Node,
    central_difference,
    check_grads,
    defvjp,
    primitive,
)
from morphvec.autodiff import numpy as anp
from morphvec.errors import MorphvecError


def refusal(f: Callable[..., Any], *args: Any) -> MorphvecError:
    with pytest.raises(MorphvecError) as caught:
        f(*args)
    error = caught.value
    assert "\n" not in str(error)
    assert all((error.value, error.rule, error.mend))
    return error


def test_check_grads_finds_a_wrong_derivative() -> None:
    wrong = primitive(np.sin)
    defvjp(wrong, lambda g, out, x: 1.001 * g * anp.cos(x))
    assert "argument 0" in str(refusal(check_grads, wrong, np.array([0.3, 0.4])))


def test_check_grads_finds_a_wrong_second_derivative() -> None:
    wrong = primitive(np.sin)
    defvjp(wrong, lambda g, out, x: g * anp.cos(anp.stop_gradient(x)))
    check_grads(wrong, np.array([0.3, 0.4]), order=1)
    assert "derivative 2" in str(
        refusal(
            check_grads,
            wrong,
            np.array([0.3, 0.4]),
        )
    )


def test_check_grads_finds_a_wrong_mixed_derivative() -> None:
    wrong = primitive(lambda x, y: x * y)
    defvjp(wrong, lambda g, out, x, y: g * anp.stop_gradient(y), lambda g, out, x, y: g * x)
    refusal(check_grads, wrong, 1.5, 2.5)


def test_check_grads_finds_a_wrong_argument_type_and_value() -> None:
    refusal(check_grads, lambda x: x, 3)
    with pytest.raises(MorphvecError, match="order"):
        check_grads(anp.exp, 1.0, order=0)
    refusal(check_grads, anp.log, np.array([0.0 + np.inf]))
    assert "untraced" in str(refusal(check_grads, lambda x: x * (2.0 if type(x) is Node else 1.0), 1.0))


def test_check_grads_is_reproducible_and_takes_tolerances() -> None:
    crooked = primitive(np.sin)
    defvjp(crooked, lambda g, out, x: 1.001 * g * anp.cos(x))
    check_grads(crooked, np.array([0.3, 0.4]), rtol=0.01)
    messages = {str(refusal(lambda: check_grads(crooked, np.array([0.3, 0.4]), seed=5))) for _ in range(2)}
    other = str(refusal(lambda: check_grads(crooked, np.array([0.3, 0.4]), seed=6)))
    assert len(messages) == 1
    assert other not in messages
    check_grads(anp.exp, np.float32([0.3, 0.4]))
    with pytest.raises(MorphvecError, match="central difference"):  # a step of 1 is no difference quotient
        check_grads(anp.exp, np.array([0.3, 0.4]), step=1.0)


def test_two_sided_differences_err_by_the_square_of_the_step() -> None:
    errors = [abs(float(central_difference(np.exp, 1.0, 1.0, step)) - np.e) for step in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)
    assert errors[1] == pytest.approx(np.e * 1e-6 / 6, rel=0.01)


# The house


def test_the_floors_import_downwards_only() -> None:
    root = Path(autodiff.__file__).parent
    floors = ["tracer", "backward", "ops", "numpy"]
    for floor, name in enumerate(floors):
        module = root / f"{name}.py"
        for source in [module] if module.exists() else sorted((root / name).glob("*.py")):
            imports = [
                node.module.split(".")[2]
                for node in ast.parse(source.read_text(encoding="utf-8")).body
                if isinstance(node, ast.ImportFrom) and node.module.startswith("morphvec.autodiff.")
            ]
            assert imports or name == "tracer"
            assert set(imports) <= set(floors[: floor + (name == "ops")]), source


def test_importing_autodiff_loads_numpy_alone() -> None:
    code = "import sys, morphvec.autodiff; sys.exit(any(m in sys.modules for m in ('scipy', 'numba')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
