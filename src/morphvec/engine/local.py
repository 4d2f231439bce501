"""Threads of this process: the kernels release the interpreter's lock, so plain threads run them side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from threading import local

from morphvec.engine.base import Block, Value
from morphvec.errors import OptionError

_here = local()  # ``inside``: this thread works for a map, and one inside it runs its blocks in turn


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """The threads of all engines of one size: a step of a few milliseconds is not worth starting them anew."""
    return ThreadPoolExecutor(threads, thread_name_prefix="morphvec")


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
        if self.threads == 1 or len(blocks) <= 1 or getattr(_here, "inside", False):
            return [function(block) for block in blocks]

        def work(block: Block) -> Value:
            _here.inside = True
            return function(block)

        pool = _pool(self.threads)
        futures: list[Future[Value]] = [pool.submit(work, block) for block in blocks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)
            raise


def local_engine(threads: int | None = None) -> LocalEngine:
    """An engine with ``threads`` threads, or one per core."""
    return LocalEngine(cores() if threads is None else threads)
