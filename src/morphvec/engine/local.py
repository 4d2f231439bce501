"""Threads of this process: the kernels release the interpreter's lock, so plain threads run them side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from morphvec.engine.base import Block, Value
from morphvec.errors import OptionError


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class LocalEngine:
    """``threads`` threads; more than the machine has is allowed and changes no bit of any result."""

    threads: int

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise OptionError(
                f"threads={self.threads}",
                "at least one thread is needed",
                "leave --threads out to use every core",
            )

    def map(self, function: Callable[[Block], Value], blocks: Sequence[Block]) -> list[Value]:
        """See Engine.map. The first error of a block is raised after the running blocks end."""
        if self.threads == 1 or len(blocks) <= 1:
            return [function(block) for block in blocks]
        with ThreadPoolExecutor(min(self.threads, len(blocks))) as pool:
            return list(pool.map(function, blocks))


def local_engine(threads: int | None = None) -> LocalEngine:
    """An engine with ``threads`` threads, or one per core."""
    return LocalEngine(cores() if threads is None else threads)
