"""The token-feature model: weighted factorization of PPMI under morphological constraints.

Each word's factor is u = b·P, made of its own row and its parts: character n-grams, and its lemma, affixes and morphemes
where a table or list tells them (``features.composition``). Unobserved cells pull towards 0 with weight α; constraints are quadratic penalties on U. With B = I, α = 0 and plain classes it is the objective that the model was
first written down with. Sources: Levy & Goldberg 2014 (PPMI); Hu, Koren & Volinsky 2008 (unobserved cells);
Bojanowski et al. 2017 (n-gram parts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from morphvec.arrays import Floats1d
from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.features.space import check_choice, check_number
from morphvec.methods.composing import (
    Composition,
    OwnWeights,
    PartSettings,
    default_parts,
    make_composition,
)
from morphvec.methods.discovering import tells_by_contexts
from morphvec.methods.serving import OUTPUTS, Columns, check_output, embed
from morphvec.methods.starting import SWEEPS_FREE, corner_factors, free_factors, has_corner, serves_as_start
from morphvec.morphology.constraints import Knowledge
from morphvec.report import SILENT, Reporter
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, epochs_of, rate_of
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.solve import check_settings, solve
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

MAX_OVERSAMPLE = 4.0
MIN_UNALIGNED = 1e-3  # a cell that weighs nothing could not be told from none
MAX_RIDGE = 1e9  # beyond it float32 factors vanish
OWN_WEIGHT = 1.0  # ω where none is given and words are told by their contexts
OWN_WEIGHT_IDS = 3.0  # ... or by nothing but the lines that they stand in
EPOCHS = 3  # sweeps of als after those of the corner, where no number is given
EPOCHS_FEW = 8  # ... of fewer cells than FEW_CELLS, where a sweep takes a second or two
FEW_CELLS = 10_000_000
EPOCHS_COMPOSED = 3  # ... where words have parts or constraints, after sweeps without them
RULES = ("text", "none")  # where rules of affixes are looked for, beside what is given
RIDGE_FREE = 1.0  # γ where none is given and words have no parts
RIDGE_IDS = 3.0  # γ with parts, where words are told by nothing but the lines that they stand in
RIDGE_COMPOSED = 20.0  # γ with parts, where words are told by their contexts and a word has little text
RIDGE_MASS = 2300.0  # ... and over the stored weight of a word where it has more: 6.4 in 100 MB
RARITY = 0.5  # τ of unseen words (``embeddings.unseen.Parts``) at γ = RIDGE_COMPOSED and above, by its square below
MASS_WHOLE = 110.0  # the stored weight of a word from which its own row may bear more than 1


@dataclass(frozen=True)
class TokenFeatureOptions:
    """The settings of a model; a None is chosen by what the columns are and how much text a word has.

    dim: k. parts: what a word is made of, ``kind`` or ``kind:weight`` (``features.composition``; None: see
    ``default_parts``). rules: ``text`` looks for affix rules in the text itself (``morphology.discovery``) where words
    may have lemmas or affixes among their parts, ``none`` does not; None: ``text`` where words are told by their contexts. own_weight: ω, the weight of a word's own row beside
    its parts (None: 1, and in much text more by count for words without a lemma where lemmas are known;
    3 where line ids are the only columns); own_weight_split: the same for words that have a lemma (None: own_weight). ridge: γ of every factor; ridge_own, ridge_parts,
    ridge_features override it (None: see ``ridges``). solver, batch, validation, patience: see ``solvers.solve``.
    oversample_language: exponent a of how often mini-batches draw a language, by its stored cells^−a (0: as often as
    it is). unaligned: δ, what a cell without a counterpart in its line's other languages weighs (``counterparts``; None:
    0.05 where line ids of several languages are the only columns, 1 elsewhere: no alignment). power: exponent p of the
    singular values in the output. output: word vectors, context vectors, their sum, or both side by side. Raises
    OptionError for values out of range.
    """

    dim: int = 100
    parts: tuple[str, ...] | None = None
    rules: str | None = None
    ngrams: tuple[int, int] | None = (3, 6)
    ngram_min_types: int = 5
    own_weight: float | None = None
    own_weight_split: float | None = None
    ridge: float | None = None
    ridge_own: float | None = None
    ridge_parts: float | None = None
    ridge_features: float | None = None
    solver: str = "als"
    epochs: int | None = None
    cg_steps: int = 4
    cg_tol: float = 0.0
    batch: BatchOptions = field(default_factory=BatchOptions)
    validation: float = 0.0
    patience: int = 0
    oversample_language: float = 0.0
    unaligned: float | None = None
    power: float = 0.0
    output: str = "w"
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(
            self.dim,
            self.solver,
            self.epochs,
            self.cg_steps,
            self.cg_tol,
            self.seed,
            validation=self.validation,
            patience=self.patience,
        )
        _ = self.pieces
        check_choice("output", self.output, OUTPUTS)
        if self.rules is not None:
            check_choice("rules", self.rules, RULES)
        check_number("oversample_language", self.oversample_language, 0, MAX_OVERSAMPLE)
        check_number("power", self.power, -4, 4)
        if self.unaligned is not None:
            check_number("unaligned", self.unaligned, MIN_UNALIGNED, 1)
        for name in ("ridge", "ridge_own", "ridge_parts", "ridge_features"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0, MAX_RIDGE)

    @cached_property
    def pieces(self) -> PartSettings:
        """What a word is to be made of."""
        return PartSettings(
            self.parts, self.ngrams, self.ngram_min_types, self.own_weight, self.own_weight_split
        )

    def ridges(self, composed: bool, by_contexts: bool, mass: float) -> tuple[float, float, float]:
        """γ of own rows, parts and features.

        composed: whether words have parts: the pull towards short vectors is then what makes a form share its lemma's
        and its affix's, and where words are told by their contexts the more so the less text there is. mass: stored
        weight per word, Σw/T. The constants are measured (docs/results.md).
        """
        shared = RIDGE_FREE
        if composed and mass > 0:
            shared = min(RIDGE_COMPOSED, RIDGE_MASS / mass) if by_contexts else RIDGE_IDS
        shared = shared if self.ridge is None else self.ridge
        chosen = (self.ridge_own, self.ridge_parts, self.ridge_features)
        own, parts, features = (shared if given is None else given for given in chosen)
        return own, parts, features


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    knowledge: Knowledge = Knowledge(),  # noqa: B008  (frozen)
    start: Factors | None = None,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Set up the problem, solve it, and bring the factors into the form that is served.

    knowledge: where lemmas, affixes and morphemes come from. start: what als begins with where it is at hand
    (``starting.free_factors``); it is made where it is not. loop: checkpoints. Raises as ``solve`` does, and
    InputError where words are to have no own rows and nothing else was found.
    """
    if options.parts is None:
        options = replace(options, parts=default_parts(knowledge))
    check_output(options.output, Columns.of(association), vocabulary)
    mass = float(association.weights.sum(dtype=np.float64)) / len(vocabulary)
    own_weight = _own_weight(association, mass)
    made = make_composition(vocabulary, options.pieces, knowledge, own_weight, reporter)
    ridges = options.ridges(made is not None, tells_by_contexts(association), mass)
    together = made is not None or any(strength > 0 for strength, _, _ in penalties)
    begins = serves_as_start(options) and (together or has_corner(association, options.dim, engine))
    if begins and start is None and not (loop.keeper is not None and loop.keeper.waits):
        make_start = partial(free_factors, sweeps=SWEEPS_FREE) if together else corner_factors
        start = make_start(
            association,
            options.dim,
            options.seed,
            cg_steps=options.cg_steps,
            engine=engine,
            reporter=reporter,
        )
    epochs = options.epochs
    if epochs is None and begins:
        alone = EPOCHS if association.matrix.nnz >= FEW_CELLS else EPOCHS_FEW
        epochs = EPOCHS_COMPOSED if together else alone
    problem = Problem(
        association.matrix,
        association.weights,
        association.alpha,
        None if made is None else made.matrix,
        penalties,
        *ridges,
    )
    factors = solve(
        problem,
        options.dim,
        options.solver,
        epochs,
        options.seed,
        cg_steps=options.cg_steps,
        cg_tol=options.cg_tol,
        batch=options.batch,
        row_rates=row_rates(association, vocabulary, options.oversample_language),
        validation=options.validation,
        patience=options.patience,
        checkpoint_every=loop.checkpoint_every,
        keeper=loop.keeper,
        start=start,
        engine=engine,
        reporter=reporter,
    )
    model = serve(association, vocabulary, options, factors, made, engine, rarity_of(ridges[1]))
    model.manifest["resolved"] = {
        "parts": list(options.parts or ()),
        "own_weight": None
        if made is None
        else _told_own_weight(options, own_weight, "lemma" in made.weights),
        "epochs": epochs_of(options.solver, epochs),
        **dict(zip(("ridge_own", "ridge_parts", "ridge_features"), ridges, strict=True)),
        **_resolved_batch(options, factors),
    }
    return model, factors


def rarity_of(ridge: float) -> float:
    """τ of unseen words: the stronger the ridge of the parts, the more of what it takes from rare ones is to be undone.
    The constant and the square are measured (docs/results.md)."""
    return RARITY * min(ridge / RIDGE_COMPOSED, 1.0) ** 2


def row_rates(association: Association, vocabulary: Vocabulary, exponent: float) -> Floats1d | None:
    """How often each row's cells are drawn: (stored cells of its language)^−exponent, float64 [T]; None for exponent 0."""
    if exponent == 0:
        return None
    owner = vocabulary.language_numbers()
    cells = np.bincount(owner, np.diff(association.matrix.indptr))
    return np.asarray(np.maximum(cells, 1.0)[owner] ** -exponent)


def _resolved_batch(options: TokenFeatureOptions, factors: Factors) -> dict[str, object]:
    if options.solver not in MINIBATCH:
        return {}
    rate = rate_of(options.solver, options.batch.learning_rate)
    return {"batch": factors.history[0]["batch"], "learning_rate": rate}


def _told_own_weight(
    options: TokenFeatureOptions, rule: OwnWeights, has_lemmas: bool
) -> float | dict[str, float]:
    """ω for the record: a number, or the rule that gave one a word."""
    if options.own_weight is not None:
        return options.own_weight
    return asdict(rule) if has_lemmas and rule.most > rule.whole else rule.whole


def _own_weight(association: Association, mass: float) -> OwnWeights:
    """ω by what the columns are. Line ids tell a word from its look-alikes, and its own row must too. mass: as in
    ``ridges``; the more text a word has, the more of it its own row may bear."""
    if not tells_by_contexts(association):
        return OwnWeights(OWN_WEIGHT_IDS, OWN_WEIGHT_IDS)
    return OwnWeights(OWN_WEIGHT, max(OWN_WEIGHT, (mass / MASS_WHOLE) ** 2))


def serve(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    factors: Factors,
    made: Composition | None,
    engine: Engine,
    rarity: float = 0.0,
) -> Embeddings:
    """The factors as Embeddings: turned into singular value form, in the asked output. rarity: of unseen words' parts."""
    served = output_map(factors.U, factors.S, options.power, engine)
    parts = None
    if made is not None and options.output == "w":
        parts = made.served(vocabulary, served.apply(factors.P, engine), rarity)
    columns = Columns.of(association)
    return embed(
        vocabulary,
        columns,
        served.apply(factors.U, engine),
        served.apply_features(factors.S[: len(columns.names)], engine),
        options.output,
        parts=parts,
    )
