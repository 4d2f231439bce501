"""Counts → association: what the stored cells are to be, and the weight of each.

    PMI = ln(n_tf · Σ_g n_g^a / (n_t · n_f^a))      (Levy, Goldberg & Dagan 2015 §3.2; a = smoothing)

with margins and sums of the block's own, after window weights, in nats; its positive and shifted forms; and for the
methods that fit counts rather than associations the counts themselves, their logarithms, and tf-idf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack

from morphvec.arrays import Floats1d
from morphvec.counts.matrix import Counts
from morphvec.engine.base import Engine, row_blocks
from morphvec.engine.local import local_engine
from morphvec.errors import InputError
from morphvec.features.space import Block, check_choice, check_number
from morphvec.kernels.cells import associate, count_kept

KINDS = ("ppmi", "pmi", "count", "log", "log1p", "tf-idf")
_KERNEL_KIND = {"ppmi": 0, "pmi": 0, "count": 1, "log": 2, "log1p": 3, "tf-idf": 4}
_SIGNED = ("pmi", "log")  # kinds that keep cells below 0 too
WEIGHTS = (
    "constant",
    "sqrt",
    "glove",
    "alpha+sqrt",
    "count",
    "curvature",
)  # the kernel knows them by their place
WEIGHT_MAX = {
    "constant": 1.0,
    "sqrt": 10.0,
    "glove": 100.0,
    "alpha+sqrt": 10.0,
}  # of the others there is none
UNOBSERVED, UNOBSERVED_IDS = 0.2, 0.02  # α where none is given: of words in a window, of lines by their ids
MAX_WEIGHT = 1e9


@dataclass(frozen=True)
class AssociationOptions:
    """How counts become targets and weights.

    association: ``ppmi`` keeps values above 0, ``pmi`` keeps every observed cell; ``count`` n, ``log`` ln n, ``log1p``
    ln(1 + n) and ``tf-idf`` ln(1 + n)·ln(T / rows of the column) keep observed cells too (tf-idf: but for columns that
    every row has). smoothing: exponent a of the feature margins. shift: k_neg, −ln k_neg is added before the maximum.
    add_lambda: Dirichlet pseudo-count of every cell; it changes observed cells and margins only. unobserved: α of cells
    that are not stored (None: 0.02 of ids, whose cells a translated line fills whole, 0.2 of other blocks). weight: ``sqrt`` min(√n, weight_max), ``alpha+sqrt`` the same on top of the block's α, so that no
    stored cell weighs less than one that is not stored, ``glove`` min(1, (n/weight_max)^¾), ``constant`` 1, ``count`` n,
    ``curvature`` n·m/(n + m) with m = k_neg·n_t·n_f^a/Σ_g n_g^a: how much the loss of skip-gram with negative
    sampling bends at its optimum (Levy & Goldberg 2014); weight_max caps the last two where it is given.
    """

    association: str = "ppmi"
    smoothing: float = 0.75
    shift: float = 1.0
    add_lambda: float = 0.0
    unobserved: float | None = None
    weight: str = "alpha+sqrt"
    weight_max: float | None = None

    def __post_init__(self) -> None:
        check_choice("association", self.association, KINDS)
        check_choice("weight", self.weight, WEIGHTS)
        check_number("smoothing", self.smoothing, 0, 1)
        check_number("shift", self.shift, 0, open_low=True)
        check_number("add_lambda", self.add_lambda, 0)
        if self.unobserved is not None:
            check_number("unobserved", self.unobserved, 0, MAX_WEIGHT)
        if self.weight_max is not None:
            check_number("weight_max", self.weight_max, 0, MAX_WEIGHT, open_low=True)


@dataclass(frozen=True, eq=False)
class Association:
    """Targets and weights of the stored cells.

    matrix: float32 CSR [T, F], values in nats (counts, for the kind ``count``). weights: float32 CSR of the same pattern (it shares indptr and
    indices). alpha: float64 [F], weight of every cell of a column that is not stored. Not stored means: target 0.
    kind, weight: what the values and weights are, of ``KINDS`` and ``WEIGHTS``.
    """

    matrix: csr_array
    weights: csr_array
    alpha: Floats1d
    words: tuple[str, ...]
    features: tuple[str, ...]
    blocks: tuple[Block, ...]
    kind: str = "ppmi"
    weight: str = "alpha+sqrt"


def weigh(
    counts: Counts, options: AssociationOptions | None = None, *, engine: Engine | None = None
) -> Association:
    """The association matrix of ``counts``.

    Raises InputError where no cell is kept.
    """
    options = AssociationOptions() if options is None else options
    engine = local_engine() if engine is None else engine
    matrix = counts.matrix
    row_terms, column_terms = _terms(counts, options)
    ends = np.array([block.end for block in counts.blocks], np.int64)
    betas = np.array([block.beta for block in counts.blocks])
    floor = -math.inf if options.association in _SIGNED else 0.0
    idf = _idf(matrix) if options.association == "tf-idf" else np.ones(matrix.shape[1])
    cells = (
        matrix.indptr,
        matrix.indices,
        matrix.data,
        ends,
        row_terms,
        column_terms,
        idf,
        float(options.add_lambda),
        _KERNEL_KIND[options.association],
        floor,
    )
    rows = row_blocks(matrix.indptr)
    lengths = np.zeros(matrix.shape[0], np.int64)
    engine.map(lambda block: count_kept(*cells, lengths, *block), rows)
    indptr = np.zeros(matrix.shape[0] + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    size = int(indptr[-1])
    if size == 0:
        raise InputError(
            f"none of {matrix.nnz} observed cells has a positive association",
            f"{options.association} keeps cells above 0",
            "lower --shift, use --association pmi, or give more text",
        )
    indices, values, weights = (
        np.empty(size, np.int32),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
    )
    alphas = np.array([_alpha(block, options.unobserved) for block in counts.blocks])
    kind = WEIGHTS.index(options.weight)
    weight_max = float(options.weight_max or WEIGHT_MAX.get(options.weight, math.inf))
    engine.map(
        lambda block: associate(
            *cells, kind, weight_max, betas, alphas, indptr, indices, values, weights, *block
        ),
        rows,
    )
    alpha = np.repeat(alphas, [block.end - block.begin for block in counts.blocks])
    return Association(
        _csr(indptr, indices, values, matrix.shape),
        _csr(indptr, indices, weights, matrix.shape),
        alpha,
        counts.words,
        counts.features,
        counts.blocks,
        options.association,
        options.weight,
    )


def side_by_side(one: Association, other: Association) -> Association:
    """The columns of ``one``, then those of ``other``, for the same words; kind and weight are said as those of ``one``."""
    if one.words != other.words:
        raise InputError(
            f"associations of {len(one.words):,} and {len(other.words):,} words",
            "columns stand side by side for the same words in the same order",
            "count both with one vocabulary",
        )
    begin = len(one.features)
    values, weights = (
        hstack(pair, format="csr") for pair in ((one.matrix, other.matrix), (one.weights, other.weights))
    )
    indptr, indices = values.indptr.astype(np.int64), values.indices.astype(np.int32)
    moved = (replace(block, begin=begin + block.begin, end=begin + block.end) for block in other.blocks)
    return replace(
        one,
        matrix=_csr(indptr, indices, values.data, values.shape),
        weights=_csr(indptr, indices, weights.data, values.shape),
        alpha=np.concatenate((one.alpha, other.alpha)),
        features=(*one.features, *other.features),
        blocks=(*one.blocks, *moved),
    )


def _idf(matrix: csr_array) -> np.ndarray:
    """ln(T / rows that have the column), float64 [F]; 0 for a column that no row has."""
    rows = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.asarray(np.log(matrix.shape[0] / np.maximum(rows, 1)) * (rows > 0))


def _csr(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, shape: tuple[int, int]) -> csr_array:
    matrix = csr_array(shape, dtype=data.dtype)
    matrix.indptr, matrix.indices, matrix.data = indptr, indices, data
    return matrix


def _alpha(block: Block, asked: float | None) -> float:
    """α of a block: its own, or β times what was asked for or what suits its kind."""
    if block.unobserved is not None:
        return block.unobserved
    if asked is None:
        asked = UNOBSERVED_IDS if block.kind == "ids" else UNOBSERVED
    return asked * block.beta


def _terms(counts: Counts, options: AssociationOptions) -> tuple[np.ndarray, np.ndarray]:
    """ln n_t per block [T, blocks] and ln n_f^a − ln Σ_g n_g^a + ln k_neg per column [F]; 0 where a margin is 0."""
    rows, columns = counts.margins()
    for b, block in enumerate(counts.blocks):
        width = block.end - block.begin
        rows[:, b] += options.add_lambda * width
        columns[block.begin : block.end] += options.add_lambda * rows.shape[0]
    smoothed = columns**options.smoothing
    terms = np.log(smoothed, out=np.zeros_like(smoothed), where=smoothed > 0)
    for block in counts.blocks:
        total = smoothed[block.begin : block.end].sum()
        terms[block.begin : block.end] += math.log(options.shift) - (math.log(total) if total > 0 else 0.0)
    return np.log(rows, out=np.zeros_like(rows), where=rows > 0), terms
