"""The gradient of a validation loss with respect to learning rate and ridge, through the whole of training.

    python examples/hypergradient.py

A ridge regression is trained by 60 steps of gradient descent with momentum, written with traced operations; the validation
loss is then a function of (ln rate, ln ridge) like any other, and can itself be descended. Each step of training holds a
gradient, so that the outer one is a second derivative. Source: Maclaurin, Duvenaud & Adams, Gradient-based
Hyperparameter Optimization through Reversible Learning (2015), §2, without its reversal.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from morphvec.autodiff import central_difference, grad, value_and_grad
from morphvec.autodiff import numpy as anp
from morphvec.rng import stream

START = np.log(np.array([0.001, 1.0]))  # a rate that is too low, a ridge that is too high


def problem(rows: int = 40, columns: int = 20, steps: int = 60) -> Callable[[Any], Any]:
    """(ln rate, ln ridge) -> the mean squared error on held-out rows after training."""
    generator = stream(4)
    true = generator.normal(size=columns) * (np.arange(columns) < columns // 4)  # few columns matter
    x, held_x = generator.normal(size=(rows, columns)), generator.normal(size=(4 * rows, columns))
    y, held_y = (z @ true + generator.normal(size=len(z)) for z in (x, held_x))

    def training_loss(w: Any, ridge: Any) -> Any:
        return anp.mean((x @ w - y) ** 2) + ridge * anp.sum(w**2)

    def validation_loss(setting: Any) -> Any:
        rate, ridge = anp.exp(setting[0]), anp.exp(setting[1])
        w, speed = np.zeros(columns), np.zeros(columns)
        for _ in range(steps):
            speed = 0.8 * speed - rate * grad(training_loss)(w, ridge)
            w = w + speed
        return anp.mean((held_x @ w - held_y) ** 2)

    return validation_loss


def compare(loss: Callable[[Any], Any], at: Any, step: float = 1e-5) -> tuple[Any, Any]:
    """The hypergradient at ``at`` by autodiff and by two-sided differences, [2] each."""
    return grad(loss)(at), np.array([central_difference(loss, at, v, step) for v in np.eye(2)])


def descend(loss: Callable[[Any], Any], steps: int, rate: float = 0.3) -> list[tuple[float, float, float]]:
    """(learning rate, ridge, validation loss) before each outer step and after the last."""
    both, at, path = value_and_grad(loss), START.copy(), []
    for _ in range(steps):
        value, gradient = both(at)
        path.append((*np.exp(at).tolist(), float(value)))
        at = at - rate * gradient / max(1.0, float(np.linalg.norm(gradient)))
    return [*path, (*np.exp(at).tolist(), float(loss(at)))]


def main(outer: int = 15, **size: int) -> dict[str, Any]:
    """Print the comparison and the descent, and return their figures."""
    loss = problem(**size)
    ours, differences = compare(loss, START)
    print("derivative of the validation loss by     autodiff     differences")
    for name, a, b in zip(("ln learning rate", "ln ridge"), ours, differences, strict=True):
        print(f"  {name:36} {a:+.8f}  {b:+.8f}")
    path = descend(loss, outer)
    print("learning rate    ridge   validation loss")
    for number, (rate, ridge, value) in enumerate(path):
        if number % 5 == 0 or number == len(path) - 1:
            print(f"{rate:13.4f} {ridge:8.4f} {value:17.4f}")
    return {"autodiff": ours, "differences": differences, "path": path}


if __name__ == "__main__":
    main()
