"""Which words a training is told of; the model's folder lists them (``Embeddings.constrained``).

What was told is not learned: a test on these words says little of what the text taught. ``evaluate`` gives scores
without them. The list is of the fit alone: columns that counting drew from tables (``--features affixes``) are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import AFFIX, LEMMA, MORPHEME, Parts
from morphvec.features.space import COUNTERPARTS
from morphvec.morphology.constraints import FOUND, Knowledge
from morphvec.morphology.pieces import KINDS
from morphvec.morphology.rows import held_out_words
from morphvec.solvers.penalties import Penalty
from morphvec.text.vocabulary import Vocabulary

PARTS = "parts"
_TABLE, _SEGMENTATION = 1, 2
_TOLD_BY = {LEMMA: _TABLE, AFFIX: _TABLE, MORPHEME: _SEGMENTATION}  # kind of part → what tells it


def touched_words(
    knowledge: Knowledge,
    vocabulary: Vocabulary,
    penalties: Sequence[tuple[float, Penalty, str]],
    model: Embeddings,
) -> dict[str, tuple[str, ...]]:
    """Word of the vocabulary → how the training was told of it, in row order.

    A constraint touches a row where the diagonal of its L is above 0 (and λ too). Where words of the model are made of
    parts, a table touches the forms of its rows that have a lemma or an affix, and the lemmas that other words are made
    of; a segmentation touches the words that have morphemes. Rows with a held-out word touch nothing, and what rules
    say of all words does not count, nor what was found in the text.
    """
    how: dict[str, dict[int, None]] = {}
    for strength, penalty, name in penalties:
        if strength > 0 and name not in (FOUND, COUNTERPARTS):
            rows = np.flatnonzero(penalty.diagonal() > 0).tolist()
            how.setdefault(name.partition(".")[0], {}).update(dict.fromkeys(rows))
    if isinstance(model.parts, Parts):
        how[PARTS] = dict.fromkeys(_by_parts(knowledge, vocabulary, model.parts))
    told = sorted(dict.fromkeys(row for rows in how.values() for row in rows))
    return {vocabulary.words[row]: tuple(kind for kind, rows in how.items() if row in rows) for row in told}


def _by_parts(knowledge: Knowledge, vocabulary: Vocabulary, parts: Parts) -> Iterator[int]:
    if not any(kind in parts.weights for kind in KINDS):
        return
    words, index = len(vocabulary), vocabulary.index
    kinds = np.array([_TOLD_BY.get(kind, 0) for kind, _ in parts.names], np.int64)
    row, column = (np.asarray(side, np.int64) for side in parts.composition.nonzero())
    is_stem = (column < words) & (column != row)
    of_cell = np.zeros(len(row), np.int64)
    of_cell[column >= words] = kinds[column[column >= words] - words]
    of_cell[is_stem] = _TABLE
    made, cut = (np.isin(np.arange(words), row[of_cell == kind]) for kind in (_TABLE, _SEGMENTATION))
    stem = np.isin(np.arange(words), column[is_stem])
    if made.any():
        for lemma, form in _pairs(knowledge, vocabulary):
            if form in index and made[index[form]]:
                yield index[form]
                if lemma in index and stem[index[lemma]]:
                    yield index[lemma]
    if cut.any():
        yield from (
            index[word] for word in _segmented(knowledge, vocabulary) if word in index and cut[index[word]]
        )


def _pairs(knowledge: Knowledge, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """The keys of lemma and form of each row of a table that says what its form is made of."""
    fold = vocabulary.tokenizer.fold
    for table in knowledge.tables:
        language = table.language
        held = frozenset(held_out_words(knowledge.hold_out, language, fold))
        folded = {word: fold(word, language) for word in dict.fromkeys((*table.lemmas, *table.forms))}
        for raw in zip(table.lemmas, table.forms, strict=True):
            lemma, form = (folded[word] for word in raw)
            if not any(" " in word for word in raw) and lemma != form and held.isdisjoint((lemma, form)):
                yield vocabulary.key(lemma, language), vocabulary.key(form, language)


def _segmented(knowledge: Knowledge, vocabulary: Vocabulary) -> Iterator[str]:
    fold = vocabulary.tokenizer.fold
    for given in knowledge.segmentations:
        held = frozenset(held_out_words(knowledge.hold_out, given.language, fold))
        for word in (fold(raw, given.language) for raw in given.words):
            if word not in held:
                yield vocabulary.key(word, given.language)
