"""Runs of sorted (key, sum) pairs that stay in memory while they fit and go to disk when they do not."""

from __future__ import annotations

import itertools
import tempfile
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import mapped
from morphvec.engine.base import Engine
from morphvec.errors import OutputError
from morphvec.kernels.runs import merge_two

Run = tuple[NDArray[np.uint64], NDArray[np.int64]]
_BYTES = 16  # of one (key, sum) pair
_PART = 1 << 22  # pairs that one merge task handles, where memory allows
_LEAST_PART = 1 << 12


class RunStore:
    """Collects runs from any thread; at most ``memory`` bytes of them stay in memory.

    Merging pulls the runs through key ranges, so that it needs memory for one range per thread and no more.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self._folder, self._memory = folder, memory
        self._part = min(_PART, max(_LEAST_PART, memory // 16 // _BYTES))
        self._held = 0
        self._runs: list[Run] = []
        self._lock = threading.Lock()
        self.spilled = 0  # bytes on disk

    @property
    def empty(self) -> bool:
        """Whether no run was added."""
        return not self._runs

    def add(self, keys: NDArray[np.uint64], sums: NDArray[np.int64]) -> None:
        """Take a sorted run of distinct keys (its arrays are copied)."""
        if not len(keys):
            return
        size = len(keys) * _BYTES
        with self._lock:
            keep = self._held + size <= self._memory
            if keep:
                self._held += size
            else:
                self.spilled += size
        run = (keys.copy(), sums.copy()) if keep else self._to_disk(keys, sums)
        with self._lock:
            self._runs.append(run)

    def _to_disk(self, keys: NDArray[np.uint64], sums: NDArray[np.int64]) -> Run:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".run", delete=False) as handle:
                keys.tofile(handle)
                sums.tofile(handle)
        except OSError as error:
            raise OutputError(
                f"{self._folder} could not take a sorted run: {error.strerror or error}",
                "counts beyond --memory go to the temporary folder",
                "free some space, set TMPDIR to another disk, or raise --memory",
            ) from error
        size = len(keys)
        return (
            mapped(handle.name, np.uint64, (size,)),
            mapped(handle.name, np.int64, (size,), offset=8 * size),
        )

    def ranges(self) -> list[tuple[np.uint64, np.uint64 | None]]:
        """Key ranges [low, high) that cut the runs into tasks of about equal size; they cover every key."""
        total = sum(len(keys) for keys, _ in self._runs)
        count = max(1, total // self._part)
        if count == 1:
            return [(np.uint64(0), None)]
        step = max(1, total // (count * 64))
        sample = np.sort(np.concatenate([keys[::step] for keys, _ in self._runs]))
        marks = np.unique(sample[(len(sample) * np.arange(1, count)) // count])
        bounds = [np.uint64(0), *marks.tolist(), None]
        return [
            (np.uint64(low), None if high is None else np.uint64(high))
            for low, high in itertools.pairwise(bounds)
            if low is not None
        ]

    def merged(self, low: np.uint64, high: np.uint64 | None) -> Run:
        """All pairs with low <= key < high, keys distinct and sorted, sums added."""
        parts = []
        for keys, sums in self._runs:
            begin = int(np.searchsorted(keys, low))
            end = len(keys) if high is None else int(np.searchsorted(keys, high))
            if begin < end:
                parts.append((keys[begin:end], sums[begin:end]))
        return merge_runs(parts)

    def merge_all(self, engine: Engine) -> list[Run]:
        """Every range merged, in key order; the result is held in memory."""
        ranges = self.ranges()
        if len(ranges) == 1 and len(self._runs) == 1:
            return list(self._runs)
        return engine.map(lambda bounds: self.merged(*bounds), ranges)


def merge_runs(runs: list[Run]) -> Run:
    """One run of sorted runs, sums of equal keys added; the list is used up."""
    while len(runs) > 1:  # smallest first keeps the work at n log(runs)
        runs.sort(key=lambda run: -len(run[0]))
        (keys_a, sums_a), (keys_b, sums_b) = runs.pop(), runs.pop()
        room = len(keys_a) + len(keys_b)
        keys, sums = np.empty(room, np.uint64), np.empty(room, np.int64)
        size = merge_two(keys_a, sums_a, keys_b, sums_b, keys, sums)
        runs.append((keys[:size], sums[:size]))
    return runs[0] if runs else (np.empty(0, np.uint64), np.empty(0, np.int64))
