"""Array names that say kind and rank, so that a signature reads as a shape; arrays that lie in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats1d: TypeAlias = NDArray[np.floating[Any]]
Floats2d: TypeAlias = NDArray[np.floating[Any]]
Cells1d: TypeAlias = NDArray[np.floating[Any]] | NDArray[np.uint16]  # of stored cells: plain or coded
Rows2d: TypeAlias = NDArray[np.floating[Any]] | NDArray[np.int16]  # of factors: plain or coded
Ints1d: TypeAlias = NDArray[np.integer[Any]]
Ints2d: TypeAlias = NDArray[np.integer[Any]]
Bools1d: TypeAlias = NDArray[np.bool_]


def mapped(file: str | Path, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
    """An array that lies in a file and is read where it is touched; what is written to it stays in memory.

    Numba compiles a kernel once more for arrays that cannot be written, and a private map can. A file larger than the
    memory may have no private map; it has a read-only one.
    """
    try:
        return np.asarray(np.memmap(file, dtype, "c", offset, shape))
    except OSError:
        return np.asarray(np.memmap(file, dtype, "r", offset, shape))
