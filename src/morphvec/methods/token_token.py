"""The token-token model: a symmetric word × word matrix M ≈ VVᵀ, laid out densely.

    J(V) = ‖M − VVᵀ‖²_F + Σ_c λ_c tr(VᵀL_cV) + γ‖V‖²

M is the symmetric PPMI of words as each other's contexts (no smoothing), or G = XXᵀ of the token-feature matrix X. It
costs O(T²) memory and O(T²k) a pass, and is kept to measure what the token-feature form saves (TF §1, §2.5); every cell
counts alike, so that the weights and α of the association have no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine, even_blocks
from morphvec.errors import OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.report import SILENT, Reporter
from morphvec.solvers.batch_options import epochs_of
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors
from morphvec.solvers.solve import check_settings
from morphvec.solvers.symmetric import SymmetricProblem, check_memory, factorize
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

TARGETS = ("ppmi", "gram")
MEMORY = 4 << 30  # bytes
MAX_RIDGE = 1e9
_ROWS = 512  # rows of M made at a time
_ASYMMETRY = 1e-5  # of the largest value: what float32 leaves between the two halves of a symmetric PPMI


@dataclass(frozen=True)
class TokenTokenOptions:
    """dim: k. target: M is the symmetric PPMI (``ppmi``) or XXᵀ (``gram``). epochs: of the iteration, where a penalty
    acts. seed: of the eigensolver's start. ridge: γ. memory: bytes that the dense matrix and its work space may take.

    Raises OptionError for values out of range.
    """

    dim: int = 100
    target: str = "ppmi"
    epochs: int | None = None
    seed: int = 0
    ridge: float = 0.0
    memory: int = MEMORY

    def __post_init__(self) -> None:
        check_settings(self.dim, "als", self.epochs, 1, 0.0, self.seed)
        check_choice("target", self.target, TARGETS)
        check_number("ridge", self.ridge, 0, MAX_RIDGE)
        check_number("memory", self.memory, 0, math.inf, open_low=True)


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenTokenOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Lay out M, factorize it, and serve V; with ``ppmi`` the contexts are V too, so that vectors·contextsᵀ ≈ M.

    Raises BudgetError before any work where M does not fit into ``options.memory``, OptionError where M would not be
    symmetric or has too few eigenvalues above 0 for ``dim``.
    """
    check_memory(len(vocabulary), options.dim, options.memory, association.matrix.nnz, engine.threads)
    with reporter.stage("lay out the matrix"):
        matrix = dense_ppmi(association) if options.target == "ppmi" else dense_gram(association, engine)
        problem = SymmetricProblem(matrix, penalties, options.ridge)
    factors = factorize(
        problem,
        options.dim,
        epochs_of("als", options.epochs),
        options.seed,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )
    vectors = np.ascontiguousarray(factors.U, np.float32)
    mutual = options.target == "ppmi"
    made = Embeddings(
        vocabulary.words,
        vectors,
        counts=vocabulary.counts,
        contexts=vectors if mutual else None,
        features=[("window", name) for name in association.features] if mutual else (),
        tokenizer=vocabulary.tokenizer,
        languages=vocabulary.languages,
    )
    return made, factors


def dense_ppmi(association: Association) -> NDArray[np.float64]:
    """The association of words with words, (A + Aᵀ)/2, float64 [T, T] in nats; what is not stored is 0.

    Raises OptionError unless A is symmetric up to the rounding of float32.
    """
    kinds = [block.kind for block in association.blocks]
    if kinds != ["window"] or association.features != association.words:
        raise _asymmetric(f"columns of {', '.join(kinds)}", "leave --features at window")
    matrix = csr_array(association.matrix)
    other = csr_array(matrix.T)
    most = _ASYMMETRY * float(abs(matrix.data).max(initial=0.0))
    out = np.empty(matrix.shape)
    for low, high in even_blocks(len(out), _ROWS):
        here, there = matrix[low:high].toarray(), other[low:high].toarray()
        if float(abs(here - there).max()) > most:
            raise _asymmetric("an association that is not symmetric", "give --smoothing 1")
        np.add(here, there, out=out[low:high], dtype=np.float64)
    out *= 0.5
    return out


def _asymmetric(value: str, mend: str) -> OptionError:
    return OptionError(
        f"target=ppmi, {value}",
        "VVᵀ is symmetric, as PPMI is where words are the columns and contexts are not smoothed",
        f"{mend}, or --target gram",
    )


def dense_gram(association: Association, engine: Engine) -> NDArray[np.float64]:
    """G = XXᵀ of the token-feature matrix, float64 [T, T] in nats², from blocks of rows."""
    matrix = csr_array(association.matrix)
    other = csr_array(matrix.T, dtype=np.float64)
    out = np.empty((matrix.shape[0], matrix.shape[0]))

    def fill(block: tuple[int, int]) -> None:
        low, high = block
        out[low:high] = (matrix[low:high] @ other).toarray()

    engine.map(fill, even_blocks(len(out), _ROWS))
    return out
