"""What words are made of, for every method whose rows may be composed: the matrix B of U = B·P, from options and
knowledge (``features.composition`` has the formula).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.unseen import Parts
from morphvec.errors import InputError, OptionError
from morphvec.features.composition import ROW_KINDS, PartOptions, compose, own_weights, parse_parts
from morphvec.features.space import check_number
from morphvec.features.subword import find_grams
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import KINDS, Analyser, find_pieces
from morphvec.report import SILENT, Reporter
from morphvec.text.vocabulary import Vocabulary

PARTS = ("own", "ngrams")  # where none are named, and lemma and affixes where something tells them


@dataclass(frozen=True)
class PartSettings:
    """What a word is to be made of.

    parts: ``kind`` or ``kind:weight`` (None: ``PARTS``). ngrams: shortest and longest, or None for none of them.
    ngram_min_types: words that a piece must occur in. own_weight: ω, the weight of a word's own row beside its parts
    (None: left to the method); own_weight_split: the same for words that have a lemma (None: own_weight).
    Raises OptionError for values out of range, and where nothing would be left for a word to be made of.
    """

    parts: tuple[str, ...] | None = ("own",)
    ngrams: tuple[int, int] | None = (3, 6)
    ngram_min_types: int = 5
    own_weight: float | None = None
    own_weight_split: float | None = None

    def __post_init__(self) -> None:
        if not self.kinds.own and not self.composed:
            raise OptionError(
                f"parts={','.join(self.parts or PARTS)}, ngrams=none",
                "a word is made of something",
                "add own to --parts",
            )
        for name in ("own_weight", "own_weight_split"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0, open_low=True)

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


def default_parts(knowledge: Knowledge) -> tuple[str, ...]:
    """What words are made of where nobody says: own rows and n-grams; lemma and affixes where a table, an affix list or
    the text itself tells them."""
    shown = knowledge.found is not None and len(knowledge.found.pairs.forms) > 0
    return (*PARTS, "lemma", "affixes") if knowledge.tables or knowledge.affixes or shown else PARTS


@dataclass(frozen=True)
class OwnWeights:
    """ω where the settings leave it to the method: ``whole`` of every word; but where lemmas are known, words that have
    one keep that and the others have as much as their own text bears, count/``tokens`` between ``whole`` and ``most``.

    A word with a stem is told by stem, affix and n-grams; one without (a name, a root) by the company that it keeps,
    which its n-grams know the less the more often it was seen.
    """

    whole: float = 1.0
    most: float = 1.0
    tokens: float = 5.0

    def of(self, counts: Ints1d) -> Floats1d:
        """ω of words without a lemma, float64 [T]. counts: integer[T], tokens of each."""
        return np.clip(np.asarray(counts, np.float64) / self.tokens, self.whole, self.most)


@dataclass(frozen=True, eq=False)
class Composition:
    """B [T, Q] and the names of its columns beyond the own rows, weights by kind, the lengths of n-grams where it has
    any, and what tells the parts of other words."""

    matrix: csr_array
    names: tuple[tuple[str, str], ...]
    weights: dict[str, float]
    ngrams: tuple[int, int] | None
    analyser: Analyser

    def served(self, vocabulary: Vocabulary, vectors: Floats2d, rarity: float = 0.0) -> Parts:
        """The parts with their vectors, float32 [Q, k]: what composes unseen words. rarity: see ``Parts``."""
        words = vocabulary.words
        return Parts(
            words, self.names, vectors, self.matrix, self.ngrams, self.weights, self.analyser, rarity
        )


def make_composition(
    vocabulary: Vocabulary,
    settings: PartSettings,
    knowledge: Knowledge,
    own_weight: float | OwnWeights,
    reporter: Reporter = SILENT,
) -> Composition | None:
    """What words are made of, or None where they have nothing but their own rows (B = I).

    own_weight: ω, or a rule of it, where the settings leave it to the method. Kinds of which no word has a piece are left out, with a
    warning. Raises InputError where words are to have no own rows and nothing else was found.
    """
    kinds = settings.kinds
    found: dict[str, csr_array] = {}
    names: dict[str, tuple[str, ...]] = {}
    stems, analyser = None, Analyser()
    if kinds.weight("ngrams") and settings.ngrams is not None:
        grams = find_grams(vocabulary.bare(), *settings.ngrams, settings.ngram_min_types)
        found["ngrams"], names["ngrams"] = grams.member, grams.names
    asked = [kind for kind in KINDS if kinds.weight(kind)]
    if asked:
        pieces = find_pieces(knowledge, vocabulary, asked, settings.ngram_min_types)
        reporter.note(f"parts: {pieces.line()}")
        found.update(pieces.shares)
        names.update(pieces.names)
        analyser = pieces.analyser
        stems = pieces.stems if "lemma" in asked else None
    told_by_stems = stems is not None and stems.nnz > 0
    for kind in [kind for kind in found if not found[kind].nnz and not (kind == "lemma" and told_by_stems)]:
        told = (
            f"no n-gram occurs in {settings.ngram_min_types} words"
            if kind == "ngrams"
            else f"no word has {kind} by what is known"
        )
        reporter.warn(f"{told}; --parts {kind} has no effect")
        del found[kind]
    if not found:
        if not kinds.own:
            raise InputError(
                f"parts={','.join(settings.parts or PARTS)}",
                "words without own rows are made of something that is known",
                "add own to --parts, or give a table, a list or --ngrams",
            )
        return None
    order = [kind for kind in ROW_KINDS if kind in found]
    whole, split = settings.own_weight, settings.own_weight_split
    weights: float | Floats1d = 1.0 if whole is None else whole
    if whole is None and isinstance(own_weight, OwnWeights):
        has_lemmas = stems is not None and (stems.nnz > 0 or "lemma" in found)
        weights = own_weight.of(vocabulary.counts) if has_lemmas else own_weight.whole
        split = own_weight.whole if split is None else split
    elif whole is None and not isinstance(own_weight, OwnWeights):
        weights = own_weight
    own = own_weights(
        kinds,
        weights,
        split,
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
        settings.ngrams if "ngrams" in found else None,
        analyser,
    )
