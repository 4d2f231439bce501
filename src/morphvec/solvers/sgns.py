"""Skip-gram with negative sampling (Mikolov et al. 2013; note 001): stochastic descent of

    Σ_(w,c) −[ln σ(u_w·s_c) + Σ_k ln σ(−u_w·s_n)] + Σ_c λ_c tr(UᵀL_cU),     U = B·P

over the pairs of a text and k contexts n drawn beside each. At the optimum of a large enough dimension u·s is PMI − ln k
(Levy & Goldberg 2014), noise ∝ count: a drawn context that equals the pair's own one counts as a negative all the same,
as in note 001, eq. 6, where word2vec leaves it out; for any vocabulary but a toy's the difference is slight.

A buffer of text becomes events; the events fall into the tiles of a grid, parts of the words × parts of the contexts; the
tiles of one diagonal share no row and no column and are worked on side by side, each event after event. So the result is
that of one thread on the events in another order, and the same bits come from any number of threads. Barriers stand
between diagonals; those between buffers carry what moved in U over to P and let the penalties act.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d
from morphvec.engine.base import Engine, tree_sum
from morphvec.errors import InputError, OptionError
from morphvec.kernels.sgns import LANES, emit_chunk, fill_alias, make_curve, move_tile
from morphvec.kernels.sgns_racing import race_chunk
from morphvec.kernels.windows import pair_weights
from morphvec.rng import stream
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.pulled import Composed, Pull
from morphvec.training import Paced

WINDOW_WEIGHTS = ("dynamic", "flat", "distance")
# Positions of a chunk, chunks of a buffer. Both change the bits of every result. Free rows need long buffers only to make
# barriers rare; parts see what their words asked for at barriers alone, and learn the more the more of them there are.
_FREE, _COMPOSED = (4096, 24), (1024, 8)
_EVENTS = 1 << 18  # of a chunk at most; long windows and many negatives make shorter chunks
_GRID_BITS, _PART = 3, 64  # 8 × 8 tiles where every part gets as many words
_LEAST_RATE = 1e-4  # of the learning rate, at the end
_PULLS = 32  # steps of the penalties in an epoch
_MAX_WINDOW, _MAX_NEGATIVES = 200, 200


@dataclass(frozen=True)
class NegativeSampling:
    """What is drawn from a text, and the rate.

    window: the largest distance, in tokens that subsampling left. window_weight: the radius of a window is drawn so that
    it is at least d with chance weight(d)/weight(1): dynamic (window − d + 1), flat 1, distance 1/d. negatives: k.
    noise_power: a, negatives are drawn ∝ count^a. sample: t; a token of frequency f stays with chance √(t/f) + t/f
    (0: all stay). learning_rate: at the start; it falls linearly to 1e-4 of itself over all epochs. racing: threads
    share all rows and windows their negatives, which is faster and ends in other bits every time. Raises OptionError.
    """

    window: int = 5
    window_weight: str = "dynamic"
    negatives: int = 5
    noise_power: float = 0.75
    sample: float = 1e-4
    learning_rate: float = 0.05
    racing: bool = False

    def __post_init__(self) -> None:
        if self.window_weight not in WINDOW_WEIGHTS:
            raise OptionError(
                f"window_weight={self.window_weight!r}",
                f"it is one of {', '.join(WINDOW_WEIGHTS)}",
                "choose one",
            )
        for name, low, high, rule in (
            ("window", 1, _MAX_WINDOW, ""),
            ("negatives", 1, _MAX_NEGATIVES, ": without negatives every product would grow for ever"),
            ("noise_power", 0.0, 4.0, ""),
            ("sample", 0.0, 1.0, ""),
            ("learning_rate", 1e-9, 10.0, ""),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionError(
                    f"{name}={value}",
                    f"it is from {low:g} to {high:g}{rule}",
                    f"give another --{name.replace('_', '-')}",
                )


class SkipGram(Paced):
    """State of one run: U [T, k] (or P [Q, k]) and S [T, k], moved in place by ``epoch``.

    Parameters
    ----------
    ids: int32, the text as words 0..T−1, −1 ends a line. counts: int64 [T], what frequencies and noise are made of.
    dim: k. epochs: what the rate's fall runs over. seed: of the start and of every draw. composition: B, sparse [T, Q],
    no entry below 0; None: B = I. penalties: (λ, form, name of its class). Raises OptionError and InputError.
    """

    def __init__(
        self,
        ids: NDArray[np.int32],
        counts: NDArray[np.int64],
        dim: int,
        *,
        settings: NegativeSampling,
        epochs: int,
        seed: int,
        engine: Engine,
        composition: Any = None,
        penalties: Sequence[tuple[float, Penalty, str]] = (),
    ) -> None:
        if settings.racing and composition is not None:
            raise OptionError(
                "racing with words made of parts",
                "parts are moved at barriers, which a race has none of",
                "leave --racing out, or use --parts own",
            )
        self._tokens = int(np.count_nonzero(np.asarray(ids) >= 0))
        if not self._tokens or not counts.sum() > 0:
            raise InputError("a text without tokens", "training needs at least one", "give more text")
        self._ids, self._engine, self._settings, self._seed = ids, engine, settings, seed
        self._dim, self._epochs = dim, epochs
        size = len(counts)
        self._bits = 0 if settings.racing else min(_GRID_BITS, max(0, (size // _PART).bit_length() - 1))
        self._number, self._rows = _deal(counts, self._bits)
        self._part = -(-size // (1 << self._bits))  # words of a part
        self._keep = _keep(counts, settings.sample)
        self._reach = _reach(settings.window, settings.window_weight)
        self._noise = _noise(counts, settings.noise_power, self._number)
        self._curve = make_curve()
        each = 2 * settings.window * (1 + settings.negatives)
        most, self._chunks = _FREE if composition is None else _COMPOSED
        self._chunk = max(LANES, min(most, _EVENTS // each))
        chunks = min(self._chunks, -(-len(ids) // self._chunk))
        if not settings.racing:
            self._events = np.empty((chunks, self._chunk * each), np.uint64)
            self._starts = np.zeros((chunks, (1 << 2 * self._bits) + 1), np.int64)
        self._held = threading.local()  # a thread's events before they are sorted
        self._moved, self._stamp = np.zeros(size, np.int32), 0
        rows, width = self._part << self._bits, -(-dim // LANES) * LANES
        self._U, self._S = aligned(rows, width), aligned(rows, width)
        parts = size if composition is None else composition.shape[1]
        start = (stream(seed).random((parts, dim), np.float32) - np.float32(0.5)) / np.float32(dim)
        self._composed = None
        if composition is None:
            self._U[self._rows, :dim] = start
        else:
            kept = counts * np.minimum(self._keep / 2.0**32, 1.0)
            chance = -np.expm1(-kept / self._tokens * min(len(ids), self._chunk * chunks))
            self._composed = Composed(composition, chance, width, engine)
            self._composed.P[:, :dim] = start
        self._pull = Pull(penalties, self._composed, engine)
        self._pull_every = max(1, -(-len(ids) // (_PULLS * self._chunk * chunks)))

    # ------------------------------------------------------------------------------------- the factors

    @property
    def U(self) -> Floats2d:
        """The words' factors, float32 [T, k]; a copy."""
        if self._composed is not None:
            return np.ascontiguousarray(self._composed.tokens()[:, : self._dim])
        return np.ascontiguousarray(self._U[self._rows, : self._dim])

    @property
    def P(self) -> Floats2d:
        """The parts' factors, float32 [Q, k], U where B = I; a copy."""
        return self.U if self._composed is None else np.ascontiguousarray(self._composed.P[:, : self._dim])

    @property
    def S(self) -> Floats2d:
        """The contexts' factors, float32 [T, k]; a copy."""
        return np.ascontiguousarray(self._S[self._rows, : self._dim])

    def state(self) -> dict[str, NDArray[Any]]:
        """P and S."""
        return {"P": self.P, "S": self.S}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self._S[self._rows, : self._dim] = state["S"]
        if self._composed is None:
            self._U[self._rows, : self._dim] = state["P"]
        else:
            self._composed.P[:, : self._dim] = state["P"]

    # ------------------------------------------------------------------------------------- one epoch

    def epoch(self, number: int) -> Mapping[str, Any]:
        """One pass over the text. fit: the loss of its events in nats, each before its move; total: with penalties."""
        began = time.perf_counter()
        key = np.uint64(stream(self._seed, number + 1).integers(0, 1 << 63))
        span = self._chunk * self._chunks
        fit, pairs, waiting = 0.0, 0, 0
        for count, low in enumerate(range(0, len(self._ids), span), start=1):
            high = min(low + span, len(self._ids))
            chunks = [(c, b, min(b + self._chunk, high)) for c, b in enumerate(range(low, high, self._chunk))]
            rates = np.array([self._rate(number, begin) for _, begin, _ in chunks], np.float32)
            work = self._race if self._settings.racing else self._descend
            loss, events = work(chunks, rates, key)
            fit, pairs, waiting = fit + loss, pairs + events, waiting + high - low
            if self._pull and (count % self._pull_every == 0 or high == len(self._ids)):
                self._let_pull(self._rate(number, low) * waiting / len(self._ids))
                waiting = 0
            self.pace(high / len(self._ids))
        if pairs == 0:
            raise InputError(
                f"{self._tokens} tokens, no two of them in one window",
                "a pair is two words of one line, after --sample left words out",
                "give more text, lower --min-count, or use --sample 0",
            )
        classes = self._pull.values(self.U) if self._pull else {}
        seconds = max(time.perf_counter() - began, 1e-9)
        return {
            "total": fit + sum(classes.values()),
            "fit": fit,
            "unobserved": 0.0,
            "classes": classes,
            "ridge": 0.0,
            "pairs": pairs,
            "learning_rate": self._rate(number + 1, 0),
            "words_per_second": self._tokens / seconds,
        }

    def _rate(self, epoch: int, position: int) -> float:
        done = (epoch + position / len(self._ids)) / self._epochs
        return self._settings.learning_rate * max(_LEAST_RATE, 1 - done)

    def _draws(self) -> tuple[Any, ...]:
        return (self._keep, self._number, self._reach, self._noise, self._settings.negatives)

    def _race(
        self, chunks: Sequence[tuple[int, int, int]], rates: NDArray[np.float32], key: np.uint64
    ) -> tuple[float, int]:
        """A buffer by threads that write the same rows."""
        done = self._engine.map(
            lambda chunk: race_chunk(
                self._ids,
                *chunk[1:],
                *self._draws(),
                key,
                rates[chunk[0]],
                self._curve,
                self._U,
                self._S,
            ),
            chunks,
        )
        return sum(loss for loss, _ in done), sum(events for _, events in done)

    def _descend(
        self, chunks: Sequence[tuple[int, int, int]], rates: NDArray[np.float32], key: np.uint64
    ) -> tuple[float, int]:
        """A buffer, diagonal by diagonal; with composition P follows at the end."""
        engine, bits, grid, part = self._engine, self._bits, 1 << self._bits, self._part
        self._stamp += 1
        events = sum(engine.map(lambda chunk: self._emit(chunk, key), chunks))
        follow = None
        if self._composed is not None:
            words = np.flatnonzero(self._moved[self._number] == self._stamp)
            follow = (self._composed, words, self._composed.refresh(words, self._rows, self._U))
        loss = 0.0

        def move(tile: tuple[int, int]) -> float:
            i, j = tile
            return float(
                move_tile(
                    self._events,
                    self._starts,
                    len(chunks),
                    (i << bits) + j,
                    i * part,
                    j * part,
                    rates,
                    self._curve,
                    self._U,
                    self._S,
                )
            )

        for stratum in range(grid):
            tiles = [(i, (i + stratum) % grid) for i in range(grid)]
            loss += tree_sum(engine.map(move, tiles))
        if follow is not None:
            composed, words, before = follow
            composed.follow(words, self._U[self._rows[words]] - before)
        return loss, events

    def _emit(self, chunk: tuple[int, int, int], key: np.uint64) -> int:
        place, begin, end = chunk
        if not hasattr(self._held, "events"):
            self._held.events = np.empty(self._events.shape[1], np.uint64)
        return int(
            emit_chunk(
                self._ids,
                begin,
                end,
                *self._draws(),
                key,
                self._bits,
                self._moved,
                self._stamp,
                self._held.events,
                self._events[place],
                self._starts[place],
            )
        )

    def _let_pull(self, step: float) -> None:
        """The penalties' share of a stretch of text."""
        if self._composed is not None:
            self._pull.on_parts(self._composed, step)
        else:
            self._U[self._rows, : self._dim] = self._pull.on_words(self.U, step)


def aligned(rows: int, width: int) -> NDArray[np.float32]:
    """Zeros, float32 [rows, width], from a line of cache on."""
    room = np.zeros(rows * width + LANES, np.float32)
    skip = -room.ctypes.data % (4 * LANES) // 4
    return room[skip : skip + rows * width].reshape(rows, width)


def _deal(counts: NDArray[np.int64], bits: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The number of each word and its row: by falling count, dealt forth and back, so that parts get equal work."""
    size, grid = len(counts), 1 << bits
    place = np.arange(size)
    turned = (place // grid % 2 == 1) & (place < size // grid * grid)
    place[turned] += grid - 1 - 2 * (place[turned] % grid)
    number = np.empty(size, np.int32)
    number[np.argsort(-counts, kind="stable")] = place
    return number, (number % grid).astype(np.int64) * -(-size // grid) + number // grid


def _keep(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint64]:
    """The chance of each word to stay, times 2³²."""
    if not sample > 0:
        return np.full(len(counts), 1 << 32, np.uint64)
    share = sample * counts.sum() / np.maximum(counts, 1)
    return np.asarray(np.minimum(1.0, np.sqrt(share) + share) * 2.0**32).astype(np.uint64)


def _reach(window: int, kind: str) -> NDArray[np.uint64]:
    """The chance of a radius of at least d = 1..window, times 2³²."""
    weights, _ = pair_weights(window, kind)
    return np.array([(int(weight) << 32) // int(weights[0]) for weight in weights], np.uint64)


def _noise(counts: NDArray[np.int64], power: float, number: NDArray[np.int32]) -> NDArray[np.uint64]:
    """The alias table of the negatives, by number."""
    mass = np.zeros(len(counts))
    mass[number] = np.power(counts, power, out=np.zeros(len(counts)), where=counts > 0, dtype=np.float64)
    table = np.empty(len(counts), np.uint64)
    fill_alias(mass / mass.sum(), table)
    return table
