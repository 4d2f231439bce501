"""Stochastic matrix factorization: PMI − ln k of the observed cells alone, cell by cell (Levy & Goldberg 2014, §3.3).

    J = Σ_{n>0} w (u·s − (PMI − ln k))² + γ (‖U‖² + ‖S‖²)

w = 1, n, or n·m/(n+m) with m the expected negatives of the pair: how much the loss of skip-gram with negative sampling bends
at its optimum, u·s = PMI − ln k (note 001, §2.3). Unlike the SVD of PPMI it keeps cells below 0, and takes those that were
never observed for unknown. With the logistic loss n softplus(−d) + m softplus(d), d = u·s, of which that is the parabola,
it is skip-gram with negative sampling on the observed cells (note 001, eq. 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.features.space import check_choice
from morphvec.methods.stored import StoredOptions, check_kind, fit_stored
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import LOSSES, Factors
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

WEIGH = {"association": "pmi", "weight": "curvature", "unobserved": 0.0, "shift": 5.0}


@dataclass(frozen=True)
class SmfOptions(StoredOptions):
    """As of ``StoredOptions``: by default 15 epochs of sgd by cells with a linear schedule and γ = 1, word vectors
    at power 0. loss: ``squared``, or ``logistic`` by cells. Raises OptionError for values out of range.
    """

    SOLVER: ClassVar[str] = "sgd"
    CELLS: ClassVar[tuple[str, ...]] = ("sgd",)  # no weight makes it unstable
    EPOCHS: ClassVar[int] = 15
    SCHEDULE: ClassVar[str] = "linear"
    OUTPUT: ClassVar[str] = "w"
    RIDGE: ClassVar[float] = 1.0
    POWER: ClassVar[float | None] = 0.0  # by name; it finds better neighbours than the factors as trained

    loss: str = "squared"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("loss", self.loss, LOSSES)


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
    """Fit PMI − ln k of the observed cells; the history is J, in nats², or in nats for the logistic loss.

    Raises OptionError for an association of another kind or with unobserved cells, and as ``fit_stored`` does.
    """
    check_kind(association, "smf", "pmi")
    if options.loss == "logistic" and association.weight != "curvature":
        raise OptionError(
            f"loss=logistic, weight={association.weight}",
            "the curvature tells how often a pair is met and drawn",
            "use --weight curvature",
        )
    return fit_stored(
        association,
        vocabulary,
        options,
        penalties,
        loss=options.loss,
        knowledge=knowledge,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )
