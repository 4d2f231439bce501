"""Little corpora with a plan behind them: two topics that never meet, stems with regular endings, two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from morphvec.rng import stream

STEMS = ["walk", "talk", "jump", "call", "look", "open", "pull", "push"]
ENDINGS = ["", "s", "ed", "ing"]
BUNDLES = {"s": "V;PRS;3;SG", "ed": "V;PST", "ing": "V;V.PTCP;PRS"}
TOPICS = (["cat", "dog", "cow", "hen", "pig", "goat"], ["iron", "zinc", "lead", "copper", "tin", "silver"])


def two_topics(sentences=400, seed=0):
    """Sentences of one topic each, in which its words are as near to each other as they can be."""
    generator = stream(seed)
    return [[TOPICS[number % 2][word] for word in generator.integers(0, 6, 8)] for number in range(sentences)]


def verbs(sentences=500, seed=0):
    """Forms of the stems among words that go with the stem and words that go with the ending."""
    generator = stream(seed)
    lines = []
    for _ in range(sentences):
        stem, ending = generator.integers(0, len(STEMS)), generator.integers(0, 4)
        near = [
            f"thing{stem}",
            f"place{stem}",
            f"time{ending}",
            STEMS[stem] + ENDINGS[ending],
            f"who{ending}",
        ]
        lines.append(" ".join(np.array(near)[generator.permutation(5)]))
    return lines


def table_rows():
    return [f"{stem}\t{stem}{ending}\t{bundle}" for stem in STEMS for ending, bundle in BUNDLES.items()]


def write(path: Path, lines) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def parallel(folder: Path, verses=300, seed=0):
    """Two files of id⇥text: every verse says the same in both languages, word by word."""
    generator = stream(seed)
    words = [
        ["casa", "mesa", "rio", "sol", "lua", "flor", "pão", "vinho", "mar", "céu"],
        ["house", "table", "river", "sun", "moon", "flower", "bread", "wine", "sea", "sky"],
    ]
    chosen = [generator.integers(0, 10, 5) for _ in range(verses)]
    return [
        f"{language}="
        + write(
            folder / f"{language}.tsv",
            [f"v{number}\t{' '.join(np.array(names)[pick])}" for number, pick in enumerate(chosen)],
        )
        for language, names in zip(("por", "eng"), words, strict=True)
    ]
