"""What a line of one language has that its translation has too: counterparts.

Where lines are known by their ids in several languages, two words translate each other if they stand in the same lines.
A translation is free, and some lines are in one language only: a word stands in many lines whose other half says it in
another way or not at all, and those cells only blur. So the vectors of a first run tell which words of a line go
together, by agreement of two directions (Liang, Taskar & Klein 2006; a share of one direction is that of IBM model 1,
Brown et al. 1993, with e^(β·cos) in the place of a translation probability). What they tell is used three times in a
second run: cells weigh δ + their best agreement, times what leaves the mean weight as it was; words are columns too,
met as often as they agree with a word over all lines; and words are drawn together along a graph of these sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array, triu

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.association import UNOBSERVED_IDS, Association, AssociationOptions, side_by_side, weigh
from morphvec.counts.matrix import Counts
from morphvec.engine.base import Engine, even_blocks
from morphvec.errors import OptionError
from morphvec.features.space import COUNTERPARTS, Block, BlockOptions
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.counterparts import link_lines
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty, edge_penalty
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary

UNALIGNED = 0.05  # δ where none is given
SHARPNESS, NOTHING = 15.0, 0.25  # β; the cosine at which having no counterpart is as likely as having one
LEAST = 0.01  # agreement of a pair in a line from which it is counted
COLUMN_WEIGHT = 0.5  # β of the columns that words are, over the number of other languages
PULL = 60.0  # λ of the graph
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


@dataclass(frozen=True, eq=False)
class Links:
    """How surely words are counterparts, see ``kernels.counterparts``.

    cells: float32 [nnz] in [0, 1], of each stored cell's word in its line; −1 where the line is too long to tell. words:
    float64 CSR [T, T], symmetric: p(b|a)·p(a|b) of two words, summed over their lines; what is below LEAST in a line is
    left out.
    """

    cells: Floats1d
    words: csr_array


@dataclass(frozen=True, eq=False)
class Aligned:
    """What a second run works on. penalties: (λ, L, name), none where no words are counterparts. linked: how many words
    have a counterpart."""

    association: Association
    penalties: list[tuple[float, Penalty, str]]
    linked: int


def align(
    association: Association, vocabulary: Vocabulary, factors: Factors, share: float, engine: Engine
) -> Aligned:
    """Cells that weigh by their counterparts, w·(share + link)/(share + mean link), more columns, and a graph.

    factors: of the first run; words are near each other as their left singular vectors are. Cells of lines longer than
    LONGEST take the mean link. The columns are words: PMI and weights of the sums of agreement, where each word agrees
    with itself as much as with all others.
    """
    languages = vocabulary.language_numbers()
    vectors = output_map(factors.U, factors.S, 0.0, engine).apply(factors.U, engine)
    links = find_links(association.matrix, languages, vectors, engine)
    cells = links.cells
    mean = float(np.mean(cells, where=cells >= 0, dtype=np.float64)) if (cells >= 0).any() else 1.0
    cells[cells < 0] = mean
    weights = association.weights.copy()
    weights.data = (weights.data * ((share + cells) / (share + mean))).astype(np.float32)
    association = replace(association, weights=weights)
    if links.words.nnz == 0:
        return Aligned(association, [], 0)
    beta = COLUMN_WEIGHT / (len(vocabulary.languages) - 1)  # cells of these columns grow with the languages
    block = Block(COUNTERPARTS, 0, len(vocabulary), beta, UNOBSERVED_IDS * beta)
    counts = Counts(_with_themselves(links.words), association.words, association.words, (block,))
    columns = weigh(counts, AssociationOptions(association="pmi", smoothing=1.0), engine=engine)
    graph = graph_of(links.words, languages)
    linked = int(np.count_nonzero(np.diff(links.words.indptr)))
    return Aligned(side_by_side(association, columns), [(PULL, graph, COUNTERPARTS)], linked)


def find_links(matrix: csr_array, languages: Ints1d, vectors: Floats2d, engine: Engine) -> Links:
    """The links of all lines by vectors [T, k] of a first run."""
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
    cells = np.empty(matrix.nnz, np.float32)
    asked = (SHARPNESS, NOTHING, LONGEST, LEAST, cells)
    found = engine.map(
        lambda b: link_lines(starts, rows, places, languages, unit, *asked, *b),
        even_blocks(matrix.shape[1], _COLUMNS),
    )
    pairs = np.concatenate([pairs for pairs, _ in found])
    products = np.concatenate([products for _, products in found]).astype(np.float64)
    one_way = csr_array(coo_array((products, (pairs[:, 0], pairs[:, 1])), shape=(len(languages),) * 2))
    return Links(cells, csr_array(one_way + one_way.T))


def graph_of(words: csr_array, languages: Ints1d) -> Penalty:
    """Σ_{a<b} (n_ab² / (n_a n_b)) ‖u_a − u_b‖²: n_ab the sums of agreement, n_a those of a with the language of b, n_b those
    of b with the language of a."""
    upper = triu(words, format="coo")
    one, other = upper.coords
    of_language = csr_array((np.ones(len(languages)), (np.arange(len(languages)), languages)))
    totals = (words @ of_language).toarray()
    strength = upper.data**2 / (totals[one, languages[other]] * totals[other, languages[one]])
    edges = np.column_stack((one, other))
    everyone = diags_array(np.ones(len(languages)), format="csr")
    return edge_penalty(everyone, edges, np.zeros(len(edges), np.int64), np.ones(1), strength)


def _with_themselves(words: csr_array) -> csr_array:
    """Each word met with itself as often as with all others; float64 CSR, columns sorted, as counts are."""
    made = csr_array(words + diags_array(np.asarray(words.sum(axis=1)).ravel(), format="csr"))
    made.eliminate_zeros()
    made.sort_indices()
    made.indptr, made.indices = made.indptr.astype(np.int64), made.indices.astype(np.int32)
    return made
