"""What a line of one language has that its translation has too: cells weigh by their counterparts.

Where lines are known by their ids in several languages, two words translate each other if they stand in the same lines.
A translation is free, and some lines are in one language only: a word stands in many lines whose other half says it in
another way or not at all, and those cells only blur. So the vectors of a first run tell which words of a line go
together, by agreement of two directions (Liang, Taskar & Klein 2006; a share of one direction is that of IBM model 1,
Brown et al. 1993, with e^(β·cos) in the place of a translation probability), and the cells of a second run weigh
δ + their best agreement, times what leaves the mean weight as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.association import Association
from morphvec.engine.base import Engine, even_blocks
from morphvec.errors import OptionError
from morphvec.features.space import Block, BlockOptions
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.counterparts import link_lines
from morphvec.solvers.output import output_map
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary

UNALIGNED = 0.05  # δ where none is given
SHARPNESS, NOTHING = 15.0, 0.25  # β; the cosine at which having no counterpart is as likely as having one
LONGEST = 1000  # words of a line in all languages; a longer one is a document, in which nothing is aligned
_COLUMNS = 256  # of a block


def share_of(asked: float | None, association: Association, vocabulary: Vocabulary) -> float:
    """δ: what was asked for, or UNALIGNED where line ids of several languages are the only columns; 1 elsewhere.

    Raises OptionError where there is nothing to align.
    """
    aligns = check_alignable(asked, association.blocks, vocabulary.languages)
    if asked is None:
        return UNALIGNED if aligns else 1.0
    return asked


def check_alignable(
    asked: float | None, blocks: Sequence[Block] | Sequence[BlockOptions], languages: Sequence[str]
) -> bool:
    """Whether line ids of several languages are the only columns. Raises OptionError where they are not and words are to
    be aligned all the same."""
    aligns = all(block.kind == "ids" for block in blocks) and len(languages) > 1
    if asked is not None and asked < 1 and not aligns:
        raise OptionError(
            f"unaligned={asked:g}",
            "words are aligned where line ids of several languages are the only columns",
            "leave --unaligned out, or give LANG=PATH with --features ids",
        )
    return aligns


def align(
    association: Association, vocabulary: Vocabulary, factors: Factors, share: float, engine: Engine
) -> Association:
    """The association with cells that weigh by their counterparts: w·(share + link)/(share + mean link).

    factors: of the first run; words are near each other as their left singular vectors are. Cells of lines longer than
    LONGEST take the mean link.
    """
    vectors = output_map(factors.U, factors.S, 0.0, engine).apply(factors.U, engine)
    links = link_cells(association.matrix, vocabulary.language_numbers(), vectors, engine)
    mean = float(np.mean(links, where=links >= 0, dtype=np.float64)) if (links >= 0).any() else 1.0
    links[links < 0] = mean
    weights = association.weights.copy()
    weights.data = (weights.data * ((share + links) / (share + mean))).astype(np.float32)
    return replace(association, weights=weights)


def link_cells(matrix: csr_array, languages: Ints1d, vectors: Floats2d, engine: Engine) -> Floats1d:
    """How sure each stored cell's word has a counterpart in its line, float32 [nnz] in [0, 1]; −1 where the line is too
    long to tell (``kernels.counterparts``)."""
    indptr = matrix.indptr.astype(np.int64, copy=False)
    indices = matrix.indices.astype(np.int32, copy=False)
    lengths = np.zeros(matrix.shape[1], np.int64)
    column_lengths(indices, lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows, places = np.empty(matrix.nnz, np.int32), np.empty(matrix.nnz, np.int64)
    number = np.arange(matrix.nnz, dtype=np.int64)
    transpose(indptr, indices, number, number, starts[:-1].copy(), rows, places, places, 0, matrix.shape[1])
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    unit = np.ascontiguousarray(vectors / np.maximum(length, 1e-30)[:, None], np.float32)
    links = np.empty(matrix.nnz, np.float32)
    engine.map(
        lambda b: link_lines(starts, rows, places, languages, unit, SHARPNESS, NOTHING, LONGEST, links, *b),
        even_blocks(matrix.shape[1], _COLUMNS),
    )
    return links
