"""The token-feature model: weighted factorization of PPMI under morphological constraints.

Each word's factor is u = b·P, made of its own row and its parts: character n-grams, and its lemma, affixes and morphemes
where a table or list tells them (``features.composition``). Unobserved cells pull towards 0 with weight α; constraints are quadratic penalties on U. With B = I, α = 0 and plain classes it is the objective that the model was
first written down with. Sources: Levy & Goldberg 2014 (PPMI); Hu, Koren & Volinsky 2008 (unobserved cells);
Bojanowski et al. 2017 (n-gram parts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts
from morphvec.engine.base import Engine
from morphvec.errors import InputError, OptionError
from morphvec.features.composition import ROW_KINDS, PartOptions, compose, own_weights, parse_parts
from morphvec.features.space import check_choice, check_number
from morphvec.features.subword import find_grams
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import KINDS, Analyser, find_pieces
from morphvec.report import SILENT, Reporter
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, epochs_of, rate_of
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.solve import check_settings, solve
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

PARTS = ("own", "ngrams")  # where none are named, and lemma and affixes where something tells them
OUTPUTS = ("w", "c", "w+c", "concat")
MAX_OVERSAMPLE = 4.0
MAX_RIDGE = 1e9  # beyond it float32 factors vanish
OWN_WEIGHT = 1.0  # ω where none is given and words are told by their contexts
OWN_WEIGHT_IDS = 3.0  # ... or by nothing but the lines that they stand in
RIDGE_FREE = 1.0  # γ where none is given and words have no parts
RIDGE_OWN = 10.0  # γ of own rows beside parts
RIDGE_SHARE = 0.5  # γ of parts and features, times the root of the stored weight that a word has on average


@dataclass(frozen=True)
class TokenFeatureOptions:
    """The settings of a model; a None is chosen by what the columns are and how much text a word has.

    dim: k. parts: what a word is made of, ``kind`` or ``kind:weight`` (``features.composition``; None: see
    ``default_parts``). own_weight: ω, the weight of a word's own row beside its parts (None: 1, or 3 where line ids are
    the only columns); own_weight_split: the same for words that have a lemma (None: own_weight). ridge: γ of every factor; ridge_own, ridge_parts,
    ridge_features override it (None: see ``ridges``). solver, batch, validation, patience: see ``solvers.solve``.
    oversample_language: exponent a of how often mini-batches draw a language, by its stored cells^−a (0: as often as
    it is). power: exponent p of the singular values in the output. output: word vectors, context vectors, their sum,
    or both side by side. Raises OptionError for values out of range.
    """

    dim: int = 100
    parts: tuple[str, ...] | None = None
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
    cg_steps: int = 6
    cg_tol: float = 0.0
    batch: BatchOptions = field(default_factory=BatchOptions)
    validation: float = 0.0
    patience: int = 0
    oversample_language: float = 0.0
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
        if not self.kinds.own and not self.composed:
            raise OptionError(
                f"parts={','.join(self.parts or PARTS)}, ngrams=none",
                "a word is made of something",
                "add own to --parts",
            )
        check_choice("output", self.output, OUTPUTS)
        if self.own_weight is not None:
            check_number("own_weight", self.own_weight, 0, open_low=True)
        if self.own_weight_split is not None:
            check_number("own_weight_split", self.own_weight_split, 0, open_low=True)
        check_number("oversample_language", self.oversample_language, 0, MAX_OVERSAMPLE)
        check_number("power", self.power, -4, 4)
        for name in ("ridge", "ridge_own", "ridge_parts", "ridge_features"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0, MAX_RIDGE)

    @cached_property
    def kinds(self) -> PartOptions:
        """The parts and their weights; n-grams only where they have lengths. Where none are named: those that need
        no knowledge."""
        asked = parse_parts(PARTS if self.parts is None else self.parts)
        if self.ngrams is not None:
            return asked
        return PartOptions(asked.own, tuple(part for part in asked.weights if part[0] != "ngrams"))

    @property
    def composed(self) -> bool:
        """Whether words have parts beside their own row."""
        return bool(self.kinds.weights)

    def ridges(self, composed: bool, mass: float) -> tuple[float, float, float]:
        """γ of own rows, parts and features.

        mass: stored weight per word, Σw/T. With parts the default grows as its root, since more text per word
        bears more of a pull towards short vectors; the constants are measured (docs/results.md).
        """
        shared = RIDGE_SHARE * math.sqrt(mass) if composed else RIDGE_FREE
        defaults = (RIDGE_OWN if composed else RIDGE_FREE, shared, shared)
        chosen = (self.ridge_own, self.ridge_parts, self.ridge_features)
        own, parts, features = (
            given if given is not None else default if self.ridge is None else self.ridge
            for given, default in zip(chosen, defaults, strict=True)
        )
        return own, parts, features


def default_parts(knowledge: Knowledge) -> tuple[str, ...]:
    """What words are made of where nobody says: own rows and n-grams; lemma and affixes where a table or an affix list
    tells them."""
    return (*PARTS, "lemma", "affixes") if knowledge.tables or knowledge.affixes else PARTS


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    knowledge: Knowledge = Knowledge(),  # noqa: B008  (frozen)
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Set up the problem, solve it, and bring the factors into the form that is served.

    knowledge: where lemmas, affixes and morphemes come from. loop: checkpoints. Raises as ``solve`` does, and
    InputError where words are to have no own rows and nothing else was found.
    """
    if options.parts is None:
        options = replace(options, parts=default_parts(knowledge))
    made = make_composition(association, vocabulary, options, knowledge, reporter)
    mass = float(association.weights.sum(dtype=np.float64)) / len(vocabulary)
    ridges = options.ridges(made is not None, mass)
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
        options.epochs,
        options.seed,
        cg_steps=options.cg_steps,
        cg_tol=options.cg_tol,
        batch=options.batch,
        row_rates=row_rates(association, vocabulary, options.oversample_language),
        validation=options.validation,
        patience=options.patience,
        checkpoint_every=loop.checkpoint_every,
        keeper=loop.keeper,
        engine=engine,
        reporter=reporter,
    )
    model = serve(association, vocabulary, options, factors, made, engine)
    model.manifest["resolved"] = {
        "parts": list(options.parts or ()),
        "own_weight": _own_weight(options, association) if made is not None else None,
        "epochs": epochs_of(options.solver, options.epochs),
        **dict(zip(("ridge_own", "ridge_parts", "ridge_features"), ridges, strict=True)),
        **_resolved_batch(options, factors),
    }
    return model, factors


@dataclass(frozen=True, eq=False)
class Composition:
    """B and the names of its columns beyond the own rows, weights by kind, and what tells the parts of other words."""

    matrix: csr_array
    names: tuple[tuple[str, str], ...]
    weights: dict[str, float]
    analyser: Analyser


def make_composition(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    knowledge: Knowledge,
    reporter: Reporter = SILENT,
) -> Composition | None:
    """What words are made of, or None where they have nothing but their own rows (B = I).

    Kinds of which no word has a piece are left out, with a warning.
    """
    kinds = options.kinds
    found: dict[str, csr_array] = {}
    names: dict[str, tuple[str, ...]] = {}
    stems, analyser = None, Analyser()
    if kinds.weight("ngrams") and options.ngrams is not None:
        grams = find_grams(vocabulary.bare(), *options.ngrams, options.ngram_min_types)
        found["ngrams"], names["ngrams"] = grams.member, grams.names
    asked = [kind for kind in KINDS if kinds.weight(kind)]
    if asked:
        pieces = find_pieces(knowledge, vocabulary, asked, options.ngram_min_types)
        reporter.note(f"parts: {pieces.line()}")
        found.update(pieces.shares)
        names.update(pieces.names)
        analyser = pieces.analyser
        stems = pieces.stems if "lemma" in asked else None
    told_by_stems = stems is not None and stems.nnz > 0
    for kind in [kind for kind in found if not found[kind].nnz and not (kind == "lemma" and told_by_stems)]:
        told = (
            f"no n-gram occurs in {options.ngram_min_types} words"
            if kind == "ngrams"
            else f"no word has {kind} by what is known"
        )
        reporter.warn(f"{told}; --parts {kind} has no effect")
        del found[kind]
    if not found:
        if not kinds.own:
            raise InputError(
                f"parts={','.join(options.parts or PARTS)}",
                "words without own rows are made of something that is known",
                "add own to --parts, or give a table, a list or --ngrams",
            )
        return None
    order = [kind for kind in ROW_KINDS if kind in found]
    own = own_weights(
        kinds,
        _own_weight(options, association),
        options.own_weight_split,
        [found[kind] for kind in order],
        stems,
        found.get("lemma"),
    )
    matrix = compose(
        own,
        [(kinds.weight(kind), found[kind]) for kind in order],
        None if stems is None else (kinds.weight("lemma"), stems),
    )
    return Composition(
        matrix,
        tuple((ROW_KINDS[kind], name) for kind in order for name in names[kind]),
        {kind: kinds.weight(kind) for kind in order},
        analyser,
    )


def row_rates(association: Association, vocabulary: Vocabulary, exponent: float) -> Floats1d | None:
    """How often each row's cells are drawn: (stored cells of its language)^−exponent, float64 [T]; None for exponent 0."""
    if exponent == 0:
        return None
    languages = list(vocabulary.languages) or [""]
    number = {language: place for place, language in enumerate(languages)}
    owner = np.array([number[vocabulary.language_of(row)] for row in range(len(vocabulary))])
    cells = np.bincount(owner, np.diff(association.matrix.indptr), len(languages))
    return np.asarray(np.maximum(cells, 1.0)[owner] ** -exponent)


def _resolved_batch(options: TokenFeatureOptions, factors: Factors) -> dict[str, object]:
    if options.solver not in MINIBATCH:
        return {}
    rate = rate_of(options.solver, options.batch.learning_rate)
    return {"batch": factors.history[0]["batch"], "learning_rate": rate}


def _own_weight(options: TokenFeatureOptions, association: Association) -> float:
    """ω: as asked, or by what the columns are. Line ids tell a word from its look-alikes, and its own row must too."""
    if options.own_weight is not None:
        return options.own_weight
    return OWN_WEIGHT if any(block.kind == "window" for block in association.blocks) else OWN_WEIGHT_IDS


def serve(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    factors: Factors,
    made: Composition | None,
    engine: Engine,
) -> Embeddings:
    """The factors as Embeddings: turned into singular value form, in the asked output."""
    served = output_map(factors.U, factors.S, options.power, engine)
    vectors = served.apply(factors.U, engine)
    contexts = served.apply_features(factors.S, engine)
    parts = None
    if options.output != "w":
        vectors = _with_contexts(association, options.output, vectors, contexts)
    elif made is not None:
        ngrams = options.ngrams if "ngrams" in made.weights else None
        part_vectors = served.apply(factors.P, engine)
        parts = Parts(
            vocabulary.words, made.names, part_vectors, made.matrix, ngrams, made.weights, made.analyser
        )
    features = [
        (block.kind, name)
        for block in association.blocks
        for name in association.features[block.begin : block.end]
    ]
    return Embeddings(
        vocabulary.words,
        vectors,
        counts=vocabulary.counts,
        contexts=contexts,
        features=features,
        parts=parts,
        tokenizer=vocabulary.tokenizer,
        languages=vocabulary.languages,
    )


def _with_contexts(association: Association, output: str, vectors: Floats2d, contexts: Floats2d) -> Floats2d:
    """c, w+c or [w c] for methods whose features are the words themselves."""
    if [block.kind for block in association.blocks] != ["window"]:
        raise OptionError(
            f"output={output}",
            "words have context vectors only where the one feature block is window",
            "use --output w",
        )
    if output == "c":
        return contexts
    return vectors + contexts if output == "w+c" else np.concatenate([vectors, contexts], axis=1)
