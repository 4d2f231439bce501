"""The token-feature model: weighted factorization of PPMI under morphological constraints.

Each word's factor is u = b·P, the mean of its own row and its parts; unobserved cells pull towards 0 with weight α;
constraints are quadratic penalties on U. With B = I, α = 0 and plain classes it is the objective that the model was
first written down with. Sources: Levy & Goldberg 2014 (PPMI); Hu, Koren & Volinsky 2008 (unobserved cells);
Bojanowski et al. 2017 (n-gram parts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats2d
from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.features.space import check_choice, check_number
from morphvec.features.subword import Grams, compose, find_grams
from morphvec.report import SILENT, Reporter
from morphvec.solvers.output import output_map
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.solve import check_settings, solve
from morphvec.text.vocabulary import Vocabulary

PARTS = ("own", "ngrams")
OUTPUTS = ("w", "c", "w+c", "concat")
MAX_RIDGE = 1e9  # beyond it float32 factors vanish
OWN_WEIGHT = 1.0  # ω where none is given and words are told by their contexts
OWN_WEIGHT_IDS = 3.0  # ... or by nothing but the lines that they stand in
RIDGE_FREE = 1.0  # γ where none is given and words have no parts
RIDGE_OWN = 10.0  # γ of own rows beside parts
RIDGE_SHARE = 0.5  # γ of parts and features, times the root of the stored weight that a word has on average


@dataclass(frozen=True)
class TokenFeatureOptions:
    """The settings of a model; a None is chosen by what the columns are and how much text a word has.

    dim: k. parts: what a word is made of. own_weight: ω, the weight of a word's own row beside its n-grams (None: 1, or
    3 where line ids are the only columns). ridge: γ of every factor; ridge_own, ridge_parts, ridge_features override it
    (None: see ``ridges``). power: exponent p of the singular values in the output. output: word vectors, context
    vectors, their sum, or both side by side. Raises OptionError for values out of range.
    """

    dim: int = 100
    parts: tuple[str, ...] = PARTS
    ngrams: tuple[int, int] | None = (3, 6)
    ngram_min_types: int = 5
    own_weight: float | None = None
    ridge: float | None = None
    ridge_own: float | None = None
    ridge_parts: float | None = None
    ridge_features: float | None = None
    solver: str = "als"
    epochs: int = 8
    cg_steps: int = 6
    cg_tol: float = 0.0
    power: float = 0.0
    output: str = "w"
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self.dim, self.solver, self.epochs, self.cg_steps, self.cg_tol, self.seed)
        for part in self.parts:
            check_choice("parts", part, PARTS)
        if "own" not in self.parts:
            raise OptionError(
                f"parts={','.join(self.parts)}", "a word has a row of its own", "add own to --parts"
            )
        check_choice("output", self.output, OUTPUTS)
        if self.own_weight is not None:
            check_number("own_weight", self.own_weight, 0, open_low=True)
        check_number("power", self.power, -4, 4)
        for name in ("ridge", "ridge_own", "ridge_parts", "ridge_features"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0, MAX_RIDGE)

    @property
    def composed(self) -> bool:
        """Whether words have parts beside their own row."""
        return "ngrams" in self.parts and self.ngrams is not None

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


def fit(
    association: Association,
    vocabulary: Vocabulary,
    options: TokenFeatureOptions,
    penalties: Sequence[tuple[float, Penalty, str]],
    *,
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Embeddings, Factors]:
    """Set up the problem, solve it, and bring the factors into the form that is served."""
    grams = None
    if options.composed and options.ngrams is not None:
        grams = find_grams(vocabulary.bare(), *options.ngrams, options.ngram_min_types)
        if not grams.names:
            reporter.warn(
                f"no n-gram occurs in {options.ngram_min_types} words; unseen words will have no vectors"
            )
            grams = None
    composition = None if grams is None else compose(grams, _own_weight(options, association))
    mass = float(association.weights.sum(dtype=np.float64)) / len(vocabulary)
    problem = Problem(
        association.matrix,
        association.weights,
        association.alpha,
        composition,
        penalties,
        *options.ridges(composition is not None, mass),
    )
    factors = solve(
        problem,
        options.dim,
        options.solver,
        options.epochs,
        options.seed,
        cg_steps=options.cg_steps,
        cg_tol=options.cg_tol,
        engine=engine,
        reporter=reporter,
    )
    return serve(association, vocabulary, options, factors, grams, composition, engine), factors


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
    grams: Grams | None,
    composition: Any,
    engine: Engine,
) -> Embeddings:
    """The factors as Embeddings: turned into singular value form, in the asked output."""
    served = output_map(factors.U, factors.S, options.power, engine)
    vectors = served.apply(factors.U, engine)
    contexts = served.apply_features(factors.S, engine)
    part_vectors = None if grams is None else served.apply(factors.P, engine)
    if options.output != "w":
        vectors, part_vectors = _with_contexts(association, options.output, vectors, contexts), None
    parts = None
    if grams is not None and part_vectors is not None and options.ngrams is not None:
        parts = Parts(grams.names, part_vectors, composition, options.ngrams)
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
