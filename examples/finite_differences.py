"""How wrong differences are as a derivative: one-sided and two-sided, over the step h, beside autodiff.

    python examples/finite_differences.py [--plot FILE]

Taylor's error falls as h (one-sided) or h² (two-sided), rounding grows as 1/h; the best steps lie near ε^½ and ε^⅓, and
neither comes near the last digit, where autodiff is at once. ``--plot`` needs matplotlib.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from morphvec.autodiff import central_difference, grad
from morphvec.autodiff import numpy as anp

AT = 0.7


def function(x: Any) -> Any:
    """e^{sin 3x} / (1 + x²)."""
    return anp.exp(anp.sin(3.0 * x)) / (1.0 + x**2)


def slope(x: float) -> float:
    """Its derivative, by hand."""
    return float(np.exp(np.sin(3 * x)) / (1 + x**2) * (3 * np.cos(3 * x) - 2 * x / (1 + x**2)))


def errors(steps: Sequence[float]) -> list[tuple[float, float, float]]:
    """(h, relative error one-sided, two-sided) for each step h."""
    true = slope(AT)
    found = []
    for h in steps:
        one = float((function(AT + h) - function(AT)) / h)
        two = float(central_difference(function, AT, 1.0, h))
        found.append((h, abs(one / true - 1), abs(two / true - 1)))
    return found


def plot(rows: Sequence[tuple[float, float, float]], file: str) -> None:
    """Both errors over h on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    h, one, two = np.array(rows).T
    axes.loglog(h, one, "o-", label="one-sided")
    axes.loglog(h, two, "s-", label="two-sided")
    axes.set(xlabel="h", ylabel="relative error of the derivative")
    axes.legend()
    figure.savefig(file)


def main(arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Print the table, draw it where asked, and return the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plot", metavar="FILE")
    options = parser.parse_args(list(arguments))
    rows = errors([10.0**-n for n in range(1, 15)])
    ours = abs(float(grad(function)(AT)) / slope(AT) - 1)
    print(f"relative error of the derivative at x = {AT}")
    print("      h   one-sided   two-sided")
    for h, one, two in rows:
        print(f"{h:7.0e}   {one:9.1e}   {two:9.1e}")
    print(f"autodiff    {ours:9.1e}")
    if options.plot:
        plot(rows, options.plot)
        print(f"drawn in {options.plot}")
    return {"rows": rows, "autodiff": ours}


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
