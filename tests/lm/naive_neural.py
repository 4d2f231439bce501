"""Slow twins of the neural models, written from the formulas: one prediction, one step, one number at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def predictions(sentences: list[list[int]], boundary: int, order: int) -> list[tuple[list[int], int]]:
    """(the order − 1 words before, the word) of each word and sentence end; a sentence stands between boundaries."""
    found = []
    for sentence in sentences:
        padded = [boundary] * (order - 1) + sentence + [boundary]
        for place in range(order - 1, len(padded)):
            found.append((padded[place - order + 1 : place], padded[place]))
    return found


def bengio(parameters: dict[str, Any], context: list[int]) -> list[float]:
    """p(word | context) by y = b + U tanh(d + Hx) + Wx, the weights taken apart again from the stored arrays."""
    table, hidden, output = parameters["table"], parameters["hidden"], parameters["output"]
    x = [float(number) for word in context for number in table[word]]
    h = len(hidden)
    a = [math.tanh(row[-1] + sum(w * v for w, v in zip(row[:-1], x, strict=True))) for row in hidden.tolist()]
    direct = output.shape[1] > h + 1
    y = [
        row[-1]
        + sum(w * v for w, v in zip(row[:h], a, strict=True))
        + (sum(w * v for w, v in zip(row[h:-1], x, strict=True)) if direct else 0.0)
        for row in output.tolist()
    ]
    most = max(y)
    total = sum(math.exp(value - most) for value in y)
    return [math.exp(value - most) / total for value in y]


def momentum(x: float, gradients: list[float], rate: float, keep: float) -> float:
    """m = keep·m + g; x −= rate·m."""
    speed = 0.0
    for g in gradients:
        speed = keep * speed + g
        x -= rate * speed
    return x


def adam(x: float, gradients: list[float], rate: float) -> float:
    """Kingma & Ba (2015), algorithm 1 without its ε."""
    first = second = 0.0
    for t, g in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * g
        second = 0.999 * second + 0.001 * g * g
        if second > 0:
            x -= rate * (first / (1 - 0.9**t)) / math.sqrt(second / (1 - 0.999**t))
    return x


def markov(generator: Any, transitions: Any, sentences: int, length: int) -> list[list[str]]:
    """Sentences of a chain over words w0, w1, … whose row i of ``transitions`` follows word i, w0 first."""
    found = []
    for _ in range(sentences):
        state, words = 0, ["w0"]
        for _ in range(length - 1):
            state = int(generator.choice(len(transitions), p=transitions[state]))
            words.append(f"w{state}")
        found.append(words)
    return found


def chain_entropy(transitions: Any) -> float:
    """Nats of a step of the chain in its stationary state."""
    stationary = np.linalg.matrix_power(transitions, 200)[0]
    return float(-np.sum(stationary[:, None] * transitions * np.log(transitions)))
