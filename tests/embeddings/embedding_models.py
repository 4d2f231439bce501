"""Little models: plain vectors, sparse ones, and some whose words are made of parts; and what their folders hold."""

from __future__ import annotations

import json

import numpy as np
from scipy.sparse import csr_array, random_array

from morphvec.embeddings import Embeddings, Parts
from morphvec.features.composition import compose
from morphvec.features.subword import find_grams
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import find_pieces
from morphvec.morphology.segmentation import MorphModel, Segmentation
from morphvec.morphology.tables import Table
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked", "sea"]
KEYS = ["eng:walk", "eng:walks", "spa:hablo", "spa:hablas", "spa:walk"]

PAST, PARTICIPLE, PLURAL = "V;PST", "V;PST;V.PTCP", "N;PL"
TABLE = (  # of the verbs, talk is no word; three nouns; a word that no rule may take apart
    *(
        (verb, verb + "ed", bundle)
        for verb in ("walk", "talk", "jump", "play", "call", "skip")
        for bundle in (PAST, PARTICIPLE)
    ),
    ("talk", "talks", "V;3"),
    ("sea", "seas", PLURAL),
    ("ox", "oxen", PLURAL),
    ("ox", "oxes", PLURAL),
    ("geese", "geesed", "ODD"),
    ("seaed", "seaeds", "ODD"),
)


def plain(n=40, k=6, seed=0):
    return Embeddings([f"w{number}" for number in range(n)], stream(seed).standard_normal((n, k)))


def composed(words=tuple(WORDS), languages=(), k=5):
    bare = [word.partition(":")[2] if languages else word for word in words]
    grams = find_grams(bare, 2, 4, 2)
    B = compose(np.ones(len(words)), [(1.0, grams.member)])
    P = stream(1).standard_normal((B.shape[1], k)).astype(np.float32)
    vectors = np.asarray(B @ P, np.float32)
    return Embeddings(
        words,
        vectors,
        counts=np.arange(len(words), 0, -1),
        contexts=stream(2).standard_normal((3, k)).astype(np.float32),
        features=[("window", "a"), ("window", "b\tc"), ("ids", "v1")],
        parts=Parts(tuple(words), tuple(("ngram", name) for name in grams.names), P, B, (2, 4)),
        tokenizer=Tokenizer("unicode", "lower"),
        languages=languages,
        manifest={"method": "token-feature", "config": {"dim": k}},
    )


def analysed(languages=(), ngrams=(2, 3), k=4, rarity=0.0):
    """Words made of own row, n-grams, morphemes, lemma (weight 2) and affixes (weight 3)."""
    language = languages[0] if languages else ""
    prefix = f"{language}:" if language else ""
    bare = ["walk", "talked", "jumped", "oxen", "oxes", "talks", "sea", "seas", "played", "un", "played2"]
    words = tuple(prefix + word for word in bare)
    lemmas, forms, features = zip(*TABLE, strict=True)
    knowledge = Knowledge(
        tables=(Table(language, list(lemmas), list(forms), list(features), "test"),),
        affixes=(AffixRule("prefix", "un", "", "un-"),),
        segmentations=(
            Segmentation(
                language,
                ["jumped", "seas", "seaside"],
                [("jump", "ed"), ("sea", "s"), ("sea", "side")],
                "test",
            ),
        ),
        morphs=(
            MorphModel(
                language, {"sea": 5, "ed": 7, "walk": 2, "s": 4}, "test", ((3, ("sea",)), (9, ("walk", "ed")))
            ),
        ),
        hold_out=("called",),
    )
    counts = np.arange(len(words), 0, -1)
    vocabulary = Vocabulary(words, counts, 100, 20, Tokenizer("unicode", "lower"), tuple(languages))
    pieces = find_pieces(knowledge, vocabulary, ("morphemes", "lemma", "affixes"), 2)
    names, blocks, weights = [], [], {}
    if ngrams is not None:
        grams = find_grams(bare, *ngrams, 2)
        names += [("ngram", name) for name in grams.names]
        blocks.append((1.0, grams.member))
        weights["ngrams"] = 1.0
    for kind, row_kind, weight in (
        ("morphemes", "morpheme", 1.0),
        ("lemma", "lemma", 2.0),
        ("affixes", "affix", 3.0),
    ):
        names += [(row_kind, name) for name in pieces.names[kind]]
        blocks.append((weight, pieces.shares[kind]))
        weights[kind] = weight
    B = compose(np.ones(len(words)), blocks, (2.0, pieces.stems))
    P = stream(3).standard_normal((B.shape[1], k)).astype(np.float32)
    parts = Parts(words, tuple(names), P, B, ngrams, weights, pieces.analyser, rarity)
    return Embeddings(
        words,
        np.asarray(B @ P, np.float32),
        counts=counts,
        parts=parts,
        tokenizer=vocabulary.tokenizer,
        languages=languages,
        manifest={"method": "token-feature"},
    )


def sparse_numbers(rows=30, columns=50, density=0.2, seed=0):
    """Numbers of both signs; row 4 is empty, rows 6 and 9 are alike."""
    found = random_array(
        (rows, columns), density=density, rng=stream(seed), format="lil", data_sampler=_normal(seed + 1)
    )
    found[4] = 0
    found[9] = found[6]
    return csr_array(found, dtype=np.float32)


def _normal(seed):
    generator = stream(seed)
    return generator.standard_normal


def sparse_and_dense(**shape):
    """The same model, sparse and dense."""
    numbers = sparse_numbers(**shape)
    words = [f"w{row}" for row in range(numbers.shape[0])]
    features = [("window", f"f{column}") for column in range(numbers.shape[1])]
    counts = np.arange(len(words), 0, -1)
    return tuple(
        Embeddings(words, vectors, counts=counts, features=features)
        for vectors in (numbers, numbers.toarray())
    )


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def fields_of(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
