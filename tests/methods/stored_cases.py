"""A small language for the methods that fit stored cells: stems, their past forms, and what they occur with."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from morphvec.association import Association, AssociationOptions, weigh
from morphvec.counts.matrix import Counts
from morphvec.features.space import Block
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.tables import Table
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

STEMS = ("walk", "talk", "jump", "call", "look", "pull")
WORDS = (*STEMS, *(stem + "ed" for stem in STEMS[:5]), "sea", "sky")  # "pulled" is never seen


def counts(words=WORDS, seed=0):
    """Symmetric counts in which most cells are observed, from below 1 to beyond 100."""
    generator = stream(seed)
    size = len(words)
    n = np.exp(generator.standard_normal((size, size)) * 1.5 + 1.5)
    n = np.where(generator.random((size, size)) < 0.8, np.ceil(3 * n) / 3, 0)
    n = np.triu(n) + np.triu(n, 1).T
    return Counts(csr_array(n), words, words, (Block("window", 0, size),))


def vocabulary(words=WORDS):
    return Vocabulary(words, np.arange(len(words), 0, -1), 100, 20, Tokenizer("unicode", "lower"), ())


def weighed(words=WORDS, **options) -> Association:
    return weigh(counts(words), AssociationOptions(**{"unobserved": 0.0, **options}))


def knowledge():
    past = [stem + "ed" for stem in STEMS]
    return Knowledge(tables=(Table("", list(STEMS), past, ["V;PST"] * len(STEMS), "test"),))


def offsets(strength):
    """Offsets from stem to past form, all to be equal."""
    members = np.zeros((5, len(WORDS)))
    for number in range(5):
        members[number, number], members[number, len(STEMS) + number] = -1, 1
    return [(strength, CompletePenalty(members, np.zeros(5, int), np.full(1, 0.2)), "offset")]


def spread(U):
    """How far the offsets are from each other, next to their size."""
    d = U[len(STEMS) : len(STEMS) + 5] - U[:5]
    return float(np.abs(d - d.mean(axis=0)).max() / np.linalg.norm(d, axis=1).mean())
