"""Rows kept as codes of a byte a number or less, and decoded where they are taken: ``Scaled`` and ``Split``.

Both stand where an array float32 [T, k] does: ``shape``, ``len``, rows by number, slice or array of numbers, ``np.asarray``.
Codes may be memory maps; nothing is decoded ahead of its use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d

CENTRES = 256  # of a codebook: a code is one byte


class Coded(ABC):
    """A matrix float32 [T, k] of which codes are kept."""

    shape: tuple[int, int]
    ndim = 2
    dtype = np.dtype(np.float32)

    @abstractmethod
    def decode(self, rows: Any) -> Floats2d:
        """The chosen rows (a slice, or an array of numbers or of truth values), float32 [n, k]."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored, by name."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, (int, np.integer)):
            place = range(len(self))[int(rows)]
            return self.decode(slice(place, place + 1))[0]
        return self.decode(rows if isinstance(rows, slice) else np.asarray(rows))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy  # it is always one
        return self.decode(slice(None)).astype(np.float32 if dtype is None else dtype, copy=False)

    def astype(self, dtype: Any, copy: bool = True) -> NDArray[Any]:
        """All rows, decoded."""
        del copy
        return self.__array__(dtype)

    @property
    def T(self) -> Floats2d:
        """All rows, decoded, as columns."""
        return self.decode(slice(None)).T


@dataclass(frozen=True, eq=False)
class Scaled(Coded):
    """Row t is codes[t] · scales[t]. codes: int8 [T, k]; scales: float32 [T]."""

    codes: NDArray[np.int8]
    scales: Floats1d

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """(T, k)."""
        return int(self.codes.shape[0]), int(self.codes.shape[1])

    def decode(self, rows: Any) -> Floats2d:
        return np.asarray(self.codes[rows].astype(np.float32) * self.scales[rows][:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"codes": self.codes, "scales": self.scales}


@dataclass(frozen=True, eq=False)
class Split(Coded):
    """Row t is lengths[t] times M pieces end to end, piece m being books[m, codes[t, m]] (product quantization; Jégou et
    al. 2011). codes: uint8 [T, M]; books: float32 [M, 256, k/M]; lengths: float32 [T].
    """

    codes: NDArray[np.uint8]
    books: NDArray[np.float32]
    lengths: Floats1d

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """(T, k)."""
        return int(self.codes.shape[0]), int(self.books.shape[0] * self.books.shape[2])

    def decode(self, rows: Any) -> Floats2d:
        codes = np.asarray(self.codes[rows])
        pieces = np.asarray(self.books)[np.arange(codes.shape[1]), codes]
        return np.asarray(pieces.reshape(len(codes), self.shape[1]) * self.lengths[rows][:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"codes": self.codes, "books": self.books, "lengths": self.lengths}


def stored(name: str, matrix: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a matrix by their names in a file: itself, or its codes."""
    if isinstance(matrix, Coded):
        return {f"{name}.{part}": np.asarray(array) for part, array in matrix.arrays().items()}
    return {name: np.asarray(matrix, np.float32)}


def opened(name: str, arrays: Mapping[str, Any]) -> Any:
    """A matrix from the arrays of a file, or None. Raises ValueError for codes that do not fit each other."""
    codes = arrays.get(f"{name}.codes")
    if codes is None:
        return arrays.get(name)
    parts: list[Any] = [arrays.get(f"{name}.{part}") for part in ("scales", "books", "lengths")]
    scales, books, lengths = parts
    factors: Any = scales if scales is not None else lengths
    good = codes.ndim == 2 and min(codes.shape) > 0 and factors is not None
    good = good and factors.shape == codes.shape[:1] and factors.dtype == np.float32
    good = good and bool(np.isfinite(factors).all())
    if good and scales is not None and codes.dtype == np.int8 and books is None:
        return Scaled(codes, np.asarray(scales))
    if (
        good
        and scales is None
        and books is not None
        and (codes.dtype, books.dtype, books.ndim) == (np.uint8, np.float32, 3)
        and books.shape[:2] == (codes.shape[1], CENTRES)
        and books.shape[2] > 0
        and bool(np.isfinite(books).all())
    ):
        return Split(codes, np.asarray(books), np.asarray(lengths))
    raise ValueError(f"the codes of {name} do not fit each other")
