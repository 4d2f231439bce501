"""Array names that say kind and rank, so that a signature reads as a shape."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats1d: TypeAlias = NDArray[np.floating[Any]]
Floats2d: TypeAlias = NDArray[np.floating[Any]]
Ints1d: TypeAlias = NDArray[np.integer[Any]]
Ints2d: TypeAlias = NDArray[np.integer[Any]]
Bools1d: TypeAlias = NDArray[np.bool_]
