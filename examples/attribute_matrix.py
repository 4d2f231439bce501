"""The lecture's table of word attributes as the first layer of a network that predicts the next word.

    python examples/attribute_matrix.py

One matrix says which attributes a word has, another how an attribute pushes each next word (+, −); a one-hot word, the
two matrices and a softmax are a network. Then a network of the same shape learns the same predictions from a random
start, and its hidden units need not look like attributes at all.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.autodiff import numpy as anp
from morphvec.lm.mlp import Layer, MlpOptions, Network, fit
from morphvec.lm.optimise import StepOptions

WORDS = ("students", "colleges", "legislators", "schoolhouse")
ATTRIBUTES = ("academic", "politics", "plural", "person", "building")
NEXT = ("bill", "is", "are", "papers", "built", "standing")
HAS = np.array([[1, 0, 1, 1, 0], [1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [1, 0, 0, 0, 1]], float)
PUSHES = np.array(
    [
        [-1, 0, 0, +1, 0, 0],  # academic
        [+1, 0, 0, -1, 0, 0],  # politics
        [0, -1, +1, 0, 0, 0],  # plural
        [0, 0, 0, 0, 0, +1],  # person
        [0, 0, 0, 0, +1, +1],  # building
    ],
    float,
)
NETWORK = Network(len(WORDS), (Layer(len(ATTRIBUTES), bias=False), Layer(len(NEXT), bias=False)))


def predictions(weights: Any) -> Any:
    """p(next word | word) [4, 6]."""
    return anp.softmax(NETWORK.outputs(weights, np.arange(len(WORDS))))


def main() -> dict[str, Any]:
    """Print the table of both networks, and return it with the cross-entropy between them."""
    by_hand = predictions((HAS, PUSHES))
    options = MlpOptions(epochs=250, seed=1, steps=StepOptions("adam", 0.1, "cosine"))
    fitted = fit(NETWORK, np.arange(len(WORDS)), by_hand, options)
    learned = predictions(fitted.weights)
    entropy = float(-np.mean(np.sum(by_hand * np.log(by_hand), axis=1)))
    excess = float(fitted.history[-1]["total"]) - entropy
    print("p(next word | word): by the lecture's two matrices, and learned from a random start")
    print(" " * 14 + "".join(f"{word:>16}" for word in NEXT))
    for word, hand, own in zip(WORDS, by_hand, learned, strict=True):
        print(f"{word:14}" + "".join(f"{p:9.3f}{q:7.3f}" for p, q in zip(hand, own, strict=True)))
    print(f"cross-entropy above the least possible {entropy:.4f} nats: {excess:.1e}")
    print("what the learned first layer says of the words (no column is an attribute):")
    for word, row in zip(WORDS, fitted.weights[0], strict=True):
        print(f"{word:14}" + "".join(f"{value:8.2f}" for value in row))
    return {"by hand": by_hand, "learned": learned, "excess": excess}


if __name__ == "__main__":
    main()
