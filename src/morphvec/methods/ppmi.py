"""The explicit representation: a word's vector is its row of the PPMI or shifted PPMI matrix itself, kept sparse.

    u_t = (max(PMI(t, f) − ln k, 0))_f

Nothing is factorized: the dimension is the number of features, reconstruction is exact, and whatever the low-rank
methods gain or lose is measured against it. Source: Levy & Goldberg, Linguistic Regularities in Sparse and Explicit
Word Representations (2014), §3; the shift: Levy & Goldberg, Neural Word Embedding as Implicit Matrix Factorization
(2014), §3.2. Weights of stored cells, β and α of blocks have no part in it: every cell is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.methods.serving import Columns
from morphvec.report import SILENT, Reporter
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl


@dataclass(frozen=True)
class PpmiOptions:
    """output: ``w``, the rows; there are no others. A dimension is not among the settings: it is the number of features.

    Raises OptionError for another output.
    """

    output: str = "w"

    def __post_init__(self) -> None:
        if self.output != "w":
            raise OptionError(
                f"output={self.output}",
                "ppmi serves the rows of its matrix, and contexts have no vectors beside them",
                "use --output w, or --method svd",
            )


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: PpmiOptions,
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Serve the stored cells, float32 CSR [T, F] in nats; they are shared with the association, not copied.

    The factors have no columns, and their one entry of history is all zeros: there is nothing to minimise, hence
    nothing for ``loop`` and ``engine`` to do. Raises OptionError where the association is not ``ppmi``.
    """
    del options, loop, engine
    if association.kind != "ppmi":
        raise OptionError(
            f"association={association.kind}",
            "method ppmi serves the rows of the PPMI matrix",
            "use --association ppmi, with --shift for the shifted form",
        )
    with reporter.stage("serve the matrix"):
        made = Embeddings(
            vocabulary.words,
            association.matrix,
            counts=vocabulary.counts,
            features=Columns.of(association).names,
            tokenizer=vocabulary.tokenizer,
            languages=vocabulary.languages,
        )
    words, features = association.matrix.shape
    none = np.zeros((words, 0), np.float32)
    entry = {"total": 0.0, "fit": 0.0, "unobserved": 0.0, "classes": {}, "ridge": 0.0}
    return made, Factors(none, np.zeros((features, 0), np.float32), none, (entry,))
