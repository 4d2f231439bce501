"""What GloVe and stochastic matrix factorization share: a fit of the stored cells alone, cell by cell or by any solver.

    J = Σ_stored w (u·s [+ b + c] − x)² + Σ_c λ_c tr(UᵀL_cU) + γ_P‖P‖² + γ_S‖S‖²,   U = B·P

Their pages say what x and w are, and which settings are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.methods.composing import PartSettings, make_composition
from morphvec.methods.serving import OUTPUTS, Columns, check_output, embed
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, epochs_of, rate_of
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.solve import check_settings, solve
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

MAX_RIDGE = 1e9  # beyond it float32 factors vanish
POWER_ALS = 0.5  # where none is given: als leaves basis and scale open
OWN_WEIGHT = 1.0  # ω of composed words where none is given
_KNOWN = ("unimorph", "conllu", "classes", "edges", "constraint")  # options that bring constraints


@dataclass(frozen=True)
class StoredOptions:
    """The settings of a fit; a None is chosen by what is fitted and how.

    dim: k. solver: None for the method's own by cells, or als where words are composed or constrained. epochs: None for
    the method's own with its own solver, or the solver's. batch: None for cell updates at the method's own schedule,
    or dense mini-batches where a cell cannot be moved alone. cg_steps, cg_tol, validation, patience: see
    ``solvers.solve``. ridge: γ of every factor; ridge_own, ridge_parts, ridge_features override it (None: the method's).
    power: exponent p of the singular values in the output; None for factors as they were trained, or ½ for als. output:
    ``w``, ``c``, ``w+c`` or ``concat``; None for the method's own, or ``w`` where words are composed. pieces: what words
    are made of. Raises OptionError for values out of range.
    """

    SOLVER: ClassVar[str] = "adagrad"
    EPOCHS: ClassVar[int] = 25
    CELLS: ClassVar[tuple[str, ...]] = ("adagrad", "sgd")  # solvers by cells where nobody says otherwise
    SCHEDULE: ClassVar[str] = "constant"
    OUTPUT: ClassVar[str] = "w+c"
    POWER: ClassVar[float | None] = None
    RIDGE: ClassVar[float] = 0.0
    RIDGE_ALS: ClassVar[float] = 1.0

    dim: int = 100
    solver: str | None = None
    epochs: int | None = None
    batch: BatchOptions | None = None
    cg_steps: int = 4
    cg_tol: float = 0.0
    validation: float = 0.0
    patience: int = 0
    ridge: float | None = None
    ridge_own: float | None = None
    ridge_parts: float | None = None
    ridge_features: float | None = None
    power: float | None = None
    output: str | None = None
    pieces: PartSettings = field(default_factory=PartSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(
            self.dim,
            self.solver or self.SOLVER,
            self.epochs,
            self.cg_steps,
            self.cg_tol,
            self.seed,
            validation=self.validation,
            patience=self.patience,
        )
        if self.output is not None:
            check_choice("output", self.output, OUTPUTS)
        if self.power is not None:
            check_number("power", self.power, -4, 4)
        for name in ("ridge", "ridge_own", "ridge_parts", "ridge_features"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0, MAX_RIDGE)

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the method makes of options by name that do not say: solver, epochs, updates, schedule, output."""
        composed = given.get("parts") not in (None, "own")
        free = not composed and not any(given.get(name) for name in _KNOWN)
        solver = given.get("solver") or (cls.SOLVER if free else "als")
        values = {"solver": solver, "output": "w" if composed else cls.OUTPUT, "power": cls.POWER}
        if free and solver in cls.CELLS:
            values |= {"updates": "cell", "schedule": cls.SCHEDULE}
            values |= {"epochs": cls.EPOCHS} if given.get("updates", "cell") == "cell" else {}
        return values

    def ridges(self, solver: str) -> tuple[float, float, float]:
        """γ of own rows, parts and features."""
        own = self.RIDGE_ALS if solver == "als" else self.RIDGE
        shared = own if self.ridge is None else self.ridge
        chosen = (self.ridge_own, self.ridge_parts, self.ridge_features)
        one, two, three = (shared if given is None else given for given in chosen)
        return one, two, three


def check_kind(association: Association, method: str, kind: str) -> None:
    """Raise OptionError for an association of another kind, or with unobserved cells."""
    if association.kind != kind:
        raise OptionError(
            f"association={association.kind}", f"method {method} fits {kind}", f"use --association {kind}"
        )
    if association.alpha.any():
        raise OptionError(
            f"unobserved cells of weight {float(association.alpha.max()):g}",
            f"method {method} fits the observed cells alone",
            "use --unobserved 0, or --method token-feature",
        )


def fit_stored(
    association: Association,
    vocabulary: Vocabulary,
    options: StoredOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    biases: bool = False,
    loss: str = "squared",
    knowledge: Knowledge,
    loop: LoopControl,
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Set up the problem, solve it, and serve the factors.

    Raises as ``solve`` does, and InputError where words are to have no own rows and nothing else was found.
    """
    columns = Columns.of(association)
    made = make_composition(vocabulary, options.pieces, knowledge, OWN_WEIGHT, reporter)
    output = options.output or ("w" if made is not None else options.OUTPUT)
    check_output(output, columns, vocabulary)
    free = made is None and not penalties
    solver = options.solver or (options.SOLVER if free else "als")
    cells = free and solver in options.CELLS
    batch = options.batch or (
        BatchOptions(updates="cell", schedule=options.SCHEDULE) if cells else BatchOptions()
    )
    epochs = options.epochs
    if epochs is None and solver != "als" and batch.updates == "cell":
        epochs = options.EPOCHS
    ridges = options.ridges(solver)
    problem = Problem(
        association.matrix,
        association.weights,
        association.alpha,
        None if made is None else made.matrix,
        penalties,
        *ridges,
        biases,
        loss,
    )
    factors = solve(
        problem,
        options.dim,
        solver,
        epochs,
        options.seed,
        cg_steps=options.cg_steps,
        cg_tol=options.cg_tol,
        batch=batch,
        validation=options.validation,
        patience=options.patience,
        checkpoint_every=loop.checkpoint_every,
        keeper=loop.keeper,
        engine=engine,
        reporter=reporter,
    )
    power = POWER_ALS if options.power is None and solver == "als" else options.power
    U, S, P = factors.U, factors.S, factors.P
    if power is not None:
        served = output_map(U, S, power, engine)
        U, S, P = served.apply(U, engine), served.apply_features(S, engine), served.apply(P, engine)
    model = embed(
        vocabulary,
        columns,
        U,
        S,
        output,
        parts=made.served(vocabulary, P) if made is not None and output == "w" else None,
        biases=factors.biases,
    )
    model.manifest["resolved"] = {
        "solver": solver,
        "epochs": epochs_of(solver, epochs),
        "output": output,
        "power": power,
        **dict(zip(("ridge_own", "ridge_parts", "ridge_features"), ridges, strict=True)),
    }
    if solver in MINIBATCH:
        rate = rate_of(solver, batch.learning_rate, batch.updates)
        model.manifest["resolved"] |= {
            "updates": batch.updates,
            "schedule": batch.schedule,
            "learning_rate": rate,
        }
    return model, factors
