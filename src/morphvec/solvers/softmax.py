"""Skip-gram with the full softmax, exact: every word scores every context, and nothing is sampled.

    L(U, S) = −Σ_tf n_tf ln softmax_f(u_t·s_f) = Σ_t (n_t ln Σ_f exp(u_t·s_f) − Σ_f n_tf u_t·s_f)

in nats, with n_t = Σ_f n_tf; plus γ(‖U‖² + ‖S‖²). With R = n_t softmax − n_tf the gradients are ∂U = RS and ∂S = RᵀU.
Source: Mikolov et al. 2013 (skip-gram, eqs. 1 and 2), with the sum over positions of the text gathered by cell.

A step takes a batch of rows, an epoch every row once. R exists only for a chunk of rows, laid out in blocks of rows and
read in blocks of columns, each on one BLAS thread; no sum depends on who computed which block. A pass costs O(T·F·k).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import local_engine
from morphvec.errors import BudgetError, InputError, OptionError
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, schedule_share
from morphvec.solvers.dense import ROWS, largest_square, square
from morphvec.solvers.losses import least_softmax
from morphvec.solvers.problem import Factors
from morphvec.training import LoopControl, LoopOptions, Paced, run

EPOCHS = 40
MEMORY = 4 << 30  # bytes
RATES = {"sgd": 5.0, "adagrad": 0.2, "adam": 0.1}  # where none is given; sgd's is over the curvature
DECAY, DECAY_SECOND = 0.9, 0.999  # of Adam's moments
_CHUNK = 1 << 24  # cells of R that exist at once; like the next two part of the rounding: never to change
_BLOCK = 64  # rows of R worked on at a time
_COLUMNS = 1024  # columns of R read at a time
_START = np.float32(0.1)  # standard deviation of the first factors
_BATCHES = 8  # of an epoch where no batch size is given
_LEAST_BATCH = 16


def bytes_needed(rows: int, columns: int, dim: int, cells: int, *, kept: bool, itemsize: int = 4) -> int:
    """Memory of a run beside the counts it is given: factors, moments (and their copies for checkpoints), a gradient,
    the counts in its own type and those of a batch, and R."""
    factors = (rows + columns) * dim
    chunk = min(max(1, _CHUNK // columns), rows) * columns
    return itemsize * ((6 if kept else 3) * factors + factors + chunk) + 2 * (itemsize + 8) * cells


def check_memory(rows: int, columns: int, dim: int, cells: int, memory: float, *, kept: bool = False) -> None:
    """Raise BudgetError where a run of these sizes does not fit into ``memory`` bytes; it says what a pass costs."""
    needed = bytes_needed(rows, columns, dim, cells, kept=kept)
    if needed > memory:
        raise BudgetError(
            f"{rows:,} words × {columns:,} contexts at dim {dim} need {needed / 1e9:.3g} GB, and "
            f"{operations(rows, columns, dim):.2g} operations an epoch",
            f"the limit is {memory / 1e9:.3g} GB",
            "lower --max-vocab, raise --memory, or use --method sgns, whose cost does not grow with the vocabulary",
        )


def operations(rows: int, columns: int, dim: int) -> float:
    """Floating-point operations of an epoch: three products of this size to learn, one to measure."""
    return 8.0 * rows * columns * dim


def check_softmax(solver: str, options: BatchOptions) -> None:
    """Raise OptionError for a solver, or for a setting of mini-batches, that has no meaning here."""
    if solver not in MINIBATCH:
        raise OptionError(
            f"solver={solver!r}",
            f"the full softmax is trained by {', '.join(MINIBATCH)}",
            "choose one of them for --solver",
        )
    usual = BatchOptions()
    for name in ("updates", "edge_samples", "unobserved_samples", "oversample_class", "oversample_rare"):
        if getattr(options, name) != getattr(usual, name):
            raise OptionError(
                f"{name}={getattr(options, name)}",
                "the full softmax takes whole rows, and samples nothing",
                f"leave --{name.replace('_', '-')} out",
            )


class FullSoftmax(Paced):
    """State of one run: U [T, k], S [F, k] and their moments, moved in place by ``epoch``.

    Parameters
    ----------
    counts: CSR [T, F] of counts ≥ 0, copied. A row without counts stays at 0. dim: k. options: batch is in
    rows (0: all of them; None: about 1/8, at least 16). epochs: what the learning-rate schedule runs over.
    ridge: γ. tokens: length of the text, for the loss per token.
    Rows of U take one step an epoch and their moments count epochs; S takes a step for every batch.
    """

    def __init__(
        self,
        counts: csr_array,
        dim: int,
        *,
        solver: str,
        options: BatchOptions,
        epochs: int,
        ridge: float,
        seed: int,
        dtype: np.dtype[Any],
        tokens: float | None,
        engine: Engine,
    ) -> None:
        rows, columns = counts.shape
        self._counts, self._engine, self._options, self._seed = counts.astype(dtype), engine, options, seed
        self._counts.sum_duplicates()
        self._counts.eliminate_zeros()
        self._kind, self._epochs, self._ridge, self._tokens = MINIBATCH.index(solver), epochs, ridge, tokens
        self.learning_rate = RATES[solver] if options.learning_rate is None else options.learning_rate
        self._totals: Floats1d = np.asarray(counts.sum(axis=1, dtype=np.float64))
        self.pairs = float(self._totals.sum())
        self._most = float(max(self._totals.max(), counts.sum(axis=0, dtype=np.float64).max()))
        size = max(_LEAST_BATCH, -(-rows // _BATCHES)) if options.batch is None else options.batch or rows
        self.batches = -(-rows // min(size, rows))
        self._order = np.argsort(-self._totals, kind="stable")
        self.U = _START * stream(seed, 0, 1).standard_normal((rows, dim), np.float32).astype(dtype)
        self.S = _START * stream(seed, 0, 0).standard_normal((columns, dim), np.float32).astype(dtype)
        self.U[self._totals == 0] = 0
        self._moments = {
            name: np.zeros_like(X)
            for end, X in (("U", self.U), ("S", self.S))
            for name in ((f"first_{end}",) if self._kind != 1 else ())
            + ((f"second_{end}",) if self._kind != 0 else ())
        }
        self._dS = np.empty_like(self.S)
        self._R = np.empty((min(max(1, _CHUNK // columns), rows), columns), dtype)
        self._steps = 0

    # ------------------------------------------------------------------------------------- the loop's side

    def epoch(self, number: int) -> Mapping[str, Any]:
        """Every row once, then L and the ridge, the loss per pair (and per token), and the last learning rate."""
        rate, batches = 0.0, self._batches_of(number)
        with one_blas_thread():
            for batch, rows in enumerate(batches):
                part = (number + batch / self.batches) / self._epochs
                rate = self.learning_rate * schedule_share(self._options.schedule, part)
                self._step(number, rows, rate)
                self.pace((batch + 1) / self.batches)
        fit, ridge = self.loss(), self._ridge * (square(self.U) + square(self.S))
        tokens = {} if self._tokens is None else {"per_token": fit / self._tokens}
        return {
            "total": fit + ridge,
            "fit": fit,
            "unobserved": 0.0,
            "classes": {},
            "ridge": ridge,
            "per_pair": fit / self.pairs,
            **tokens,
            "learning_rate": rate,
            "batch": len(batches[0]),
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on."""
        return {
            "U": self.U.copy(),
            "S": self.S.copy(),
            "steps": np.array([self._steps], np.int64),
            **{name: array.copy() for name, array in self._moments.items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self.U[:], self.S[:] = state["U"], state["S"]
        for name, array in self._moments.items():
            array[:] = state[name]
        self._steps = int(state["steps"][0])

    # ------------------------------------------------------------------------------------- the function

    @property
    def least(self) -> float:
        """What L cannot go below, in nats: the conditional entropy of the counts."""
        return least_softmax(self._counts.data, np.diff(self._counts.indptr))

    def loss(self) -> float:
        """L(U, S) in nats, without the ridge."""
        with one_blas_thread():
            return self._pass(np.arange(len(self.U)), self._counts, 0.0, None)

    def gradient(self, epoch: int, batch: int) -> tuple[Floats2d, Floats2d]:
        """What a batch of an epoch estimates ∂(L + ridge) by, [T, k] and [F, k]; its mean over the epoch's batches is
        the gradient itself."""
        with one_blas_thread():
            rows = self._batches_of(epoch)[batch]
            dU = np.zeros_like(self.U)
            dU[rows], dS, _ = self._gradient(rows)
        return dU, dS.copy()

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch, rising. Rows of about the same mass are dealt out, one to each batch."""
        if self.batches == 1:
            return [np.arange(len(self.U))]
        rounds = -(-len(self.U) // self.batches)
        deal = np.tile(np.arange(self.batches), (rounds, 1))
        owner = stream(self._seed, epoch + 1, 0).permuted(deal, axis=1).ravel()[: len(self.U)]
        return [np.sort(self._order[owner == batch]) for batch in range(self.batches)]

    def _gradient(self, rows: NDArray[np.int64]) -> tuple[Floats2d, Floats2d, float]:
        """∂U of these rows, ∂S, and their squared norm; each row stands for as many as there are batches."""
        from morphvec.kernels.steps import close_gradient  # compiled code, not needed to check options

        dU = np.empty((len(rows), self.U.shape[1]), self.U.dtype)
        self._dS[:] = 0
        counts = self._counts if len(rows) == len(self.U) else self._counts[rows]
        self._pass(rows, counts, 0.5 * self.batches, dU)  # half gradients, as the kernels take them
        squares = 0.0
        for X, G, ridge in ((self.U[rows], dU, self._ridge * self.batches), (self.S, self._dS, self._ridge)):
            strength, seen = np.full(len(X), ridge, X.dtype), np.zeros(len(X), np.int32)
            parts = self._engine.map(
                lambda b: close_gradient(X, G, strength, seen, 0, *b),  # noqa: B023
                even_blocks(len(X), ROWS),
            )
            squares += float(tree_sum(parts))
        return dU, self._dS, squares

    def _pass(self, rows: NDArray[np.int64], counts: csr_array, factor: float, dU: Floats2d | None) -> float:
        """The loss of some rows of U with their counts; with dU also dU = factor·RS and dS += factor·RᵀU."""
        S, totals = self.S, self._totals[rows]
        losses: list[float] = []
        for low, high in even_blocks(len(rows), len(self._R)):
            R, U = self._R[: high - low], self.U[rows[low:high]]

            def score(block: tuple[int, int]) -> float:
                begin, end = block
                here = slice(low + begin, low + end)  # noqa: B023
                part, n_t = R[begin:end], totals[here]  # noqa: B023
                cells = slice(int(counts.indptr[here.start]), int(counts.indptr[here.stop]))
                columns, n = counts.indices[cells], counts.data[cells]
                row = np.repeat(np.arange(end - begin), np.diff(counts.indptr[here.start : here.stop + 1]))
                with np.errstate(over="ignore", invalid="ignore"):  # the loop sees it in the loss
                    np.matmul(U[begin:end], S.T, out=part)  # noqa: B023
                    drawn = float(np.dot(n.astype(np.float64), part[row, columns].astype(np.float64)))
                    highest = part.max(axis=1, keepdims=True)
                    part -= highest
                    np.exp(part, out=part)
                    powers = part.sum(axis=1, dtype=part.dtype).astype(np.float64)
                    value = float(np.dot(n_t, highest[:, 0] + np.log(powers))) - drawn
                    if dU is not None:
                        part *= (factor * n_t / powers)[:, None].astype(part.dtype)
                        part[row, columns] -= part.dtype.type(factor) * n
                        np.matmul(part, S, out=dU[here])
                return value

            def gather(block: tuple[int, int]) -> None:
                columns = slice(*block)
                with np.errstate(over="ignore", invalid="ignore"):
                    self._dS[columns] += R[:, columns].T @ U  # noqa: B023

            losses += self._engine.map(score, even_blocks(high - low, _BLOCK))
            if dU is not None:
                self._engine.map(gather, even_blocks(len(S), _COLUMNS))
        return float(tree_sum(losses))

    # ------------------------------------------------------------------------------------- one step

    def _step(self, epoch: int, rows: NDArray[np.int64], rate: float) -> None:
        dU, dS, squares = self._gradient(rows)
        self._steps += 1
        clip = self._options.clip
        norm = math.sqrt(squares) if math.isfinite(squares) else math.inf
        shrink = min(1.0, clip / norm) if clip is not None and norm > 0 else 1.0
        if self._kind == 0:
            rate /= self._curvature()
        X = self.U[rows]
        moments = {name: array[rows] for name, array in self._moments.items() if name.endswith("U")}
        self._move(X, dU, moments, "U", rate, shrink, epoch + 1)
        self.U[rows] = X
        for name, array in moments.items():
            self._moments[name][rows] = array
        self._move(self.S, dS, self._moments, "S", rate, shrink, self._steps)

    def _move(
        self,
        X: Floats2d,
        G: Floats2d,
        moments: Mapping[str, Floats2d],
        end: str,
        rate: float,
        shrink: float,
        number: int,
    ) -> None:
        """Move rows by their gradient, for the ``number``-th time."""
        from morphvec.kernels.steps import step_rows

        first, second = moments.get(f"first_{end}", X), moments.get(f"second_{end}", X)
        keep, seen = self._options.momentum if self._kind == 0 else DECAY, np.zeros(len(X), np.int32)
        corrections = 1 - DECAY**number, 1 - DECAY_SECOND**number
        self._engine.map(
            lambda b: step_rows(
                self._kind,
                X,
                G,
                first,
                second,
                shrink,
                rate,
                keep,
                DECAY_SECOND,
                *corrections,
                seen,
                0,
                *b,
            ),
            even_blocks(len(X), ROWS),
        )

    def _curvature(self) -> float:
        """A bound on how much the estimate of L bends: sgd's steps are in units of its inverse.

        The variance of du·s + u·ds under softmax is at most 2 max‖s‖²‖du‖² + 2 max‖u‖²‖ds‖², and a row or column
        counts at most max(n_t, n_f) times, a row of a batch as often as there are batches.
        """
        longest = max(largest_square(self.U), largest_square(self.S))
        return max(float(2 * self.batches * (self._most * longest + self._ridge)), 1e-30)


def fit_softmax(
    counts: csr_array,
    dim: int,
    solver: str = "adam",
    epochs: int | None = None,
    seed: int = 0,
    dtype: str = "float32",
    *,
    batch: BatchOptions = BatchOptions(),  # noqa: B008  (frozen)
    ridge: float = 0.0,
    tokens: float | None = None,
    memory: float = MEMORY,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> Factors:
    """Minimise L(U, S) + γ(‖U‖² + ‖S‖²) over U [T, dim] and S [F, dim].

    counts: CSR [T, F], finite and ≥ 0. tokens: length of the text; the history then has the loss
    ``per_token`` beside that ``per_pair``. Every history entry's ``total`` is in nats.
    Raises InputError for counts that are none, BudgetError before any work where a run does not fit into ``memory``
    bytes, OptionError for settings out of range, DivergenceError as the loop does.
    """
    check_softmax(solver, batch)
    data = counts.data
    if not len(data) or not np.isfinite(data).all() or data.min() < 0 or not data.any():
        raise InputError(
            f"{len(data)} stored counts" + (f" from {data.min():g} to {data.max():g}" if len(data) else ""),
            "counts are finite, at least 0 and not all 0",
            "give more text, or weigh with --method skipgram",
        )
    rows, columns = counts.shape
    check_memory(rows, columns, dim, counts.nnz, memory, kept=loop.keeper is not None)
    engine = local_engine() if engine is None else engine
    epochs = EPOCHS if epochs is None else epochs
    state = FullSoftmax(
        counts,
        dim,
        solver=solver,
        options=batch,
        epochs=epochs,
        ridge=ridge,
        seed=seed,
        dtype=np.dtype(dtype),
        tokens=tokens,
        engine=engine,
    )
    reporter.note(
        f"full softmax: {operations(rows, columns, dim):.2g} operations an epoch; "
        f"{state.least / state.pairs:.4f} nats a pair is the least that any vectors reach"
    )
    history = run(
        state,
        LoopOptions(epochs, checkpoint_every=loop.checkpoint_every),
        reporter=reporter,
        knob="--learning-rate",
        keeper=loop.keeper,
        start=state.loss() + ridge * (square(state.U) + square(state.S)),
    )
    return Factors(state.U, state.S, state.U, tuple(history))
