"""Slow twins, written from the definitions: one number at a time, no vjp anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def gradient(f: Callable[[Any], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Two-sided differences, one coordinate after the other."""
    out = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[place] = step
        out[place] = (f(x + h) - f(x - h)) / (2 * step)
    return out


def hessian(gradient_of: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Rows ∂(gradient)/∂x_i of a vector x, by two-sided differences of a gradient."""
    basis = step * np.eye(x.size)
    return np.array([(gradient_of(x + h) - gradient_of(x - h)) / (2 * step) for h in basis])


def scatter_add(values: np.ndarray, index: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Each value goes to the place that x[index] reads it from: read an array of place numbers instead."""
    places = np.arange(math.prod(shape)).reshape(shape)[index]
    out = np.zeros(math.prod(shape))
    for place, value in zip(np.ravel(places), np.ravel(values), strict=True):
        out[place] += value
    return out.reshape(shape)


def sum_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Every number of g goes to the number of ``shape`` that broadcasting had copied there."""
    source = np.broadcast_to(np.arange(math.prod(shape)).reshape(shape), g.shape)
    out = np.zeros(math.prod(shape))
    for place, value in zip(source.ravel(), g.ravel(), strict=True):
        out[place] += value
    return out.reshape(shape)


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def cross_entropy(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.array([-math.log(softmax(list(row))[i]) for row, i in zip(logits, ids, strict=True)])
