"""What makes two words near: their dot product as a sum over parts, and as a sum over features.

By parts, u_a·u_b = Σ_p Σ_q (B_ap P_p)·(B_bq P_q). By features, from the context vectors C alone: each word has the profile
z = C (CᵀC)^-½ u over the features, and z_a·z_b = u_a·u_b, since C (CᵀC)^-½ has orthonormal columns (it is the polar factor
of C, the nearest such matrix to C). By features, from the association: with A = CᵀDC + Σ_stored (w − α) c cᵀ of a word's row,
the least squares of its cells alone would put it at û = Σ_f w x A⁻¹c_f, so that u_a·u_b = Σ_f w x (A⁻¹c_f)·u_b + (u_a − û_a)·u_b;
the second term is what parts, constraints, the ridge and unfinished sweeps hold. Both words have such a sum; the mean of
the two is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import OptionError

_BLOCK = 65_536  # feature vectors at a time
_FLOOR = 1e-10  # of the largest eigenvalue: below it a direction has no length
OWN_PART = "own"


@dataclass(frozen=True)
class PartShare:
    """What a part of the first word and a part of the second one add to the dot product."""

    a: str
    b: str
    share: float


@dataclass(frozen=True)
class FeatureShare:
    """What one feature adds to the dot product."""

    block: str
    feature: str
    share: float


@dataclass(frozen=True)
class Explanation:
    """The dot product of two words, taken apart twice.

    parts: every pair of parts, the largest share first; their shares sum to ``dot``. features: those asked for, the largest
    share first; their shares and ``rest`` sum to ``dot``. Of a model without feature vectors ``rest`` is all of it.
    """

    a: str
    b: str
    dot: float
    cosine: float
    parts: tuple[PartShare, ...]
    features: tuple[FeatureShare, ...]
    rest: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of ``morphvec explain``."""
        return asdict(self)


class Cells(Protocol):
    """An association: what ``explain`` needs of it."""

    @property
    def matrix(self) -> csr_array:
        """x, CSR [T, F]."""

    @property
    def weights(self) -> csr_array:
        """w, of the same pattern."""

    @property
    def alpha(self) -> Floats1d:
        """α, [F]."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the rows."""


@dataclass(frozen=True, eq=False)
class Made:
    """What a vector is a sum of: names, and their vectors float64 [n, k]; own: the place of the word's own row, if any."""

    names: Sequence[str]
    vectors: Floats2d
    own: int | None

    def summing_to(self, vector: Floats1d) -> Floats2d:
        """The vectors, what rounding (or quantizing) leaves added to the own row, or else spread over all."""
        found = np.array(self.vectors, np.float64)
        left = np.asarray(vector, np.float64) - found.sum(axis=0)
        if self.own is not None:
            found[self.own] += left
        else:
            found += left / len(found)
        return found


def part_shares(
    vectors: tuple[Floats1d, Floats1d], made: tuple[Made | None, Made | None]
) -> tuple[PartShare, ...]:
    """The share of each pair of parts, largest first; a word that is not composed is one part, its own row."""
    names, pieces = [], []
    for vector, of in zip(vectors, made, strict=True):
        names.append([OWN_PART] if of is None else list(of.names))
        pieces.append(np.asarray(vector, np.float64)[None] if of is None else of.summing_to(vector))
    shares = pieces[0] @ pieces[1].T
    found = [
        PartShare(a, b, float(shares[i, j])) for i, a in enumerate(names[0]) for j, b in enumerate(names[1])
    ]
    return tuple(sorted(found, key=lambda part: -part.share))


def whitening(contexts: Floats2d) -> Floats2d:
    """(CᵀC)^-½, float64 [k, k]; directions of no length become 0."""
    square = _gram(contexts, np.ones(len(contexts)))
    with one_blas_thread():
        values, basis = np.linalg.eigh(square)
    keep = values > _FLOOR * max(float(values[-1]), 1e-300)
    scale = np.where(keep, 1.0 / np.sqrt(np.where(keep, values, 1.0)), 0.0)
    return np.asarray((basis * scale) @ basis.T)


def profile_shares(vectors: tuple[Floats1d, Floats1d], contexts: Floats2d, root: Floats2d) -> Floats1d:
    """The share of each feature by the profiles of the two words, float64 [F]. root: ``whitening`` of the contexts."""
    turned = np.stack([root @ np.asarray(vector, np.float64) for vector in vectors], axis=1)
    shares = np.empty(len(contexts))
    for low in range(0, len(contexts), _BLOCK):
        profiles = np.asarray(contexts[low : low + _BLOCK], np.float64) @ turned
        shares[low : low + _BLOCK] = profiles[:, 0] * profiles[:, 1]
    return shares


def cell_shares(
    vectors: tuple[Floats1d, Floats1d],
    rows: tuple[int | None, int | None],
    contexts: Floats2d,
    cells: Cells,
) -> Floats1d:
    """The share of each feature by the stored cells of the two rows, float64 [F]; a word without a row has none, and the
    other one's are taken whole."""
    shares = np.zeros(len(contexts))
    square = _gram(contexts, cells.alpha)
    present = [place for place in (0, 1) if rows[place] is not None]
    for place in present:
        row, other = rows[place], np.asarray(vectors[1 - place], np.float64)
        assert row is not None
        span = slice(int(cells.matrix.indptr[row]), int(cells.matrix.indptr[row + 1]))
        columns = np.asarray(cells.matrix.indices[span])
        x, w = (np.asarray(of.data[span], np.float64) for of in (cells.matrix, cells.weights))
        C = np.asarray(contexts[columns], np.float64)
        with one_blas_thread():
            A = square + (C * (w - cells.alpha[columns])[:, None]).T @ C
            toward = np.linalg.lstsq(A, other, rcond=None)[0]
        shares[columns] += w * x * (C @ toward) / len(present)
    return shares


def check_cells(cells: Cells, words: Sequence[str], contexts: Floats2d | None) -> None:
    """Raise OptionError where an association is not that of a model."""
    fits = contexts is not None and cells.matrix.shape == (len(words), len(contexts))
    if not fits or tuple(cells.words) != tuple(words):
        raise OptionError(
            f"an association of {cells.matrix.shape[0]:,} words and {cells.matrix.shape[1]:,} features",
            f"the model has {len(words):,} words and {0 if contexts is None else len(contexts):,} feature vectors, and they are the same ones",
            "give the folder that morphvec weigh made for it",
        )


def _gram(contexts: Floats2d, scale: Floats1d) -> Floats2d:
    total = np.zeros((contexts.shape[1], contexts.shape[1]))
    with one_blas_thread():
        for low in range(0, len(contexts), _BLOCK):
            block = np.asarray(contexts[low : low + _BLOCK], np.float64)
            total += (block * scale[low : low + _BLOCK, None]).T @ block
    return total
