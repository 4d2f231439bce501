"""Small dense algebra with the same bits on any number of cores."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

_found: tuple[int, Any] = (0, None)  # modules loaded when the libraries were looked for, and what was found


def one_blas_thread() -> AbstractContextManager[object]:
    """Within this context BLAS and LAPACK use one thread: a threaded product sums in an order of its own.

    Looking for the libraries takes a millisecond, so it is done again only where modules were loaded since.
    """
    global _found  # noqa: PLW0603  (a cache: whichever thread fills it finds the same)
    if _found[0] != len(sys.modules):
        from threadpoolctl import ThreadpoolController

        controller = ThreadpoolController()
        _found = (len(sys.modules), controller)
    limits: AbstractContextManager[object] = _found[1].limit(limits=1, user_api="blas")
    return limits
