"""Models for pictures, written down rather than trained."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer

LOWER = Tokenizer("unicode", "lower")


def blobs(groups=4, each=12, dim=10, seed=0):
    """Words w0_0 … in well separated groups; counts fall by row."""
    generator = stream(seed)
    centres = np.eye(groups, dim) * 5
    vectors = [centres[group] + generator.normal(size=dim) for group in range(groups) for _ in range(each)]
    words = [f"w{group}x{member}" for group in range(groups) for member in range(each)]
    counts = np.arange(len(words), 0, -1) * 10
    return Embeddings(words, np.array(vectors, np.float32), counts=counts, tokenizer=LOWER)


def two_languages(each=20, dim=8, seed=1):
    """spa:p0 … and por:p0 …, a word beside its translation, in turn."""
    generator = stream(seed)
    base = generator.normal(size=(each, dim))
    words, vectors = [], []
    for number in range(each):
        for language in ("spa", "por"):
            words.append(f"{language}:p{number}")
            vectors.append(base[number] + 0.1 * generator.normal(size=dim))
    counts = np.arange(len(words), 0, -1) * 3
    return Embeddings(
        words, np.array(vectors, np.float32), counts=counts, languages=("por", "spa"), tokenizer=LOWER
    )


def with_affixes(stems=10, dim=6, seed=2):
    """walk0, walk0ed, walk0s …: the forms have V;PST and V;3;SG among their parts."""
    generator = stream(seed)
    words = [f"walk{number}{ending}" for ending in ("", "ed", "s") for number in range(stems)]
    total = len(words)
    names = (("affix", "V;3;SG"), ("affix", "V;PST"))
    cells = [(row, row, 1.0) for row in range(total)]
    cells += [(row, total + (row < 2 * stems), 0.5) for row in range(stems, total)]
    rows, columns, data = zip(*cells, strict=True)
    composition = csr_array(
        (np.array(data, np.float32), (np.array(rows), np.array(columns))), shape=(total, total + 2)
    )
    vectors = generator.normal(size=(total + 2, dim)).astype(np.float32)
    parts = Parts(tuple(words), names, vectors, composition, None, {"affixes": 1.0})
    counts = np.arange(total, 0, -1)
    return Embeddings(
        words, np.asarray(composition @ vectors, np.float32), counts=counts, parts=parts, tokenizer=LOWER
    )


def cities(pairs=6, dim=12, seed=3, noise=0.05):
    """country0 → capital0 …: one offset for all of them, nearly."""
    generator = stream(seed)
    countries = generator.normal(size=(pairs, dim)) * np.append(np.zeros(4), np.ones(dim - 4))
    offset = np.zeros(dim)
    offset[0] = 4.0
    capitals = countries + offset + noise * generator.normal(size=(pairs, dim))
    words = [f"country{n}" for n in range(pairs)] + [f"capital{n}" for n in range(pairs)]
    return Embeddings(words, np.concatenate([countries, capitals]).astype(np.float32), tokenizer=LOWER)
