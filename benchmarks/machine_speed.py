"""What this machine can do, in one line of JSON: sgemm GFLOP/s and triad GB/s, with one thread and with all.

    python benchmarks/machine_speed.py

sgemm: 4096³, numpy's BLAS. triad: a = b + 3c over 480 MB an array, Numba on plain threads; three arrays are counted, not
the fourth that a cache line fetched before it is written makes. Best of five: what is asked is the machine's limit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba as nb
import numpy as np
from threadpoolctl import threadpool_limits

import machine

SIDE, NUMBERS, TIMES = 4096, 60_000_000, 5


@nb.njit(nogil=True)
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, low: int, high: int) -> None:
    """a = b + 3c in [low, high)."""
    for i in range(low, high):
        a[i] = b[i] + 3.0 * c[i]


def best(work: Callable[[], object]) -> float:
    """The least seconds of TIMES runs after one that is not counted."""
    work()
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def products() -> dict[str, float]:
    """GFLOP/s of sgemm by threads."""
    left, right = (np.random.default_rng(0).random((SIDE, SIDE), np.float32) for _ in range(2))
    out, found = np.empty_like(left), {}
    for threads in sorted({1, machine.cores()}):
        with threadpool_limits(threads):
            seconds = best(lambda: np.matmul(left, right, out=out))
        found[f"sgemm_gflops_{threads}"] = round(2 * SIDE**3 / seconds / 1e9, 1)
    return found


def streams() -> dict[str, float]:
    """GB/s of the triad by threads."""
    a, b, c = (np.full(NUMBERS, float(n)) for n in range(3))
    found = {}
    for threads in sorted({1, machine.cores()}):
        cuts = np.linspace(0, NUMBERS, threads + 1).astype(int).tolist()
        with ThreadPoolExecutor(threads) as pool:

            def run(cuts: list[int] = cuts, pool: ThreadPoolExecutor = pool) -> None:
                list(pool.map(lambda n: triad(a, b, c, cuts[n], cuts[n + 1]), range(len(cuts) - 1)))

            found[f"triad_gb_s_{threads}"] = round(24 * NUMBERS / best(run) / 1e9, 1)
    return found


def main() -> None:
    print(json.dumps({**products(), **streams()}))


if __name__ == "__main__":
    main()
