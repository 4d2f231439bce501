"""Softmax and the losses on top of it, in nats, each stable for logits of any size.

Source: Bridle, Probabilistic interpretation of feedforward classification network outputs (1990), for
softmax with cross-entropy; CSC421 lecture 3 ("Neural Language Model": -Σ t ln y).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.autodiff.backward import defvjp
from morphvec.autodiff.ops.elementwise import exp, logaddexp
from morphvec.autodiff.ops.reductions import logsumexp
from morphvec.autodiff.ops.shapes import expand_dims, shape_of, sum_
from morphvec.autodiff.tracer import Node, Value, plain, primitive
from morphvec.errors import MorphvecError


@primitive
def softmax(x: Value, axis: int = -1) -> Any:
    """eˣ / Σeˣ: probabilities along ``axis``, in the shape of x."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    powers /= np.sum(powers, axis=axis, keepdims=True)
    return powers


@primitive
def log_softmax(x: Value, axis: int = -1) -> Any:
    """x - ln Σeˣ: log-probabilities in nats along ``axis``, in the shape of x."""
    return x - logsumexp.raw(x, axis, True)


def _softmax(g: Value, out: Value, x: Value, axis: int = -1) -> Value:
    return out * (g - sum_(g * out, axis, True))


defvjp(softmax, _softmax)
defvjp(log_softmax, lambda g, out, x, axis=-1: g - exp(out) * sum_(g, axis, True))


@primitive
def id_loss(logits: Value, ids: Any) -> Any:
    """-ln softmax(logits) at ``ids`` (...): logits (..., V) in nats."""
    chosen = np.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]
    return logsumexp.raw(logits, -1) - chosen


@primitive
def id_error(logits: Value, ids: Any) -> Any:
    """softmax(logits) less one at ``ids``: the gradient of ``id_loss``, in one array."""
    error, places = softmax.raw(logits), ids[..., None]
    np.put_along_axis(error, places, np.take_along_axis(error, places, -1) - 1, -1)
    return error


defvjp(id_loss, lambda g, out, logits, ids: expand_dims(g, -1) * id_error(logits, ids))
defvjp(id_error, lambda g, out, logits, ids: _softmax(g, softmax(logits), logits))


def cross_entropy(logits: Value, targets: Value) -> Value:
    """-Σ t ln softmax(logits) over the last axis, in nats, one loss for each row; sum or average it yourself.

    logits (..., V); targets integer (...) in 0…V-1, or floating (..., V) distributions that may be traced.
    Raises MorphvecError for a target outside 0…V-1, or targets of another shape.
    """
    size = shape_of(logits)
    if type(targets) is not Node:
        targets = np.asarray(targets)
        if targets.dtype.kind in "iu":
            if not size or targets.shape != size[:-1]:
                raise _misfit(targets.shape, size[:-1])
            if targets.size and not (targets.min() >= 0 and targets.max() < size[-1]):
                raise MorphvecError(
                    f"target ids from {targets.min()} to {targets.max()}",
                    f"the logits are for ids 0 to {size[-1] - 1}",
                    "check the vocabulary that the ids come from",
                )
            return id_loss(logits, targets)
        targets = _like(targets, logits)
    if targets.shape != size:
        raise _misfit(targets.shape, size)
    return -sum_(targets * log_softmax(logits), -1)


def _like(targets: Any, logits: Value) -> Any:
    """Plain targets in the type of the logits: float64 targets would turn a float32 loss into float64."""
    return np.asarray(targets).astype(np.asarray(plain(logits)).dtype)


def _misfit(found: tuple[int, ...], wanted: tuple[int, ...]) -> MorphvecError:
    return MorphvecError(
        f"targets of shape {found}",
        f"these logits need shape {wanted}",
        "one id or one distribution for each row",
    )


def binary_cross_entropy(logits: Value, targets: Value) -> Value:
    """-t ln σ(x) - (1-t) ln(1-σ(x)) = ln(1+eˣ) - tx, in nats, element by element; t is 0, 1 or between."""
    if type(targets) is not Node:
        targets = _like(targets, logits)
    return logaddexp(logits, 0.0) - targets * logits
