"""Mini-batch solvers: SGD with momentum, AdaGrad (Duchi et al. 2011) and Adam (Kingma & Ba 2015) on one Problem.

A step draws a batch B of stored cells and moves P and S along

    g_B = (nnz/|B|) Σ_B ∂[w(u·s − x)² − α(u·s)²] + ∂ tr(UᵀU·SᵀDS) + Σ_c λ_c ∂ tr(UᵀL_cU) + ∂ ridge

so that at fixed factors Σ_B (|B|/nnz) g_B over an epoch is the full gradient. The unobserved part comes from Gram
matrices or from sampled cells, a penalty in full or from sampled edges. Cells lie in tiles; a stratum of tiles is
worked on side by side, then come the edges, ∂P = Bᵀ∂U by fixed blocks, and the step: no bit depends on the threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.kernels.batches import draw_cells, draw_unobserved, mix, step_cells
from morphvec.kernels.steps import close_gradient, step_rows
from morphvec.rng import stream
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, rate_of, schedule_share
from morphvec.solvers.curvature import curvature, draw_noise
from morphvec.solvers.dense import ROWS, blas_gram, largest_square, spread, spread_met, square
from morphvec.solvers.problem import Problem
from morphvec.solvers.sparse import Operator
from morphvec.solvers.tiles import draw_rates, make_tiles
from morphvec.training import Paced

DECAY, DECAY_SECOND = 0.9, 0.999  # of Adam's moments
_START = np.float32(0.1)  # standard deviation of the first factors
_BATCHES = 32  # of an epoch where no batch size is given
_LEAST_BATCH = 16
_POWER_STEPS, _POWER_STEPS_AGAIN = 8, 2
_LONGEST = 0.1  # of sgd's steps, next to the factors' own length
_GROWTH = 1.5  # of the factors' squared norm, after which the curvature is measured again


class MiniBatch(Paced):
    """State of one run: P, S, U = B·P and the moments, moved in place by ``epoch``.

    Parameters
    ----------
    dim: k. solver: sgd, adagrad or adam. epochs: what the learning-rate schedule runs over. row_rates: float [T], how
    much more often the cells of a row are drawn (languages), or None. seed: of the start and of every draw.
    Raises OptionError where the cells' weights cannot tell rare cells apart.
    """

    def __init__(
        self,
        problem: Problem,
        dim: int,
        *,
        solver: str,
        options: BatchOptions,
        epochs: int,
        seed: int,
        dtype: np.dtype[Any],
        engine: Engine,
        row_rates: Floats1d | None = None,
    ) -> None:
        rows, columns, parts = problem.shape
        self._problem, self._engine, self._options, self._seed = problem, engine, options, seed
        self._kind, self._epochs = MINIBATCH.index(solver), epochs
        self.learning_rate = rate_of(solver, options.learning_rate)
        side = problem.token_side(dtype)
        self.cells = len(side.indices)
        self.batches = _batch_count(options.batch, self.cells)
        self.batch = -(-self.cells // self.batches)
        self._tiles = make_tiles(side, columns, self.batch, engine)
        self._reach = draw_rates(problem, self._tiles, options, row_rates)
        self._alpha = np.ascontiguousarray(problem.alpha, dtype)
        self._alpha_reach = np.concatenate([[0.0], np.cumsum(problem.alpha)])
        self._ridge = problem.ridge.astype(dtype)
        self._ridge_features = np.full(columns, problem.ridge_features, dtype)
        if problem.biases:  # then ``_bound`` adds the ridges
            self._ridge, self._ridge_features = (
                np.zeros_like(self._ridge),
                np.zeros_like(self._ridge_features),
            )
        self._ridged = bool(problem.ridge.any())
        self._lazy = options.updates == "lazy"
        self._constrained = _constrained(problem) if self._lazy and not options.edge_samples else None
        P, S = (
            _START * stream(seed, 0, place).standard_normal((size, dim), np.float32).astype(dtype)
            for place, size in ((1, parts), (0, columns))
        )
        self.P, self.S = problem.widened(P, S)
        self.U = problem.tokens(self.P, engine)
        self._steps = 0
        self._dU, self._dS = np.zeros_like(self.U), np.zeros_like(self.S)
        self._seen_rows, self._seen_columns = np.zeros(rows, np.int32), np.zeros(columns, np.int32)
        self._moments = {
            name: np.zeros_like(X)
            for name, X in (("P", self.P), ("S", self.S))
            for name in ((f"first_{name}",) if self._kind != 1 else ())
            + ((f"second_{name}",) if self._kind != 0 else ())
        }
        self._power = (
            [
                stream(seed, 0, 2 + i).standard_normal(X.shape, np.float32).astype(dtype)
                for i, X in enumerate((self.P, self.S))
            ]
            if self._kind == 0
            else []
        )

    # ------------------------------------------------------------------------------------- the loop's side

    def epoch(self, number: int) -> Mapping[str, Any]:
        """One pass over the cells (or as many draws), then J by term and the last learning rate."""
        options = self._options
        with one_blas_thread():
            if self._kind == 0:
                self._measure(_POWER_STEPS_AGAIN if number else _POWER_STEPS)
            rate = self.learning_rate
            for batch in range(self.batches):
                rate = self.learning_rate * schedule_share(
                    options.schedule, (number + batch / self.batches) / self._epochs
                )
                self._step(number, batch, rate)
                self.pace((batch + 1) / self.batches)
        terms = self._problem.terms(self.P, self.S, self.U, self._engine).as_dict()
        unit = (
            {"curvature": self._curvature} if self._kind == 0 else {}
        )  # sgd moves by learning_rate / curvature
        return {**terms, "learning_rate": rate, "batch": self.batch, **unit, "minimised": self.minimised}

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on."""
        power = dict(zip(("power_P", "power_S"), self._power, strict=False))
        return {
            "P": self.P.copy(),
            "S": self.S.copy(),
            "steps": np.array([self._steps], np.int64),
            **{name: array.copy() for name, array in (*self._moments.items(), *power.items())},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self.P, self.S = np.array(state["P"], self.P.dtype), np.array(state["S"], self.S.dtype)
        self._moments = {name: np.array(state[name], self.P.dtype) for name in self._moments}
        self._power = [np.array(state[f"power_{name}"], self.P.dtype) for name in "PS" if self._power]
        self._steps = int(state["steps"][0])
        self._seen_rows[:] = 0
        self._seen_columns[:] = 0
        self.U = self._problem.tokens(self.P, self._engine)

    @property
    def minimised(self) -> str:
        """What the draws really minimise, in words."""
        options, changes = self._options, []
        if not options.importance and self._reach is not None:
            changes.append("each cell's loss times nnz·q, q its share of the draws")
        if not options.importance and options.edge_samples and options.oversample_class:
            changes.append("each class's λ times its share of the edge draws over its share of the strength")
        if self._lazy and (np.any(self._problem.alpha > 0) or self._ridged):
            changes.append("ridge and unobserved cells felt only by the rows of a step (lazy)")
        return "J" if not changes else "J, but " + "; ".join(changes)

    # ------------------------------------------------------------------------------------- one step

    def gradient(self, epoch: int, batch: int) -> tuple[Floats2d, Floats2d]:
        """g_B [Q, k], [F, k] of one batch at the present factors. The arrays are overwritten by the next call."""
        dP, dS, _ = self._gradient(epoch, batch)
        return dP, dS

    def batch_size(self, epoch: int, batch: int) -> int:
        """|B|."""
        if self._reach is not None:
            return self.batch
        runs, rest = divmod(self.cells, self.batches)
        turn = int(mix(self._key(epoch), np.uint64(runs))) >> 32
        place = (batch + (turn * self.batches >> 32)) % self.batches
        return runs + (place < rest)

    def _key(self, epoch: int) -> np.uint64:
        return np.uint64(stream(self._seed, epoch + 1, 0).integers(0, 1 << 63))

    def _step(self, epoch: int, batch: int, rate: float) -> None:
        dP, dS, squares = self._gradient(epoch, batch)
        clip = self._options.clip
        norm = math.sqrt(squares) if math.isfinite(squares) else math.inf
        shrink = min(1.0, clip / norm) if clip is not None and norm > 0 else 1.0
        if self._kind == 0:
            rate = self._in_units(rate, norm * shrink)
        number = self._steps
        for name, X, G, seen in (
            ("P", self.P, dP, self._seen_parts),
            ("S", self.S, dS, self._seen_columns),
        ):
            first = self._moments.get(f"first_{name}", X)
            second = self._moments.get(f"second_{name}", X)
            keep = self._options.momentum if self._kind == 0 else DECAY
            self._engine.map(
                lambda b: step_rows(
                    self._kind,
                    X,  # noqa: B023
                    G,  # noqa: B023
                    first,  # noqa: B023
                    second,  # noqa: B023
                    shrink,
                    rate,
                    keep,  # noqa: B023
                    DECAY_SECOND,
                    1 - DECAY**number,
                    1 - DECAY_SECOND**number,
                    seen,  # noqa: B023
                    number,
                    *b,
                ),
                even_blocks(len(X), ROWS),
            )
        self.U = self._problem.tokens(self.P, self._engine)

    def _gradient(self, epoch: int, batch: int) -> tuple[Floats2d, Floats2d, float]:
        """∂P, ∂S and their squared norm; rows that a lazy step leaves alone hold nothing of use."""
        self._steps += 1
        step, problem, options, engine = self._steps, self._problem, self._options, self._engine
        dU, dS = self._dU, self._dS
        sampled = options.unobserved_samples > 0
        grams = None
        if problem.alpha.any() and not sampled:
            grams = (blas_gram(self.S, self._alpha, engine), blas_gram(self.U, None, engine))
        if not self._lazy:
            self._seen_rows[:] = step
            self._seen_columns[:] = step
            spread(self.U, None if grams is None else grams[0], None, dU, engine)
            spread(self.S, None if grams is None else grams[1], self._alpha, dS, engine)
        else:
            if problem.composition is not None:
                dU[:] = 0
            if self._constrained is not None:
                dU[self._constrained] = 0
                self._seen_rows[self._constrained] = step
        self._add_cells(epoch, batch, step)
        if sampled and problem.alpha.any():
            self._add_unobserved(epoch, batch, step)
        if options.edge_samples:
            self._add_edges(epoch, batch, step)
        else:
            problem.add_penalties(self.U, dU, engine)
        if self._lazy and grams is not None:
            spread_met(self.U, grams[0], None, dU, self._seen_rows, step, engine)
            spread_met(self.S, grams[1], self._alpha, dS, self._seen_columns, step, engine)
        operator = problem.operator(self.P.dtype)
        dP = dU if operator is None else operator.transposed.apply(dU, engine)
        self._seen_parts = self._seen_rows
        if operator is not None:
            self._seen_parts = np.full(len(dP), step, np.int32)
            if self._lazy:
                met = (self._seen_rows == step).astype(np.float32)
                self._seen_parts[operator.transposed.matrix @ met == 0] = 0
        if problem.biases:
            self._bound(dP, dS)
        squares = [
            engine.map(
                lambda b: close_gradient(X, G, ridge, seen, step, *b),  # noqa: B023
                even_blocks(len(X), ROWS),
            )
            for X, G, ridge, seen in (
                (self.P, dP, self._ridge, self._seen_parts),
                (self.S, dS, self._ridge_features, self._seen_columns),
            )
        ]
        return dP, dS, float(tree_sum(squares[0]) + tree_sum(squares[1]))

    def _bound(self, dP: Floats2d, dS: Floats2d) -> None:
        """Half gradients with biases: the ridges on their k columns, and constants that stay."""
        problem = self._problem
        dP += problem.bounded(self.P, problem.ridge.astype(dP.dtype)[:, None])
        dS += problem.bounded(self.S, dS.dtype.type(problem.ridge_features))
        for G, column in zip((dP, dS), problem.constants, strict=True):
            G[:, column] = 0

    def _add_cells(self, epoch: int, batch: int, step: int) -> None:
        tiles, key = self._tiles, self._key(epoch)
        seen = (self._seen_rows, self._seen_columns)
        factors = (self.U, self.S, self._dU, self._dS)
        cells = (tiles.places, tiles.values)
        if self._reach is None:
            factor = self.cells / self.batch_size(epoch, batch)

            def work(place: int) -> int:
                low, high = int(tiles.starts[place]), int(tiles.starts[place + 1])
                return int(
                    step_cells(*cells, low, high, self.batches, batch, key, factor, *factors, *seen, step)
                )
        else:
            reach, importance = self._reach, self._options.importance
            key = np.uint64(mix(key, np.uint64(batch)))

            def work(place: int) -> int:
                low, high = int(tiles.starts[place]), int(tiles.starts[place + 1])
                return int(
                    draw_cells(*cells, reach, low, high, self.batch, key, importance, *factors, *seen, step)
                )

        for stratum in tiles.strata():
            self._engine.map(work, stratum)

    def _add_unobserved(self, epoch: int, batch: int, step: int) -> None:
        """Σ_all α (u·s)² from ``unobserved_samples`` cells, spread over the tiles by their share of Σα."""
        tiles, draws, reach = self._tiles, self._options.unobserved_samples, self._alpha_reach
        key = np.uint64(mix(self._key(epoch), np.uint64((1 << 40) + batch)))
        bands = [tiles.bands(place) for place in range(tiles.grid**2)]
        heights = np.diff(tiles.row_cuts)
        widths = reach[tiles.column_cuts[1:]] - reach[tiles.column_cuts[:-1]]
        shares = np.cumsum([heights[i] * widths[j] for i, j in bands])
        offset = float(stream(self._seed, epoch + 1, 1 + 2 * batch).random())
        ends = np.concatenate([[0], np.clip(np.ceil(shares / shares[-1] * draws - offset), 0, draws)]).astype(
            np.int64
        )
        ends[-1] = draws
        weight = float(shares[-1]) / draws

        def work(place: int) -> None:
            i, j = bands[place]
            draw_unobserved(
                int(tiles.row_cuts[i]),
                int(tiles.row_cuts[i + 1]),
                int(tiles.column_cuts[j]),
                int(tiles.column_cuts[j + 1]),
                reach,
                int(ends[place]),
                int(ends[place + 1]),
                key,
                weight,
                self.U,
                self.S,
                self._dU,
                self._dS,
                self._seen_rows,
                self._seen_columns,
                step,
            )

        for stratum in tiles.strata():
            self._engine.map(work, stratum)

    def _add_edges(self, epoch: int, batch: int, step: int) -> None:
        """Each penalty from sampled edges; one that names no edges acts in full."""
        options, dU = self._options, self._dU
        for number, (strength, form, _) in enumerate(self._problem.penalties):
            if not strength > 0:
                continue
            generator = stream(self._seed, epoch + 1, 2 + 2 * (batch + self.batches * number))
            edges = form.sample(options.edge_samples, options.oversample_class, options.importance, generator)
            if edges is None:
                if self._lazy:
                    self._meet(np.flatnonzero(form.diagonal()), step)
                form.add_product(self.U, strength, dU, self._engine)
                continue
            operator = Operator(edges * math.sqrt(strength), dU.dtype)
            if self._lazy:
                self._meet(np.unique(operator.matrix.indices), step)
            operator.transposed.apply(operator.apply(self.U, self._engine), self._engine, dU, add=True)

    def _meet(self, rows: NDArray[Any], step: int) -> None:
        """Mark rows as met in this step, cleared where they were not."""
        self._dU[rows[self._seen_rows[rows] != step]] = 0
        self._seen_rows[rows] = step

    # ------------------------------------------------------------------------------------- rates

    def _in_units(self, rate: float, norm: float) -> float:
        """sgd's step: ``rate`` over the curvature, and short enough to follow the curvature as the factors grow."""
        size = self._size(self.U)
        if size > _GROWTH * self._norm:
            self._measure(_POWER_STEPS_AGAIN)
        rate /= self._curvature * max(1.0, size / self._norm)
        longest = _LONGEST * (1 - self._options.momentum) * math.sqrt(self._size(self.P))
        return min(rate, longest / norm) if norm > 0 else rate

    def _size(self, X: Floats2d) -> float:
        """‖X‖² + ‖S‖² for X = P or U, without the constants."""
        size = square(X) + square(self.S)
        return size - len(X) - len(self.S) if self._problem.biases else size

    def _measure(self, steps: int) -> None:
        """The curvature at the present factors, and their size."""
        share = 0.0 if self._reach is None and self.batches == 1 else float(self.batches)
        reach = None
        if self._reach is not None and self._options.importance:
            share, reach = float(self._reach[-1]) / self.batch, self._reach
        bend, self._power = curvature(
            self._problem, self._tiles, (self.P, self.S, self.U), self._power, steps, self._engine
        )
        noise = draw_noise(self._problem, self._tiles, (self.U, self.S), share, reach, self._engine)
        if self._options.unobserved_samples:
            each = len(self.U) * float(self._alpha_reach[-1]) / self._options.unobserved_samples
            noise += 2.0 * each * max(largest_square(self.U), largest_square(self.S))
        self._curvature = max(bend + noise / (1 - self._options.momentum), 1e-30)
        self._norm = max(self._size(self.U), 1e-30)


def _batch_count(batch: int | None, cells: int) -> int:
    """Batches of an epoch."""
    if cells == 0 or batch == 0:
        return 1
    size = max(_LEAST_BATCH, -(-cells // _BATCHES)) if batch is None else batch
    return max(1, -(-cells // size))


def _constrained(problem: Problem) -> NDArray[np.int64] | None:
    """The rows that some penalty touches."""
    touched = np.zeros(problem.shape[0], np.bool_)
    for strength, form, _ in problem.penalties:
        if strength > 0:
            touched |= form.diagonal() > 0
    return np.flatnonzero(touched) if touched.any() else None
