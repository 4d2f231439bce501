"""GloVe: the logarithms of co-occurrence counts as products of vectors and biases (Pennington, Socher & Manning 2014).

    J = Σ_{n>0} f(n) (u·s + b + c − ln n)²,      f(n) = min(1, (n/100)^¾)      (eq. 8 and 9)

by AdaGrad cell by cell as published, or by als, which comes to the same cost in a few sweeps; als needs a ridge, since a
rare word has fewer cells than dimensions. Penalties and composition act on the vectors, never on the biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import InputError
from morphvec.methods.stored import StoredOptions, check_kind, fit_stored
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Problem
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

WEIGH = {
    "association": "log",
    "weight": "glove",
    "unobserved": 0.0,
}  # what it fits, as options of the arrow before


@dataclass(frozen=True)
class GloveOptions(StoredOptions):
    """As of ``StoredOptions``: by default 25 epochs of adagrad by cells, learning rate 0.05, no ridge, and the sum of word
    and context vectors; by als 8 sweeps with γ = 1, in the form U Σ^½.
    """


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: GloveOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    knowledge: Knowledge = Knowledge(),  # noqa: B008  (frozen)
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Fit ln n of the observed cells and serve vectors and biases.

    The history is J, in nats²: twice the published cost summed over all cells, and ridge and penalties where there are
    any. Raises OptionError for an association of another kind or with unobserved cells, and as ``fit_stored`` does.
    """
    check_kind(association, "glove", "log")
    return fit_stored(
        association,
        vocabulary,
        options,
        penalties,
        biases=True,
        knowledge=knowledge,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )


def published_cost(
    vectors: Floats2d,
    contexts: Floats2d,
    biases: Floats1d,
    context_biases: Floats1d,
    counts: Any,
    *,
    x_max: float = 100.0,
    exponent: float = 0.75,
    engine: Engine | None = None,
) -> float:
    """Σ f(n)·½(w·c + b_w + b_c − ln n)² / cells, in nats²: the cost that the published program prints.

    It prints it for the parameters that each cell met; this is the cost of one state of them. vectors [T, k], contexts
    [F, k], biases [T] and [F]. counts: sparse [T, F], every stored n above 0. Raises InputError where one is not.
    """
    matrix = csr_array(counts)
    if not matrix.nnz or not np.all(matrix.data > 0):
        raise InputError(
            "a count that is not above 0", "the cost is of observed cells", "remove stored zeros"
        )
    cells = csr_array((np.log(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    weights = np.minimum(1.0, (matrix.data / x_max) ** exponent)
    problem = Problem(cells, weights, 0.0, None, (), 0.0, 0.0, 0.0, biases=True)
    P, S = problem.widened(np.asarray(vectors), np.asarray(contexts))
    P[:, -2], S[:, -1] = biases, context_biases
    return float(problem.objective(P, S, engine=engine).fit / 2 / matrix.nnz)
