"""The table of operations: for each, calls that between them reach every row and branch of its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from morphvec.rng import stream

RNG = stream(6)


def N(*shape: int) -> np.ndarray:
    """Normal numbers, none within 0.1 of the kinks at 0 and 1, no two alike."""
    x = RNG.normal(size=shape)
    return np.where(np.abs(x) < 0.1, x + 0.3, np.where(np.abs(x - 1) < 0.1, x + 0.3, x))


def P(*shape: int) -> np.ndarray:
    """Positive numbers between 0.5 and 2."""
    return RNG.uniform(0.5, 2.0, size=shape)


def SPD(*shape: int) -> np.ndarray:
    """Well-conditioned, not symmetric, matrices."""
    return RNG.normal(size=shape) * 0.3 + 2 * np.eye(shape[-1])


SELECT = RNG.random((3, 4)) < 0.5
IDS = np.array([[0, 2, 2], [4, 0, -1]])

# name: cases of (function of a namespace and its arguments, arguments). The namespace is numpy or ours.
Case = tuple[Callable[..., Any], tuple[Any, ...]]
CASES: dict[str, list[Case]] = {
    "add": [
        (lambda n, x, y: n.add(x, y), (N(3, 4), N(4))),
        (lambda n, x, y: x + y, (N(), N(2, 1))),
        (lambda n, x: 2.0 + x + np.ones(3), (N(2, 1),)),
    ],
    "subtract": [
        (lambda n, x, y: n.subtract(x, y), (N(3, 1), N(1, 4))),
        (lambda n, x: 2.0 - x, (N(3),)),
        (lambda n, x: np.arange(3.0) - x - [1.0, 2.0, 3.0], (N(2, 3),)),
    ],
    "multiply": [
        (lambda n, x, y: n.multiply(x, y), (N(2, 3, 4), N(3, 1))),
        (lambda n, x: 3 * x * x, (N(),)),
        (lambda n, x: np.float64(3) * x * np.arange(3), (N(3),)),
    ],
    "divide": [
        (lambda n, x, y: n.divide(x, y), (N(3, 4), P(4))),
        (lambda n, x: 1.0 / x / 2, (P(3),)),
        (lambda n, x: np.arange(3.0) / x, (P(2, 3),)),
    ],
    "power": [
        (lambda n, x, y: n.power(x, y), (P(3, 4), N(4))),
        (lambda n, x: x**2, (N(3),)),
        (lambda n, x: x**3 + x**-1 + x**0.5, (P(3),)),
        (lambda n, x: x**0 + x**1, (N(3),)),
        (lambda n, x: 2.0**x, (N(3),)),
        (lambda n, x: n.power(x, [0, 1, 2]), (N(2, 3),)),
        (lambda n, x: n.power(x, np.array([0.0, 3.0, 2.0])), (N(3),)),
    ],
    "negative": [(lambda n, x: n.negative(x), (N(3),)), (lambda n, x: +(-x), (N(2, 2),))],
    "reciprocal": [(lambda n, x: n.reciprocal(x), (P(3),))],
    "square": [(lambda n, x: n.square(x), (N(2, 3),))],
    "sqrt": [(lambda n, x: n.sqrt(x), (P(2, 3),))],
    "exp": [(lambda n, x: n.exp(x), (N(2, 3),))],
    "expm1": [(lambda n, x: n.expm1(x), (N(3),))],
    "log": [(lambda n, x: n.log(x), (P(2, 3),))],
    "log1p": [(lambda n, x: n.log1p(x), (P(3),))],
    "sin": [(lambda n, x: n.sin(x), (N(3),))],
    "cos": [(lambda n, x: n.cos(x), (N(3),))],
    "tanh": [(lambda n, x: n.tanh(x), (N(2, 3),))],
    "absolute": [(lambda n, x: n.absolute(x), (N(3),)), (lambda n, x: np.fabs(x), (N(3),))],
    "abs": [(lambda n, x: n.abs(x), (N(3),)), (lambda n, x: abs(x), (N(3),))],
    "maximum": [
        (lambda n, x, y: n.maximum(x, y), (N(3, 4), N(4))),
        (lambda n, x: n.maximum(x, 0.0), (N(5),)),
    ],
    "minimum": [
        (lambda n, x, y: n.minimum(x, y), (N(3, 1), N(4))),
        (lambda n, x: n.minimum(1.0, x), (N(5),)),
    ],
    "logaddexp": [(lambda n, x, y: n.logaddexp(x, y), (N(3, 4), N(4)))],
    "where": [
        (lambda n, x, y: n.where(SELECT, x, y), (N(3, 4), N(4))),
        (lambda n, x, y: n.where(SELECT, x, y), (N(), N(3, 1))),
        (lambda n, x: n.where(x > 0, x * x, 1.0), (N(5),)),
    ],
    "clip": [
        (lambda n, x: n.clip(x, -0.5, 0.5), (np.linspace(-1.3, 1.4, 8),)),
        (lambda n, x, a: n.clip(x, a, None), (np.linspace(-1.3, 1.4, 8), np.array(0.07))),
    ],
    "sum": [
        (lambda n, x: n.sum(x), (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=-1), (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=(0, 2), keepdims=True), (N(2, 3, 4),)),
        (lambda n, x: x.sum(0) * x, (N(2, 3),)),
        (lambda n, x: n.sum(x * x, axis=()), (N(2, 3),)),
        (lambda n, x: n.sum(x * x), (N(),)),
    ],
    "mean": [
        (lambda n, x: n.mean(x * x), (N(2, 3),)),
        (lambda n, x: n.mean(x * x, axis=(0, -1)), (N(2, 3, 4),)),
        (lambda n, x: x.mean(1, keepdims=True) * x, (N(2, 3),)),
    ],
    "var": [
        (lambda n, x: n.var(x), (N(2, 3),)),
        (lambda n, x: n.var(x, axis=0, ddof=1, keepdims=True), (N(4, 3),)),
        (lambda n, x: x.var(1), (N(2, 3),)),
    ],
    "std": [
        (lambda n, x: n.std(x), (N(2, 3),)),
        (lambda n, x: n.std(x, axis=(0, 1), ddof=1), (N(2, 3, 4),)),
        (lambda n, x: x.std(axis=0, keepdims=True), (N(4, 3),)),
    ],
    "prod": [
        (lambda n, x: n.prod(x), (N(2, 3),)),
        (lambda n, x: n.prod(x, axis=(0, 2), keepdims=True), (N(2, 3, 2),)),
        (lambda n, x: x.prod(axis=1), (N(2, 3),)),
        (lambda n, x: n.prod(x, axis=1), (np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0]]),)),
        (
            lambda n, x: n.prod(x, axis=(0, 2)),
            (np.where(np.arange(12).reshape(2, 3, 2) % 5, N(2, 3, 2), 0.0),),
        ),
        (lambda n, x: n.prod(x), (np.zeros(()),)),
    ],
    "max": [
        (lambda n, x: n.max(x), (N(2, 3),)),
        (lambda n, x: n.max(x, axis=(0, 2)), (N(2, 3, 4),)),
        (lambda n, x: x.max(1, keepdims=True) * x, (N(2, 3),)),
        (lambda n, x: n.max(x * x), (N(),)),
    ],
    "min": [
        (lambda n, x: n.min(x), (N(2, 3),)),
        (lambda n, x: x.min(axis=0) * x, (N(4, 3),)),
    ],
    "shape": [(lambda n, x: x * n.shape(x)[0], (N(3),))],
    "ndim": [(lambda n, x: x * n.ndim(x), (N(3),))],
    "size": [(lambda n, x: x * n.size(x) * x.size, (N(3),))],
    "reshape": [
        (lambda n, x: n.reshape(x, (3, -1)), (N(2, 6),)),
        (lambda n, x: n.reshape(x, shape=4) * x.reshape(4) * x.reshape((4,)), (N(2, 2),)),
        (lambda n, x: x.reshape(2, 3).reshape(-1), (N(6),)),
    ],
    "ravel": [(lambda n, x: n.ravel(x) * x.ravel() * x.flatten(), (N(2, 3),))],
    "transpose": [
        (lambda n, x: n.transpose(x), (N(2, 3),)),
        (lambda n, x: n.transpose(x, (2, 0, 1)) * x.transpose(-1, 0, 1), (N(2, 3, 4),)),
        (lambda n, x: x.T * x.transpose() * x.transpose((1, 0)), (N(2, 3),)),
    ],
    "swapaxes": [(lambda n, x: n.swapaxes(x, 0, -1) * x.swapaxes(0, 2), (N(2, 3, 4),))],
    "moveaxis": [(lambda n, x: n.moveaxis(x, (0, 1), (-1, 0)), (N(2, 3, 4),))],
    "expand_dims": [
        (lambda n, x: n.expand_dims(x, 1), (N(2, 3),)),
        (lambda n, x: n.expand_dims(x, axis=(0, -1)) * x, (N(3),)),
    ],
    "squeeze": [
        (lambda n, x: n.squeeze(x), (N(1, 3, 1),)),
        (lambda n, x: n.squeeze(x, axis=0) * x.squeeze(0), (N(1, 3, 1),)),
    ],
    "broadcast_to": [
        (lambda n, x: n.broadcast_to(x, (2, 3, 4)), (N(3, 1),)),
        (lambda n, x: n.broadcast_to(x, shape=(2,)), (N(),)),
    ],
    "astype": [(lambda n, x: x.astype(np.float64) * n.astype(x, np.float64), (N(3),))],
    "concatenate": [
        (lambda n, x, y: n.concatenate([x, y, x]), (N(2, 3), N(1, 3))),
        (lambda n, x, y: n.concatenate((x, y, np.ones((2, 1))), axis=-1), (N(2, 3), N(2, 1))),
        (lambda n, x, y: n.concatenate((x, y), axis=None), (N(2, 3), N(2))),
    ],
    "stack": [
        (lambda n, x, y: n.stack([x, y]), (N(3), N(3))),
        (lambda n, x, y: n.stack([x, y, np.ones((2, 3))], axis=-1), (N(2, 3), N(2, 3))),
        (lambda n, x: n.stack([x, 2.0 * x]), (N(),)),
    ],
    "matmul": [
        (lambda n, x, y: n.matmul(x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: x @ y, (N(3), N(3))),
        (lambda n, x, y: x @ y, (N(2, 3), N(3))),
        (lambda n, x, y: x @ y, (N(3), N(3, 2))),
        (lambda n, x, y: x @ y, (N(5, 2, 3), N(3, 4))),
        (lambda n, x, y: x @ y, (N(5, 2, 3), N(3))),
        (lambda n, x, y: x @ y, (N(3), N(5, 3, 2))),
        (lambda n, x, y: x @ y, (N(2, 3), N(5, 3, 2))),
        (lambda n, x, y: x @ y, (N(5, 1, 2, 3), N(4, 3, 2))),
        (lambda n, x: np.ones((2, 3)) @ x @ np.ones((2, 2)), (N(3, 2),)),
    ],
    "dot": [
        (lambda n, x, y: n.dot(x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.dot(x, y), (N(2, 3), N(5, 3, 4))),
        (lambda n, x: x.dot(np.arange(3.0)), (N(2, 5, 3),)),
        (lambda n, x, y: n.dot(x, y), (N(), N(3))),
        (lambda n, x, y: n.dot(x, y), (N(4), N(4))),
    ],
    "outer": [(lambda n, x, y: n.outer(x, y), (N(3), N(2, 2)))],
    "tensordot": [
        (lambda n, x, y: n.tensordot(x, y), (N(2, 3, 4), N(3, 4, 2))),
        (lambda n, x, y: n.tensordot(x, y, 1), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.tensordot(x, y, axes=0), (N(2), N(3))),
        (lambda n, x, y: n.tensordot(x, y, axes=([0, -1], [2, 0])), (N(2, 3, 4), N(4, 5, 2))),
        (lambda n, x, y: n.tensordot(x, y, axes=(-1, 0)), (N(2, 3), N(3, 4))),
    ],
    "einsum": [
        (lambda n, x, y: n.einsum("ij,jk->ik", x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y: n.einsum("ij,jk", x, y), (N(2, 3), N(3, 4))),
        (lambda n, x, y, z: n.einsum("bi, ij, bj -> b", x, y, z), (N(4, 2), N(2, 3), N(4, 3))),
        (lambda n, x: n.einsum("ij->j", x), (N(2, 3),)),
        (lambda n, x: n.einsum("ijk->", x * x), (N(2, 3, 2),)),
        (lambda n, x: n.einsum("ii", x), (N(3, 3),)),
        (lambda n, x: n.einsum("ii->i", x), (N(3, 3),)),
        (lambda n, x, y: n.einsum("iji,j->i", x, y), (N(3, 2, 3), N(2))),
        (lambda n, x: n.einsum("iii->i", x), (N(2, 2, 2),)),
        (lambda n, x: n.einsum("ij,ij->ij", x, x), (N(2, 3),)),
        (lambda n, x, y: n.einsum("...ij,...jk->...ik", x, y), (N(5, 2, 3), N(4, 1, 3, 2))),
        (lambda n, x, y: n.einsum("...i,i", x, y), (N(2, 4, 3), N(3))),
        (lambda n, x, y: n.einsum("ij,jk->ki", x, y), (N(2, 1), N(3, 4))),
        (lambda n, x, y: n.einsum("ab,ab->b", x, y), (N(1, 3), N(2, 3))),
        (lambda n, x, y: n.einsum(",i->i", x, y), (N(), N(3))),
    ],
    "getitem": [
        (lambda n, x: x[1], (N(3, 4),)),
        (lambda n, x: x[-1, 2:0:-1] * x[..., None, 0, 1:3], (N(3, 4),)),
        (lambda n, x: x[IDS], (N(5, 2),)),
        (lambda n, x: x[IDS], (N(5),)),
        (lambda n, x: x[:, IDS], (N(2, 5),)),
        (lambda n, x: x[IDS, [0, 1, 0]], (N(5, 2),)),
        (lambda n, x: x[SELECT] * 2.0, (N(3, 4),)),
        (lambda n, x: x[[1, 1, 0]], (N(3),)),
        (lambda n, x: x[[]], (N(3, 2),)),
        (lambda n, x: x[()] * x[None], (N(),)),
        (lambda n, x: sum(row * row for row in x), (N(3, 2),)),
    ],
    "take": [
        (lambda n, x: n.take(x, IDS), (N(2, 3),)),
        (lambda n, x: n.take(x, [0, 2, 0], axis=1), (N(2, 3),)),
        (lambda n, x: n.take(x, 1, axis=-1), (N(2, 3),)),
    ],
    "diag": [
        (lambda n, x: n.diag(x), (N(3, 4),)),
        (lambda n, x: n.diag(x, -1), (N(3, 2),)),
        (lambda n, x: n.diag(x, k=5), (N(3, 2),)),
        (lambda n, x: n.diag(x), (N(3),)),
        (lambda n, x: n.diag(x, k=-2), (N(3),)),
    ],
    "trace": [
        (lambda n, x: n.trace(x @ x), (N(3, 3),)),
        (lambda n, x: n.trace(x * x, offset=1), (N(3, 4, 2),)),
    ],
    "linalg.norm": [
        (lambda n, x: n.linalg.norm(x), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, axis=1, keepdims=True), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, 2), (N(4),)),
        (lambda n, x: n.linalg.norm(x, "fro", axis=(0, 2)), (N(2, 3, 2),)),
        (lambda n, x: n.linalg.norm(x, "fro"), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, 1, axis=0), (N(2, 3),)),
        (lambda n, x: n.linalg.norm(x, np.inf), (N(5),)),
    ],
    "linalg.inv": [
        (lambda n, x: n.linalg.inv(x), (SPD(3, 3),)),
        (lambda n, x: n.linalg.inv(x), (SPD(2, 2, 2),)),
    ],
    "linalg.solve": [
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(3))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(3, 2))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(2, 3, 3), N(3))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(2, 3, 3), N(3, 4))),
        (lambda n, a, b: n.linalg.solve(a, b), (SPD(3, 3), N(2, 3, 1))),
    ],
}
DISTRIBUTION = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
OURS: dict[str, list[Case]] = {  # what NumPy does not have
    "sigmoid": [(lambda n, x: n.sigmoid(x), (N(2, 3),))],
    "log_sigmoid": [(lambda n, x: n.log_sigmoid(x), (N(3),))],
    "softplus": [(lambda n, x: n.softplus(x), (N(3),))],
    "relu": [(lambda n, x: n.relu(x) * x, (N(2, 3),))],
    "logsumexp": [
        (lambda n, x: n.logsumexp(x), (N(2, 3),)),
        (lambda n, x: n.logsumexp(x, axis=1), (N(2, 3),)),
        (lambda n, x: n.logsumexp(x, axis=(0, -1), keepdims=True), (N(2, 3, 2),)),
    ],
    "softmax": [
        (lambda n, x: n.softmax(x), (N(2, 3),)),
        (lambda n, x: n.softmax(x, axis=0), (N(2, 3, 2),)),
    ],
    "log_softmax": [
        (lambda n, x: n.log_softmax(x), (N(2, 3),)),
        (lambda n, x: n.log_softmax(x, axis=1), (N(2, 3, 2),)),
    ],
    "cross_entropy": [
        (lambda n, x: n.cross_entropy(x, np.array([2, 0])), (N(2, 3),)),
        (lambda n, x: n.cross_entropy(x, 1), (N(3),)),
        (lambda n, x: n.cross_entropy(x.T, np.array([1, 1, 0])), (N(2, 3),)),
        (lambda n, x: n.cross_entropy(x, np.array([[0, 1], [2, 2]])), (N(2, 2, 3),)),
        (lambda n, x: n.cross_entropy(x, DISTRIBUTION), (N(2, 3),)),
        (lambda n, x, t: n.cross_entropy(x, t), (N(2, 3), P(2, 3))),
    ],
    "binary_cross_entropy": [
        (lambda n, x: n.binary_cross_entropy(x, np.array([True, False, True])), (N(2, 3),)),
        (lambda n, x, t: n.binary_cross_entropy(x, t), (N(3), P(3))),
    ],
    "array": [
        (lambda n, x: n.array([[x[0], 1.0], [2.0, x[1] * x[2]]]), (N(3),)),
        (lambda n, x: n.array(x) * n.array(x, np.float64) * n.array([1.0, 2.0]), (N(2),)),
    ],
    "norm": [(lambda n, x: n.norm(x), (N(2, 3),))],
}

EMPTY: list[Case] = [
    (lambda n, x, y: x * y + x / (y + 1.0) - n.maximum(x, y), (N(0, 3), N(1, 3))),
    (lambda n, x: n.sum(n.tanh(x)), (N(0),)),
    (lambda n, x: n.sum(x, axis=0), (N(0, 3),)),
    (lambda n, x: n.mean(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.var(x, axis=1) + n.std(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.prod(x, axis=0), (N(0, 3),)),
    (lambda n, x: n.max(x, axis=1), (N(0, 3),)),
    (lambda n, x, y: x @ y, (N(0, 3), N(3, 2))),
    (lambda n, x, y: x @ y, (N(2, 0), N(0, 3))),
    (lambda n, x, y: x @ y, (N(0, 2, 3), N(3, 2))),
    (lambda n, x, y: n.einsum("ij,jk->ik", x, y), (N(2, 0), N(0, 3))),
    (lambda n, x, y: n.tensordot(x, y, 1), (N(2, 0), N(0, 3))),
    (lambda n, x, y: n.concatenate([x, y]), (N(0, 3), N(2, 3))),
    (lambda n, x: n.stack([x, x]), (N(0),)),
    (lambda n, x: n.reshape(n.transpose(x), (0, 5)), (N(3, 0),)),
    (lambda n, x: n.where(np.zeros((0, 3), bool), x, 1.0), (N(3),)),
    (lambda n, x: x[np.zeros((0, 2), int)], (N(4, 3),)),
    (lambda n, x: n.diag(x), (N(0),)),
    (lambda n, x: n.linalg.norm(x, axis=1), (N(0, 3),)),
]
EMPTY_OURS: list[Case] = [
    (lambda n, x: n.softmax(x) + n.log_softmax(x), (N(0, 3),)),
    (lambda n, x: n.logsumexp(x, axis=1), (N(0, 3),)),
    (lambda n, x: n.cross_entropy(x, np.zeros(0, int)), (N(0, 3),)),
]
