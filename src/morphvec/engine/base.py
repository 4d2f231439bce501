"""The two verbs of parallel work. Blocks are fixed by the data, never by the number of workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from morphvec.arrays import Ints1d

Block = TypeVar("Block")
Value = TypeVar("Value")


class Engine(Protocol):
    """Runs a function over blocks. The answers come in the order of the blocks, whoever computed them."""

    @property
    def threads(self) -> int:
        """How many blocks run at once."""

    def map(self, function: Callable[[Block], Value], blocks: Sequence[Block]) -> list[Value]:
        """``[function(block) for block in blocks]``, in any order of execution; a barrier at the end."""


def tree_sum(parts: Sequence[Any]) -> Any:
    """Sum arrays (or numbers) pairwise in a fixed tree: rounding depends on the blocks alone."""
    values = list(parts)
    while len(values) > 1:
        pairs = [values[i] + values[i + 1] for i in range(0, len(values) - 1, 2)]
        values = pairs + values[len(values) - len(values) % 2 :]
    return values[0]


def row_blocks(indptr: Ints1d, most: int = 128, least_cells: int = 16_384) -> list[tuple[int, int]]:
    """Cut CSR rows into contiguous blocks of about equal cells: at most ``most`` of them, fixed by indptr alone.

    A row counts one cell beyond its own, so that empty rows spread too.
    """
    rows = len(indptr) - 1
    if rows <= 0:
        return []
    work = np.asarray(indptr, dtype=np.int64) + np.arange(rows + 1)
    total = int(work[-1] - work[0])
    count = int(max(1, min(most, rows, total // least_cells)))
    targets = work[0] + (total * np.arange(1, count)) // count
    cuts = [0, *np.searchsorted(work, targets).tolist(), rows]
    return [(low, high) for low, high in itertools.pairwise(cuts) if low < high]


def even_blocks(rows: int, size: int) -> list[tuple[int, int]]:
    """Cut ``rows`` into contiguous blocks of ``size`` rows (the last may be shorter)."""
    return [(low, min(low + size, rows)) for low in range(0, rows, size)]
