"""The worked figures of a text-analytics exercise, by hand-set networks: one backpropagation step, one softmax loss.

    python examples/exercise_network.py [PICTURE.svg]

A network of 3 inputs, 2 hidden and 2 output units, all sigmoid, all weights 1, takes one step of rate 1 on two examples
under L = ½·(1/N)ΣΣ(t − y)². Then the loss of the skip-gram pair (Frodo, ring) in a vocabulary of six words.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from morphvec.autodiff.picture import draw
from morphvec.lm.mlp import Layer, MlpOptions, Network, fit
from morphvec.lm.optimise import StepOptions

INPUTS = np.array([[-1.0, 0.0, 2.0], [2.0, 1.0, 1.0]])
TARGETS = np.array([[0.0, 1.0], [1.0, 0.0]])
SIGMOIDS = Network(3, (Layer(2, "sigmoid", bias=False), Layer(2, "sigmoid", bias=False)), "squared")

WORDS = ("Daenerys", "Frodo", "ring", "dragon", "Picard", "ship")
W = np.array(
    [
        [0.54, 0.25, 0.07],
        [0.91, 0.74, 0.27],
        [0.58, 0.00, 0.05],
        [0.16, 0.77, 0.31],
        [0.10, 0.54, 0.32],
        [0.59, 0.99, 0.06],
    ]
)
W_CONTEXT = np.array(
    [
        [0.19, 0.64, 0.98],
        [0.17, 0.42, 0.47],
        [0.55, 0.24, 0.92],
        [0.89, 0.58, 0.13],
        [0.31, 0.73, 0.48],
        [0.49, 0.20, 0.54],
    ]
)
# Skip-gram with a full softmax is a network too: look a row of W up, multiply by every row of W'.
SKIP_GRAM = Network(6, (Layer(3, bias=False), Layer(6, bias=False)))


def one_step() -> dict[str, float]:
    """Outputs before the step, and the two weights that the exercise asks for after it."""
    ones = tuple(np.ones(shape) for shape in SIGMOIDS.shapes.values())
    (hidden, outputs) = SIGMOIDS.units(ones, INPUTS)
    plain = MlpOptions(epochs=1, steps=StepOptions("sgd", learning_rate=1.0, momentum=0.0))
    first, second = fit(SIGMOIDS, INPUTS, TARGETS, plain, weights=ones).weights
    return {
        "h of example 1": float(hidden[0, 0]),
        "h of example 2": float(hidden[1, 0]),
        "y of example 1": float(outputs[0, 0]),
        "y of example 2": float(outputs[1, 0]),
        "w12(2)": float(second[0, 1]),  # from hidden unit 1 to output 2
        "w22(1)": float(first[1, 1]),  # from input 2 to hidden unit 2
    }


def softmax_loss() -> dict[str, float]:
    """The loss of (Frodo, ring) in nats, and what comes out if the target is left out of the denominator."""
    frodo, ring = WORDS.index("Frodo"), WORDS.index("ring")
    source, target = np.array([frodo]), np.array([ring])
    weights = (W, np.ascontiguousarray(W_CONTEXT.T))
    logits = SKIP_GRAM.outputs(weights, source)[0]
    loss, (_, context) = SKIP_GRAM.gradient(weights, source, target)
    return {
        "logit of ring": float(logits[ring]),
        "loss": loss,
        "loss without the target's own term": float(
            np.log(np.exp(np.delete(logits, ring)).sum()) - logits[ring]
        ),
        "rows of W' that move": int(np.count_nonzero(np.abs(context).sum(axis=0))),
    }


def picture() -> str:
    """What the first network does to its weights on the first example, as SVG text."""
    return draw(
        lambda w, v: SIGMOIDS.units((w, v), INPUTS[:1])[-1],
        np.ones((3, 2)),
        np.ones((2, 2)),
        names=("W", "V"),
    ).svg()


def main(arguments: Sequence[str] = ()) -> dict[str, float]:
    """Print both, draw the first network where a file is named, and return the figures."""
    step, loss = one_step(), softmax_loss()
    print("One step of rate 1, all weights 1")
    for name, value in step.items():
        print(f"  {name:36} {value:.5f}")
    print("  (the source prints 0.965 and 0.99987: rounded inputs, and once 0.98 where 0.88 belongs)")
    print("Cross-entropy of the pair (Frodo, ring)")
    for name, value in loss.items():
        print(f"  {name:36} {value:.5g}")
    print("  (the source prints 1.60, and says that Frodo's own row of W' stays: the softmax moves all six)")
    for file in arguments:
        Path(file).write_text(picture(), encoding="utf-8")
    return step | loss


if __name__ == "__main__":
    main(sys.argv[1:])
