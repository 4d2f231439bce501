"""Models for the page, written down rather than trained: answers are known, and some words are of the nasty kind."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts
from morphvec.features.subword import grams_of
from morphvec.morphology.pieces import Analyser
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer

STEMS = ("walk", "talk", "jump", "call", "look", "open", "pull", "push")
ENDINGS = {"": "", "s": "V;3;SG", "ed": "V;PST", "ing": "V;V.PTCP;PRS"}
UNSEEN = "pulling"  # left out of the words
IMAGE = "<img/src=x/onerror=alert(1)>"
SCRIPT = '"><script>alert(1)</script>'
LONG = "donaudampfschifffahrts" * 6
ODD = ("étage", "ọ̀rẹ́", "ng'ombe", "كتاب", IMAGE, SCRIPT, LONG)
DIM = 24


def verbs():
    """Forms of eight verbs: a form is its stem's vector and its ending's; *pulling* is known to the table alone."""
    generator = stream(0)
    stem_vectors = dict(zip(STEMS, generator.normal(size=(len(STEMS), DIM)), strict=True))
    ending_vectors = dict(zip(ENDINGS, generator.normal(size=(len(ENDINGS), DIM)), strict=True))
    ending_vectors[""] *= 0
    forms = {stem + ending: (stem, ending) for ending in ENDINGS for stem in STEMS}
    words = [word for word in forms if word != UNSEEN] + list(ODD)
    grams = sorted({gram for word in words for gram in grams_of(word, 3, 3)})
    names = [("affix", tag) for tag in ENDINGS.values() if tag] + [("ngram", gram) for gram in grams]
    column = {name: len(words) + place for place, name in enumerate(names)}
    parts = np.zeros((len(words) + len(names), DIM))
    cells = []
    for row, word in enumerate(words):
        parts[row] = generator.normal(size=DIM) if word in ODD else 0.0
        if word in STEMS:
            parts[row] = stem_vectors[word]
        cells.append((row, row))
        stem, ending = forms.get(word, ("", ""))
        if ending:
            cells += [(row, words.index(stem)), (row, column["affix", ENDINGS[ending]])]
        cells += [(row, column["ngram", gram]) for gram in grams_of(word, 3, 3)]
    for ending, tag in ENDINGS.items():
        if tag:
            parts[column["affix", tag]] = ending_vectors[ending]
    rows, columns = zip(*dict.fromkeys(cells), strict=True)
    composition = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(words), len(parts)))
    told = Analyser(listed={UNSEEN: (("pull", ENDINGS["ing"]),)})
    counts = np.arange(len(words), 0, -1) * 7
    return Embeddings(
        words,
        np.asarray(composition @ parts, np.float32),
        counts=counts,
        parts=Parts(
            tuple(words),
            tuple(names),
            parts.astype(np.float32),
            composition,
            (3, 3),
            {"lemma": 1.0, "affixes": 1.0, "ngrams": 1.0},
            told,
        ),
        tokenizer=Tokenizer("whitespace", "lower"),
        manifest={"method": "token-feature"},
    )


def bare():
    """The same words elsewhere, without counts and parts."""
    words = verbs().words
    vectors = stream(1).normal(size=(len(words), DIM))
    return Embeddings(words, vectors.astype(np.float32), tokenizer=Tokenizer("whitespace", "lower"))
