"""Small dense algebra with the same bits on any number of cores."""

from __future__ import annotations

from contextlib import AbstractContextManager


def one_blas_thread() -> AbstractContextManager[object]:
    """Within this context BLAS and LAPACK use one thread: a threaded product sums in an order of its own."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
