"""The peers, each in a process of its own: text (one sentence a line) in, word2vec text vectors out.

    python benchmarks/peers.py gensim   TEXT -o VECTORS --epochs 5
    python benchmarks/peers.py cbow     TEXT -o VECTORS --epochs 5
    python benchmarks/peers.py fasttext TEXT -o VECTORS --unseen WORDS --unseen-out VECTORS2
    python benchmarks/peers.py svds     ASSOCIATION -o VECTORS

Words stand in the order of their counts, ties by code point. Prints one line of JSON with the seconds of each step,
so that the writing of text, which is no part of training, can be left out of a comparison.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np


def train_gensim(options: argparse.Namespace) -> tuple[list[str], np.ndarray]:
    """Skip-gram, or CBOW, with negative sampling, by gensim's fastest input path."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus_file=str(options.text),
        sg=int(options.peer == "gensim"),
        hs=0,
        negative=5,
        vector_size=options.dim,
        window=options.window,
        min_count=options.min_count,
        sample=1e-4,
        alpha=0.05,
        epochs=options.epochs,
        workers=options.threads,
        seed=options.seed,
    )
    counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
    words = sorted(counts, key=lambda word: (-counts[word], word))
    return words, model.wv.vectors[[model.wv.key_to_index[word] for word in words]]


def train_svds(options: argparse.Namespace) -> tuple[list[str], np.ndarray]:
    """Left singular vectors, to the power that ``--method svd`` has, of a folder that ``morphvec weigh`` wrote: ARPACK."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    from morphvec.pipeline.nouns import load_association

    association, vocabulary, _ = load_association(options.text)
    given = association.matrix
    arrays = (np.array(given.data, np.float32), np.array(given.indices), np.array(given.indptr))
    first = np.random.default_rng(options.seed).standard_normal(min(given.shape)).astype(np.float32)
    left, singular, _ = svds(csr_array(arrays, shape=given.shape), options.dim, v0=first)
    return list(vocabulary.words), np.ascontiguousarray(left[:, np.argsort(-singular)], dtype=np.float32)


def train_fasttext(
    options: argparse.Namespace, unseen: Sequence[str]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Skip-gram with character n-grams; also the vectors that it composes for ``unseen`` words."""
    import fasttext
    import fasttext.FastText

    # train_unsupervised takes every setting but this one; its generator makes the same numbers of 0 and 1
    fasttext.FastText.unsupervised_default["seed"] = options.seed + 1
    model = fasttext.train_unsupervised(
        str(options.text),
        model="skipgram",
        lr=0.05,
        t=1e-4,
        minn=3,
        maxn=6,
        bucket=2_000_000,
        neg=5,
        ws=options.window,
        dim=options.dim,
        minCount=options.min_count,
        epoch=options.epochs,
        thread=options.threads,
        verbose=0,
    )
    listed, frequencies = model.get_words(include_freq=True)
    counts = dict(zip(listed, frequencies.tolist(), strict=True))
    counts.pop("</s>", None)  # its line end, no word of the text
    words = sorted(counts, key=lambda word: (-counts[word], word))

    def vectors(of: Sequence[str]) -> np.ndarray:
        rows = [np.asarray(model.get_word_vector(word), dtype=np.float32) for word in of]
        return np.array(rows, dtype=np.float32).reshape(len(of), options.dim)

    return words, vectors(words), vectors(unseen)


def write_text(path: Path, words: Iterable[str], vectors: np.ndarray) -> None:
    """The word2vec text format: "words dim", then "word x1 … xk" a line."""
    form = " ".join(["%.7g"] * vectors.shape[1])
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"{vectors.shape[0]} {vectors.shape[1]}\n")
        for word, row in zip(words, vectors.tolist(), strict=True):
            handle.write(f"{word} {form % tuple(row)}\n")


def read_text(path: Path) -> tuple[list[str], np.ndarray]:
    """Words and vectors of a word2vec text file."""
    with path.open(encoding="utf-8", newline="\n") as handle:
        count, dim = (int(number) for number in handle.readline().split())
        words, vectors = [], np.empty((count, dim), dtype=np.float32)
        for i, line in enumerate(handle):
            word, *numbers = line.rstrip("\n").split(" ")
            words.append(word)
            vectors[i] = [float(number) for number in numbers]
    return words, vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peer", choices=["gensim", "cbow", "fasttext", "svds"])
    parser.add_argument("text", type=Path, help="of svds: an association")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--unseen", type=Path, help="words, one a line (fasttext)")
    parser.add_argument("--unseen-out", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if (options.unseen is None) != (options.unseen_out is None):
        parser.error("--unseen and --unseen-out go together")
    if options.unseen and options.peer != "fasttext":
        parser.error("only fasttext has vectors for unseen words")

    start = time.perf_counter()
    if options.peer in ("gensim", "cbow"):
        words, vectors = train_gensim(options)
        package = "gensim"
    elif options.peer == "svds":
        words, vectors = train_svds(options)
        package = "scipy"
    else:
        unseen = options.unseen.read_text(encoding="utf-8").split() if options.unseen else []
        words, vectors, composed = train_fasttext(options, unseen)
        package = "fasttext-wheel"
    trained = time.perf_counter()
    write_text(options.out, words, vectors)
    if options.unseen_out:
        write_text(options.unseen_out, unseen, composed)
    seconds = {"train": trained - start, "write": time.perf_counter() - trained}
    report = {"peer": options.peer, "version": version(package), "words": len(words), "seconds": seconds}
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
