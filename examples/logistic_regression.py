"""The lecture's logistic regression by gradient descent, as its slide writes it, and as the model is meant.

    python examples/logistic_regression.py

The slide calls ½(tanh x + 1) a sigmoid. It is σ(2x): the loss is still a proper one, but its weights are half as large and
a step of rate r moves the predictions as a step of rate 4r does in the usual model. The slide gives no data; ours are
80 points with 3 features, whose labels follow a plane with some noise.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.lm.mlp import Layer, MlpOptions, Network, fit
from morphvec.lm.optimise import StepOptions
from morphvec.rng import stream

STEPS, RATE = 100, 0.01


def data() -> tuple[Any, Any]:
    """inputs [80, 3], targets [80] of 0 and 1."""
    generator = stream(3)
    inputs = generator.normal(size=(80, 3))
    plane = inputs @ np.array([1.0, -2.0, 0.5])
    return inputs, (plane + 0.8 * generator.normal(size=80) > 0).astype(float)


def slide_sigmoid(x: Any) -> Any:
    """½(tanh x + 1), which is σ(2x)."""
    return 0.5 * (anp.tanh(x) + 1)


def descend(sigmoid: Any, inputs: Any, targets: Any, rate: float) -> tuple[Any, float, float]:
    """The slide's program: weights after the steps, loss before and after, in nats."""

    def training_loss(weights: Any) -> Any:
        preds = sigmoid(anp.dot(inputs, weights))
        label_probabilities = preds * targets + (1 - preds) * (1 - targets)
        return -anp.sum(anp.log(label_probabilities))

    weights = np.zeros(3)
    first = float(training_loss(weights))
    gradient = grad(training_loss)
    for _ in range(STEPS):
        weights = weights - gradient(weights) * rate
    return weights, first, float(training_loss(weights))


def main() -> dict[str, Any]:
    """Print the three runs, and return their figures."""
    inputs, targets = data()
    rows = len(inputs)
    slide, first, last = descend(slide_sigmoid, inputs, targets, RATE)
    usual, _, usual_last = descend(anp.sigmoid, inputs, targets, RATE)
    faster, _, _ = descend(anp.sigmoid, inputs, targets, 4 * RATE)
    # The same model as a network of one unit; its loss is a mean over the rows, so the rate is N times as large.
    network = Network(3, (Layer(1, bias=False),), "binary-cross-entropy")
    options = MlpOptions(epochs=STEPS, steps=StepOptions("sgd", RATE * rows, momentum=0.0))
    fitted = fit(network, inputs, targets[:, None], options, weights=(np.zeros((3, 1)),))
    correct = float(np.mean((inputs @ usual > 0) == targets))
    print(f"{rows} points; a guess of ½ for each costs {rows}·ln 2 = {rows * np.log(2):.4f} nats")
    for name, weights, loss in (
        ("as on the slide, σ(2x)", slide, last),
        ("with σ(x)", usual, usual_last),
        ("as a network", fitted.weights[0][:, 0], fitted.history[-1]["total"] * rows),
    ):
        numbers = " ".join(f"{weight:8.4f}" for weight in weights)
        print(f"  {name:24} loss {first:.4f} -> {loss:.4f} nats   weights {numbers}")
    print(f"  twice the slide's weights = σ(x) at rate 4r, to {np.abs(2 * slide - faster).max():.1e}")
    print(f"  labels on the right side of the plane: {correct:.3f}")
    return {
        "first": first,
        "slide": last,
        "usual": usual_last,
        "network": float(fitted.history[-1]["total"] * rows),
        "weights": usual,
        "network weights": fitted.weights[0][:, 0],
        "doubled": float(np.abs(2 * slide - faster).max()),
        "correct": correct,
    }


if __name__ == "__main__":
    main()
