"""Stochastic matrix factorization: PMI − ln k of the observed cells alone, cell by cell (Levy & Goldberg 2014, §3.3).

    J = Σ_{n>0} w (u·s − (PMI − ln k))² + γ (‖U‖² + ‖S‖²)

w = n, or n·m/(n+m) with m the expected negatives of the pair: how much the loss of skip-gram with negative sampling bends
at its optimum, u·s = PMI − ln k (note 001, §2.3). Unlike the SVD of PPMI it keeps cells below 0, and takes those that were
never observed for unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.methods.stored import StoredOptions, check_kind, fit_stored
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

WEIGH = {"association": "pmi", "weight": "curvature", "unobserved": 0.0, "shift": 5.0}


@dataclass(frozen=True)
class SmfOptions(StoredOptions):
    """As of ``StoredOptions``: by default 15 epochs of sgd by cells with a linear schedule and γ = 1, word vectors
    at power 0."""

    SOLVER: ClassVar[str] = "sgd"
    CELLS: ClassVar[tuple[str, ...]] = ("sgd",)  # no weight makes it unstable
    EPOCHS: ClassVar[int] = 15
    SCHEDULE: ClassVar[str] = "linear"
    OUTPUT: ClassVar[str] = "w"
    POWER: ClassVar[float | None] = 0.0  # by name; it finds better neighbours than the factors as trained
    RIDGE: ClassVar[float] = 1.0


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: SmfOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    knowledge: Knowledge = Knowledge(),  # noqa: B008  (frozen)
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Fit PMI − ln k of the observed cells; the history is J, in nats².

    Raises OptionError for an association of another kind or with unobserved cells, and as ``fit_stored`` does.
    """
    check_kind(association, "smf", "pmi")
    return fit_stored(
        association,
        vocabulary,
        options,
        penalties,
        biases=False,
        knowledge=knowledge,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )
