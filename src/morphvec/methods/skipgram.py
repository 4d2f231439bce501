"""Skip-gram with the full softmax, exact: the vectors of a word predict its contexts against the whole vocabulary.

    L(U, S) = −Σ_tf n_tf ln softmax_f(u_t·s_f)

over window counts n (flat windows are the pairs of a textbook's skip-gram), in nats; no negatives, no sampling of any
kind. It costs O(T·F·k) a pass, which is what negative sampling was invented to avoid; where the vocabulary is small it
is the reference. Source: Mikolov et al. 2013, eqs. 1 and 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.methods.serving import OUTPUTS, Columns, check_output, embed
from morphvec.report import SILENT, Reporter
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.output import output_map
from morphvec.solvers.problem import Factors
from morphvec.solvers.softmax import EPOCHS, MEMORY, RATES, check_softmax, fit_softmax
from morphvec.solvers.solve import check_settings
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

MAX_RIDGE = 1e9


@dataclass(frozen=True)
class SkipgramOptions:
    """dim: k. solver: adam, adagrad or sgd. epochs: passes over all rows (None: 40). batch: rows of a step, learning
    rate, schedule, momentum and clip; what samples is refused. ridge: γ of both sides. output: ``w``, ``c``, ``w+c`` or
    ``concat``. power: exponent of the singular values (None: the factors as trained). memory: bytes of the fit.

    Raises OptionError for values out of range.
    """

    dim: int = 100
    solver: str = "adam"
    epochs: int | None = None
    batch: BatchOptions = field(default_factory=BatchOptions)
    ridge: float = 0.0
    power: float | None = None
    output: str = "w"
    seed: int = 0
    memory: float = MEMORY

    def __post_init__(self) -> None:
        check_softmax(self.solver, self.batch)
        check_settings(self.dim, self.solver, self.epochs, 1, 0.0, self.seed)
        check_choice("output", self.output, OUTPUTS)
        check_number("ridge", self.ridge, 0, MAX_RIDGE)
        if self.power is not None:
            check_number("power", self.power, -4, 4)
        check_number("memory", self.memory, 0, math.inf, open_low=True)


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: SkipgramOptions,
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Minimise L + γ(‖U‖² + ‖S‖²) over the counts of an association of kind ``count``, and serve U and S.

    The history's ``total`` and ``fit`` are sums in nats; ``per_pair`` is the mean over word–context pairs and
    ``per_token`` that over the tokens of the vocabulary. Raises OptionError for another kind or for more than one
    block of columns, and as ``fit_softmax`` does.
    """
    if association.kind != "count":
        raise OptionError(
            f"an association of kind {association.kind}",
            "skipgram predicts counts",
            "weigh with --method skipgram (or --association count)",
        )
    if len(association.blocks) != 1:
        raise OptionError(
            f"features={','.join(block.kind for block in association.blocks)}",
            "the softmax is over one set of contexts",
            "give one block to --features",
        )
    columns = Columns.of(association)
    check_output(options.output, columns, vocabulary)
    factors = fit_softmax(
        association.matrix,
        options.dim,
        options.solver,
        options.epochs,
        options.seed,
        batch=options.batch,
        ridge=options.ridge,
        tokens=float(vocabulary.counts.sum()),
        memory=options.memory,
        loop=loop,
        engine=engine,
        reporter=reporter,
    )
    vectors, contexts = factors.U, factors.S
    if options.power is not None:
        served = output_map(factors.U, factors.S, options.power, engine)
        vectors, contexts = served.apply(factors.U, engine), served.apply_features(factors.S, engine)
    model = embed(vocabulary, columns, vectors, contexts, options.output)
    rate = options.batch.learning_rate
    model.manifest["resolved"] = {
        "epochs": EPOCHS if options.epochs is None else options.epochs,
        "batch": factors.history[-1]["batch"],
        "learning_rate": RATES[options.solver] if rate is None else rate,
    }
    return model, factors
