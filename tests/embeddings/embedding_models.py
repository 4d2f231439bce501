"""Little models: plain vectors, and one whose words are made of parts."""

from __future__ import annotations

import numpy as np

from morphvec.embeddings import Embeddings, Parts
from morphvec.features.subword import compose, find_grams
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked", "sea"]
KEYS = ["eng:walk", "eng:walks", "spa:hablo", "spa:hablas", "spa:walk"]


def plain(n=40, k=6, seed=0):
    return Embeddings([f"w{number}" for number in range(n)], stream(seed).standard_normal((n, k)))


def composed(words=tuple(WORDS), languages=(), k=5):
    bare = [word.partition(":")[2] if languages else word for word in words]
    grams = find_grams(bare, 2, 4, 2)
    B = compose(grams, 1.0)
    P = stream(1).standard_normal((B.shape[1], k)).astype(np.float32)
    vectors = np.asarray(B @ P, np.float32)
    return Embeddings(
        words,
        vectors,
        counts=np.arange(len(words), 0, -1),
        contexts=stream(2).standard_normal((3, k)).astype(np.float32),
        features=[("window", "a"), ("window", "b\tc"), ("ids", "v1")],
        parts=Parts(grams.names, P, B, (2, 4)),
        tokenizer=Tokenizer("unicode", "lower"),
        languages=languages,
        manifest={"method": "token-feature", "config": {"dim": k}},
    )
