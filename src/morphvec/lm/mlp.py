"""Dense networks: h⁽ᵏ⁾ = f(h⁽ᵏ⁻¹⁾W⁽ᵏ⁾ + b⁽ᵏ⁾), trained by gradients of morphvec.autodiff through the one loop.

W⁽ᵏ⁾[i, j] is the weight from unit i of the layer below to unit j (w_{i,j}⁽ᵏ⁾ of exercise 002, counted from 1 there).
Source: exercise 002 ("Fully-Connected Neural Networks", "Backpropagation"); CSC421 lecture 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d
from morphvec.autodiff import numpy as anp
from morphvec.autodiff import value_and_grad
from morphvec.engine.base import even_blocks
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import InputError, OptionError
from morphvec.lm.optimise import Optimiser, StepOptions
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream
from morphvec.training import Keeper, LoopOptions, run

Weights = tuple[NDArray[np.floating[Any]], ...]


def _squared(outputs: Any, targets: Any) -> Any:
    return 0.5 * anp.mean(anp.sum((targets - outputs) ** 2, axis=-1))


def _cross_entropy(outputs: Any, targets: Any) -> Any:
    return anp.mean(anp.cross_entropy(outputs, targets))


def _binary_cross_entropy(outputs: Any, targets: Any) -> Any:
    return anp.mean(anp.sum(anp.binary_cross_entropy(outputs, targets), axis=-1))


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "sigmoid": anp.sigmoid,
    "tanh": anp.tanh,
    "relu": anp.relu,
}
# Means over the N rows: ½‖t − y‖², −Σ t ln softmax(y), −Σ t ln σ(y) + (1 − t) ln(1 − σ(y)); the last two of logits y.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": _squared,
    "cross-entropy": _cross_entropy,
    "binary-cross-entropy": _binary_cross_entropy,
}


@dataclass(frozen=True)
class Layer:
    """outputs: number of units. activation: linear, sigmoid, tanh or relu. bias: whether each unit adds a number."""

    outputs: int
    activation: str = "linear"
    bias: bool = True

    def __post_init__(self) -> None:
        _choice("activation", self.activation, ACTIVATIONS)
        _least("outputs", self.outputs)


@dataclass(frozen=True)
class Network:
    """inputs: numbers of an input row, or how many ids there are. loss: squared, cross-entropy or binary-cross-entropy,
    the last two on a last layer of logits (linear). Raises OptionError for anything else."""

    inputs: int
    layers: tuple[Layer, ...]
    loss: str = "cross-entropy"

    def __post_init__(self) -> None:
        _choice("loss", self.loss, LOSSES)
        _least("inputs", self.inputs)
        _least("layers", len(self.layers))
        if self.loss != "squared" and self.layers[-1].activation != "linear":
            raise OptionError(
                f"loss={self.loss!r} after activation={self.layers[-1].activation!r}",
                "a cross-entropy is taken of logits",
                "make the last layer linear",
            )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of each weight, in the order of ``Weights``: weight1, bias1, weight2, …"""
        sizes = (self.inputs, *(layer.outputs for layer in self.layers))
        shapes: dict[str, tuple[int, ...]] = {}
        for number, (size, layer) in enumerate(zip(pairwise(sizes), self.layers, strict=True), 1):
            shapes[f"weight{number}"] = size
            if layer.bias:
                shapes[f"bias{number}"] = size[1:]
        return shapes

    def start(self, seed: int = 0, dtype: str = "float64") -> Weights:
        """First weights: uniform within ±√(6/(in + out)) (Glorot & Bengio 2010, eq. 16), biases 0."""
        generator = stream(seed)
        reaches = [np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.0 for shape in self.shapes.values()]
        return tuple(
            generator.uniform(-reach, reach, shape).astype(dtype)
            for reach, shape in zip(reaches, self.shapes.values(), strict=True)
        )

    def units(self, weights: Any, x: Any) -> list[Any]:
        """The values of every layer [N, outputs], the last one's are the network's.

        x: float [N, inputs]; or integers [N], each standing for the input row that is 1 there and 0 elsewhere, so that
        the first product is a look-up. Works on traced weights.
        """
        remaining, values = iter(weights), [x]
        for number, layer in enumerate(self.layers):
            weight = next(remaining)
            ids = number == 0 and np.asarray(anp.stop_gradient(x)).dtype.kind in "iu"
            total = weight[x] if ids else values[-1] @ weight
            values.append(ACTIVATIONS[layer.activation](total + next(remaining) if layer.bias else total))
        return values[1:]

    def outputs(self, weights: Any, x: Any) -> Any:
        """The values of the last layer [N, outputs]: see ``units``."""
        return self.units(weights, x)[-1]

    def cost(self, weights: Any, x: Any, targets: Any) -> Any:
        """The loss, a mean over the N rows, in nats for a cross-entropy; targets as ``check`` says."""
        return LOSSES[self.loss](self.outputs(weights, x), targets)

    def gradient(self, weights: Weights, x: Any, targets: Any) -> tuple[float, Weights]:
        """(loss, its gradient with respect to each weight)."""
        places = tuple(range(len(weights)))
        value, gradients = value_and_grad(lambda *free: self.cost(free, x, targets), places)(*weights)
        return float(value), gradients

    def check(self, x: Any, targets: Any) -> None:
        """Raise InputError unless there is a target for each row: float [N, outputs], or for cross-entropy ids [N]."""
        ids = x.dtype.kind in "iu"
        fits = x.shape[1:] == (() if ids else (self.inputs,)) and len(x) == len(targets) > 0
        if ids and fits:
            fits = bool(x.min() >= 0 and x.max() < self.inputs)
        out = self.layers[-1].outputs
        wanted: tuple[tuple[int, ...], ...] = ((len(x), out),)
        if self.loss == "cross-entropy":
            wanted += ((len(x),),)
        if not fits or targets.shape not in wanted:
            raise InputError(
                f"inputs of shape {x.shape} and targets of shape {targets.shape}",
                f"this network takes {self.inputs} numbers, or ids below that, and gives {out}; a target for each row",
                "bring them into these shapes",
            )


@dataclass(frozen=True)
class MlpOptions:
    """epochs: passes over the rows. batch: rows of a step, drawn anew each epoch (0: all of them). tolerance, patience:
    see LoopOptions. steps: how a step is made. seed: of the draws."""

    epochs: int = 100
    batch: int = 0
    tolerance: float = 0.0
    patience: int = 0
    seed: int = 0
    steps: StepOptions = field(default_factory=StepOptions)

    def __post_init__(self) -> None:
        if self.batch < 0:
            raise OptionError(f"batch={self.batch}", "it is 0 (all rows) or more", "give another --batch")
        LoopOptions(self.epochs, self.tolerance, self.patience)


@dataclass(frozen=True)
class Fitted:
    """Weights after training and the loop's history, one entry for each epoch."""

    weights: Weights
    history: tuple[Mapping[str, Any], ...]


class MlpTrainer:
    """What the loop drives: weights that move in place, batch by batch. validation: (inputs, targets) kept aside."""

    def __init__(
        self,
        network: Network,
        weights: Weights,
        x: Any,
        targets: Any,
        options: MlpOptions,
        validation: tuple[Any, Any] | None = None,
    ) -> None:
        self.weights = tuple(np.array(weight, order="C") for weight in weights)
        self._network, self._x, self._targets, self._options = network, x, targets, options
        self._validation = validation
        self._named = dict(zip(network.shapes, self.weights, strict=True))
        self._optimiser = Optimiser(self._named, options.steps)

    def epoch(self, number: int) -> Mapping[str, float]:
        """One pass over the rows; ``total`` is the loss over all of them after it."""
        rows, size = len(self._x), self._options.batch
        order = np.arange(rows) if not size else stream(self._options.seed, number, 0).permutation(rows)
        blocks = even_blocks(rows, size or rows)
        with one_blas_thread():
            for place, (low, high) in enumerate(blocks):
                chosen = order[low:high]
                _, gradients = self._network.gradient(self.weights, self._x[chosen], self._targets[chosen])
                rate = self._options.steps.rate(number + place / len(blocks), self._options.epochs)
                self._optimiser.begin(rate)
                for name, gradient in zip(self._named, gradients, strict=True):
                    self._optimiser.move(name, np.ascontiguousarray(gradient))
            metrics = {"total": float(self._network.cost(self.weights, self._x, self._targets))}
            if self._validation is not None:
                metrics["validation"] = float(self._network.cost(self.weights, *self._validation))
        return metrics

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, moments and steps."""
        return self._optimiser.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self._optimiser.restore(state)


def fit(
    network: Network,
    x: Floats2d | NDArray[np.integer[Any]],
    targets: NDArray[Any],
    options: MlpOptions | None = None,
    *,
    weights: Weights | None = None,
    validation: tuple[NDArray[Any], NDArray[Any]] | None = None,
    checkpoint_every: int = 0,
    keeper: Keeper | None = None,
    reporter: Reporter = SILENT,
) -> Fitted:
    """Train ``network`` on rows x with their targets (see ``Network.check``), from ``weights`` or its own start.

    Raises InputError for shapes that do not fit, OptionError for patience without validation, DivergenceError where
    the loss leaves the finite numbers.
    """
    options = MlpOptions() if options is None else options
    network.check(x, targets)
    if validation is not None:
        network.check(*validation)
    elif options.patience:
        raise OptionError(
            f"patience={options.patience}",
            "it waits for a lower loss on rows held out of training",
            "give a validation set",
        )
    first = network.start(options.seed) if weights is None else weights
    if [weight.shape for weight in first] != list(network.shapes.values()):
        raise InputError(
            f"weights of shapes {[weight.shape for weight in first]}",
            f"this network has {list(network.shapes.values())}",
            "give them in the order of Network.shapes",
        )
    trainer = MlpTrainer(network, first, x, targets, options, validation)
    history = run(
        trainer,
        LoopOptions(options.epochs, options.tolerance, options.patience, checkpoint_every),
        reporter=reporter,
        name="mlp",
        knob="--learning-rate",
        keeper=keeper,
        start=float(network.cost(trainer.weights, x, targets)),
    )
    return Fitted(trainer.weights, tuple(history))


def _choice(name: str, value: str, choices: Mapping[str, Any]) -> None:
    if value not in choices:
        raise OptionError(f"{name}={value!r}", f"it is one of {', '.join(choices)}", "choose one of them")


def _least(name: str, value: int) -> None:
    if value < 1:
        raise OptionError(f"{name}={value}", "there is at least one", "give a larger number")
