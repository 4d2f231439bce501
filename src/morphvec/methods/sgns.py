"""Skip-gram with negative sampling: word2vec's model, from the text itself, with composition and constraints.

    J(P, S) = Σ_(w,c) −[ln σ(u_w·s_c) + Σ_k ln σ(−u_w·s_n)] + Σ_c λ_c tr(UᵀL_cU),     U = B·P

over the pairs of the text, k drawn contexts n beside each, in nats. Sources: Mikolov et al. 2013; Levy & Goldberg 2014
(what it factorizes: PMI − ln k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import InputError, OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.methods.composing import PARTS, PartSettings, make_composition
from morphvec.methods.serving import OUTPUTS, Columns, embed
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors
from morphvec.solvers.sgns import NegativeSampling, SkipGram
from morphvec.solvers.solve import check_settings
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl, LoopOptions, run

EPOCHS = 5
OWN_WEIGHT = 1.0  # ω where none is given


@dataclass(frozen=True)
class SgnsOptions:
    """dim: k. sampling: windows, negatives, subsampling and learning rate. pieces: what words are made of (their own rows
    alone, if nothing else is asked for). epochs: passes over the text (None: 5); the learning rate falls over all of
    them. output: ``w``, ``c``, ``w+c`` or ``concat``. power: exponent of the singular values (None: the factors as
    trained). Raises OptionError for values out of range.
    """

    dim: int = 100
    sampling: NegativeSampling = field(default_factory=NegativeSampling)
    pieces: PartSettings = field(default_factory=PartSettings)
    epochs: int | None = None
    output: str = "w"
    power: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self.dim, "sgd", self.epochs, 1, 0.0, self.seed)
        check_choice("output", self.output, OUTPUTS)
        if self.power is not None:
            check_number("power", self.power, -4, 4)
        if self.sampling.racing and self.pieces.composed:
            raise OptionError(
                f"racing with parts={','.join(self.pieces.parts or PARTS)}",
                "parts are moved at barriers, which a race has none of",
                "leave --racing out, or use --parts own",
            )


def fit(
    ids: NDArray[np.int32],
    vocabulary: Vocabulary,
    options: SgnsOptions,
    penalties: Sequence[tuple[float, Penalty, str]] = (),
    *,
    knowledge: Knowledge = Knowledge(),  # noqa: B008  (frozen)
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Train on a text and serve its factors.

    ids: int32, rows of the vocabulary in the order of the text, −1 ends a line. The history's ``fit`` is the sum of the
    losses of an epoch's pairs and negatives in nats, each taken before its own move; ``total`` adds the penalties at its
    end. Raises InputError for an empty text or for words without parts, DivergenceError as ``training.run`` does.
    """
    if len(ids) and int(ids.max()) >= len(vocabulary):
        raise InputError(
            f"a text with word {int(ids.max())}",
            f"the vocabulary has the words 0 to {len(vocabulary) - 1}",
            "encode the text by this vocabulary",
        )
    if options.sampling.racing:
        reporter.warn("--racing: threads write the same rows; two runs end in different bits")
    made = None
    if options.pieces.composed:
        made = make_composition(vocabulary, options.pieces, knowledge, OWN_WEIGHT, reporter)
    epochs = EPOCHS if options.epochs is None else options.epochs
    trainer = SkipGram(
        ids,
        vocabulary.counts,
        options.dim,
        settings=options.sampling,
        epochs=epochs,
        seed=options.seed,
        engine=engine,
        composition=None if made is None else made.matrix,
        penalties=penalties,
    )
    history = run(
        trainer,
        LoopOptions(epochs, checkpoint_every=loop.checkpoint_every),
        reporter=reporter,
        name="sgns",
        knob="--learning-rate",
        keeper=loop.keeper,
    )
    factors = Factors(trainer.P, trainer.S, trainer.U, tuple(history))
    P, vectors, contexts = factors.P, factors.U, factors.S
    if options.power is not None:
        served = output_map(vectors, contexts, options.power, engine)
        P, vectors, contexts = (
            served.apply(P, engine),
            served.apply(vectors, engine),
            served.apply_features(contexts, engine),
        )
    parts = None if made is None else made.served(vocabulary, P)
    model = embed(vocabulary, Columns.words(vocabulary), vectors, contexts, options.output, parts=parts)
    model.manifest["resolved"] = {
        "epochs": epochs,
        **asdict(options.sampling),
        "parts": list(options.pieces.parts or PARTS),
    }
    return model, factors
