"""Latent semantic analysis: the truncated SVD of counts, of their logarithms, or of tf-idf; PCA where columns are centred.

    min ‖A − W Cᵀ‖²_F over rank K:      A ≈ U_K Σ_K V_Kᵀ,      W = U_K Σ^p,      C = V_K Σ^(1−p)

A is the matrix of counts itself (or of ln(1 + n), ln n, tf-idf), or with ``centre`` the same less the mean of each column,
which is never laid out: then W for p = 1 are the principal component scores of the words. Rows are words, so that K
counts dimensions of words as in Deerwester et al. 1990, whose rows are terms. Nothing but A is different from ``svd``.
"""

from __future__ import annotations

from dataclasses import dataclass

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.methods.svd import SvdOptions, decompose
from morphvec.report import SILENT, Reporter
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

KINDS = ("count", "log1p", "log", "tf-idf")


@dataclass(frozen=True)
class LsaOptions(SvdOptions):
    """As of ``svd``. centre: take the mean off each column (PCA; its scores are the vectors for power 1).

    Raises OptionError for values out of range.
    """

    centre: bool = False


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: LsaOptions,
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Decompose counts or what was made of them, centred or not, and serve the sides; see ``methods.svd.decompose``.

    Raises OptionError for an association of another kind.
    """
    if association.kind not in KINDS:
        raise OptionError(
            f"association={association.kind}",
            f"method lsa decomposes {', '.join(KINDS)}",
            "use --association log1p, or --method svd",
        )
    return decompose(
        association, vocabulary, options, centre=options.centre, loop=loop, engine=engine, reporter=reporter
    )
