"""The network of Bengio et al. (2003) over ids: forward, backward by hand, and the trainer that the loop drives.

    x = [C(w₁) … C(w_K), 1]      [n, K·d + 1]     C: table [V, d]
    a = tanh(x Hᵀ)               [n, h]           H: hidden [h, K·d + 1], its last column the bias
    y = [a, 1] Oᵀ, or [a, x] Oᵀ  [n, V]           O: output [V, h + 1] or, with direct connections, [V, h + K·d + 1]
    loss = −ln softmax(y) at the next word, the mean over n, in nats

Row V − 1 is the boundary: <s> as an input, </s> as an output; so <s> has no probability. The
softmax is worked on by fixed blocks of the vocabulary, each on one BLAS thread: no bit depends on the threads.
Source: Bengio, Ducharme, Vincent & Jauvin, A Neural Probabilistic Language Model (2003), eq. 1 and §3.2; dropout:
Srivastava et al. (2014).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Bools1d, Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.autodiff.ops.indexing import add_at
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.lm.optimise import Optimiser, StepOptions
from morphvec.lm.sampled import Sample, chances, draw
from morphvec.rng import stream
from morphvec.training import Paced

BLOCK = 1024  # words of the vocabulary worked on at once; part of the rounding, so it never changes
_SCORED = 512  # rows of a forward pass without gradients
NEVER = -1e30  # a logit that e^y makes 0 of, and finite: a largest of nothing else is no trouble

Parameters = dict[str, Floats2d]  # table, hidden, output: see above


@dataclass(frozen=True, eq=False)
class Windows:
    """A text as its predictions: each word and sentence end, and the order − 1 words before it.

    ids: int32, sentences end to end, an id of ``boundary`` or more opening and closing each. begins: int64, where each
    sentence opens. Before its opening a sentence sees more of the same boundary.
    """

    ids: NDArray[np.int32]
    begins: NDArray[np.int64]
    boundary: int
    order: int

    @cached_property
    def at(self) -> NDArray[np.signedinteger[Any]]:
        """The places of the words to predict, [N]."""
        kind = np.int32 if len(self.ids) < 2**31 else np.int64
        return np.delete(np.arange(len(self.ids), dtype=kind), self.begins)

    def __len__(self) -> int:
        return len(self.ids) - len(self.begins)

    def take(self, places: Ints1d) -> tuple[Ints2d, Ints1d]:
        """(the order − 1 words before, the word) at some places: int32 [n, K], [n]."""
        before = places[:, None] + np.arange(1 - self.order, 0)
        first = self.begins[np.searchsorted(self.begins, places, side="right") - 1]
        contexts = np.where(before < first[:, None], self.boundary, self.ids[np.maximum(before, 0)])
        return np.minimum(contexts, self.boundary).astype(np.int32), self.ids[places]


def start(table: Floats2d, hidden: int, order: int, bias: Floats1d, *, direct: bool, seed: int) -> Parameters:
    """First parameters for a table [V, d]: H uniform and so wide that xHᵀ starts with variance 1, O zero but for the
    bias [V], so that every context starts with the same distribution."""
    words, dim = table.shape
    inputs, kind = (order - 1) * dim, table.dtype
    reach = np.sqrt(3 / (inputs * max(float(np.mean(np.square(table, dtype=np.float64))), 1e-12)))
    weights = np.zeros((hidden, inputs + 1), kind)
    weights[:, :-1] = reach * stream(seed, 0, 1).uniform(-1, 1, (hidden, inputs))
    output = np.zeros((words, hidden + 1 + (inputs if direct else 0)), kind)
    output[:, -1] = bias
    return {"table": table, "hidden": weights, "output": output}


def features(
    parameters: Parameters, contexts: Ints2d, masks: tuple[Floats2d, Floats2d] | None = None
) -> tuple[Floats2d, Floats2d, Floats2d]:
    """(x, a, what O is multiplied with) of some contexts; masks: dropout's factors of the words' vectors and of a."""
    table, hidden = parameters["table"], parameters["hidden"]
    x = np.ones((len(contexts), hidden.shape[1]), table.dtype)
    x[:, :-1] = table[contexts].reshape(len(contexts), -1)
    if masks is not None:
        x[:, :-1] *= masks[0]
    a = np.tanh(x @ hidden.T)
    kept = a if masks is None else a * masks[1]
    direct = parameters["output"].shape[1] > len(hidden) + 1
    return x, a, np.hstack([kept, x if direct else x[:, -1:]])


@dataclass(frozen=True, eq=False)
class _Powers:
    """The softmax of n rows, the target's logit apart from the others'.

    powers: by blocks of columns e^{y − m} [n, columns of the block], 0 at the target; tops: m [n], the block's largest
    such y. ``places[cuts[b]:cuts[b + 1]]``: the rows whose target is in block b, at its columns ``at[places]``.
    log_sum: ln Σ e^y with the target, losses: −ln p(target); [n].
    """

    blocks: list[tuple[int, int]]
    powers: list[Floats2d]
    tops: list[Floats1d]
    places: Ints1d
    cuts: Ints1d
    at: Ints1d
    log_sum: Floats1d
    losses: Floats1d


def _rows_of(output: Floats2d, low: int, high: int, sample: Sample | None) -> Floats2d:
    """O of the columns [low, high); of a sample with what a word counts for added to its bias."""
    if sample is None:
        return output[low:high]
    rows = output[sample.ids[low:high]]
    rows[:, -1] += np.maximum(sample.log_weight[low:high], NEVER).astype(output.dtype)
    return rows


def _softmax(
    output: Floats2d, top: Floats2d, targets: Ints1d, engine: Engine, sample: Sample | None = None
) -> _Powers:
    from morphvec.kernels.softmax import exp_rows  # compiled code, not needed to look at a model

    kind, columns = output.dtype, len(output) if sample is None else len(sample.ids)
    blocks = even_blocks(columns, BLOCK)
    at = targets if sample is None else np.searchsorted(sample.ids, targets)
    places = np.argsort(at, kind="stable")
    cuts = np.searchsorted(at[places], [*(low for low, _ in blocks), columns])
    own = np.einsum("ij,ij->i", top, output[targets])

    def work(number: int) -> tuple[Floats2d, Floats1d, Floats1d]:
        low, high = blocks[number]
        y = top @ _rows_of(output, low, high, sample).T
        mine = places[cuts[number] : cuts[number + 1]]
        y[mine, at[mine] - low] = NEVER
        most, total = np.empty(len(y), kind), np.empty(len(y), kind)
        exp_rows(y, most, total)
        return y, most, total

    found = engine.map(work, range(len(blocks)))
    tops = [most for _, most, _ in found]
    most = np.max([own, *tops], axis=0)
    total = tree_sum([np.exp(own - most), *(size * np.exp(mine - most) for _, mine, size in found)])
    log_sum = most + np.log(total)
    return _Powers(blocks, [y for y, _, _ in found], tops, places, cuts, at, log_sum, log_sum - own)


def step(
    parameters: Parameters,
    contexts: Ints2d,
    targets: Ints1d,
    engine: Engine,
    receive: Callable[[int, int, Floats2d], None],
    masks: tuple[Floats2d, Floats2d] | None = None,
    sample: Sample | None = None,
) -> tuple[Floats1d, Floats2d, Ints1d, Floats2d]:
    """One batch forward and backward: (loss of each row [n], ∂hidden, the table's rows that were read, ∂ of these).

    The gradients are of the mean loss. ``receive(low, high, ∂output[low:high])`` is called once for each block of rows
    of O, after its last use: it may move them. With a sample, which has the targets among its words, rows of O are
    counted as in ``sample.ids``, and the loss is that of ``sampled``. To be called inside ``one_blas_thread``.
    """
    from morphvec.kernels.softmax import subtract_rows

    output, hidden = parameters["output"], parameters["hidden"]
    x, a, top = features(parameters, contexts, masks)
    found = _softmax(output, top, targets, engine, sample)
    n, h = a.shape
    missing = -np.expm1(-found.losses) / output.dtype.type(n)  # (1 − p)/n of the target
    of_targets = missing[:, None] * output[targets]  # before these rows move

    def back(number: int) -> Floats2d:
        """Of ∂y, which is (p − 1 at the target)/n, the two terms go through the products one by one: the powers, which
        are p but for a factor of each row, are not touched again."""
        low, high = found.blocks[number]
        powers = found.powers[number]
        scale = (np.exp(found.tops[number] - found.log_sum) / output.dtype.type(n))[:, None]
        above = powers @ _rows_of(output, low, high, sample)
        above *= scale
        part = powers.T @ (top * scale)
        mine = found.places[found.cuts[number] : found.cuts[number + 1]]
        subtract_rows(part, found.at[mine] - low, top, mine, missing)
        receive(low, high, part)
        return np.asarray(above)

    d_top = tree_sum(engine.map(back, range(len(found.blocks)))) - of_targets
    d_a = d_top[:, :h] if masks is None else d_top[:, :h] * masks[1]
    d_sum = d_a * (1 - a * a)
    d_x = (d_sum @ hidden)[:, :-1]
    if top.shape[1] > h + 1:
        d_x += d_top[:, h:-1]
    if masks is not None:
        d_x *= masks[0]
    rows, place_of = np.unique(contexts, return_inverse=True)
    d_table = np.zeros((len(rows), parameters["table"].shape[1]), output.dtype)
    add_at(d_table, place_of.reshape(contexts.shape), d_x.reshape(*contexts.shape, -1))
    return found.losses, d_sum.T @ x, rows, d_table


def gradient(
    parameters: Parameters, contexts: Ints2d, targets: Ints1d, engine: Engine
) -> tuple[float, Parameters]:
    """(mean loss in nats, its gradient with respect to every parameter, in full)."""
    whole = {name: np.zeros_like(array) for name, array in parameters.items()}

    def receive(low: int, high: int, part: Floats2d) -> None:
        whole["output"][low:high] = part

    with one_blas_thread():
        losses, whole["hidden"], rows, part = step(parameters, contexts, targets, engine, receive)
    whole["table"][rows] = part
    return float(np.mean(losses, dtype=np.float64)), whole


def losses(parameters: Parameters, windows: Windows, engine: Engine) -> NDArray[np.float64]:
    """−ln p of every prediction of a text, float64 [N]."""
    found = np.empty(len(windows), np.float64)
    with one_blas_thread():
        for low, high in even_blocks(len(windows), _SCORED):
            contexts, targets = windows.take(windows.at[low:high])
            top = features(parameters, contexts)[2]
            found[low:high] = _softmax(parameters["output"], top, targets, engine).losses
    return found


def log_probabilities(parameters: Parameters, contexts: Ints2d) -> Floats2d:
    """ln p(every word | context): float64 [n, V], worked out in the parameters' type and normalised in float64."""
    with one_blas_thread():
        top = features(parameters, contexts)[2]
        y = np.asarray(top @ parameters["output"].T, np.float64)
    y -= y.max(axis=1, keepdims=True)
    return np.asarray(y - np.log(np.exp(y).sum(axis=1, keepdims=True)))


class NetworkTrainer(Paced):
    """What the loop drives: parameters that move in place, mini-batch by mini-batch.

    frozen: bool [V], rows of the table that stay as they are. validation: a text that training does not see. sampled:
    words a step in the sum under the softmax (0: all), drawn by ``counts`` [V].
    """

    def __init__(
        self,
        parameters: Parameters,
        text: Windows,
        *,
        steps: StepOptions,
        epochs: int,
        batch: int,
        dropout: float,
        seed: int,
        frozen: Bools1d,
        validation: Windows | None,
        engine: Engine,
        sampled: int = 0,
        counts: NDArray[np.int64] | None = None,
    ) -> None:
        self.parameters = parameters
        self._text, self._validation, self._engine = text, validation, engine
        self._steps, self._epochs, self._batch, self._seed = steps, epochs, batch, seed
        self._dropout, self._frozen = dropout, frozen
        self._chance = None if not sampled or counts is None else chances(counts, sampled)
        self._optimiser = Optimiser(parameters, steps, engine)

    def epoch(self, number: int) -> Mapping[str, float]:
        """One pass over the text in an order of its own. ``total``: the mean loss met on the way, in nats a token;
        ``validation``: that of the held-out text afterwards."""
        order = stream(self._seed, number + 1, 0).permutation(self._text.at)
        blocks = even_blocks(len(order), self._batch)
        total = 0.0
        with one_blas_thread():
            for place, (low, high) in enumerate(blocks):
                rate = self._steps.rate(number + place / len(blocks), self._epochs)
                total += self._learn(order[low:high], rate, stream(self._seed, number + 1, place + 1))
                self.pace((place + 1) / len(blocks))
        metrics = {"total": total / len(order)}
        if self._validation is not None:
            metrics["validation"] = float(losses(self.parameters, self._validation, self._engine).mean())
        return metrics

    def _learn(self, places: Ints1d, rate: float, rng: np.random.Generator) -> float:
        """One step; the sum of the batch's losses before it."""
        contexts, targets = self._text.take(places)
        masks = self._masks(rng, len(places))
        sample = None if self._chance is None else draw(self._chance, targets, rng)
        output = self.parameters["output"]
        of_sample = None if sample is None else np.empty((len(sample.ids), output.shape[1]), output.dtype)
        self._optimiser.begin(rate)

        def receive(low: int, high: int, part: Floats2d) -> None:
            if of_sample is None:
                self._optimiser.move("output", part, low, high)
            else:
                of_sample[low:high] = part

        lost, d_hidden, rows, d_table = step(
            self.parameters, contexts, targets, self._engine, receive, masks, sample
        )
        if sample is not None and of_sample is not None:
            self._optimiser.move_rows("output", sample.ids, of_sample)
        self._optimiser.move("hidden", d_hidden)
        free = ~self._frozen[rows]
        self._optimiser.move_rows("table", rows[free], d_table[free])
        return float(lost.sum(dtype=np.float64))

    def _masks(self, rng: np.random.Generator, rows: int) -> tuple[Floats2d, Floats2d] | None:
        """Dropout's factors: 0 with the probability ``dropout``, else 1/(1 − dropout)."""
        if not self._dropout:
            return None
        hidden = self.parameters["hidden"]
        widths = (hidden.shape[1] - 1, len(hidden))
        drawn = [rng.random((rows, width), np.float32) >= self._dropout for width in widths]
        scale = hidden.dtype.type(1 / (1 - self._dropout))
        return drawn[0] * scale, drawn[1] * scale

    def state(self) -> dict[str, NDArray[Any]]:
        """Parameters, moments and the number of steps."""
        return self._optimiser.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self._optimiser.restore(state)
