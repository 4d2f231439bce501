"""Models of fastText and gensim, read by us and compared; our vectors, read by gensim and compared.

    python benchmarks/interop.py

Runs where gensim and fastText are installed (`make` sets up `benchmarks/.venv` for any benchmark). Trains tiny models on the text
below, seconds in all, and prints a markdown table: what was compared, how many vectors, the largest difference, whether
the bits agree. Exit code 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from morphvec import load
from morphvec.cli.main import execute
from morphvec.rng import stream

STEMS = ["walk", "talk", "naïve", "ölü", "дом", "हिन्द", "ng'omb", "jump", "𐐀𐐁", "x"]
ENDINGS = ["", "s", "ed", "ing", "ы", "lar", "ी"]
UNSEEN = ["walkings", "домом", "हिन्दीवाला", "ölüler", "zzz", "q", "ßÿ", "😀", "unwalked", "наивный"]
EXACT, CLOSE = 0.0, 1e-6  # largest difference that passes


def text(path: Path) -> Path:
    """A thousand lines of words with endings, among them words of many scripts."""
    generator = stream(0)
    words = [stem + ending for stem in STEMS for ending in ENDINGS]
    lines = (" ".join(generator.choice(words, 12)) for _ in range(1000))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Table:
    """Rows of comparisons, and whether all passed."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, float, bool, bool]] = []

    def compare(
        self, what: str, ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], most: float
    ) -> None:
        """Add a row: vectors one by one; ``most``: the largest difference that passes."""
        one, other = np.array(ours, np.float32), np.array(theirs, np.float32)
        if one.shape != other.shape or not len(one):
            raise SystemExit(f"{what}: shapes {one.shape} and {other.shape}")
        far = float(np.abs(one.astype(np.float64) - other).max())
        self.rows.append((what, len(one), far, one.tobytes() == other.tobytes(), far <= most))

    def claim(self, what: str, count: int, good: bool) -> None:
        """Add a row for something that is so or not."""
        self.rows.append((what, count, 0.0 if good else float("nan"), good, good))

    def markdown(self) -> str:
        """The table."""
        lines = [
            "| what | n | largest difference | same bits | passes |",
            "| --- | ---: | ---: | --- | --- |",
        ]
        lines += [
            f"| {what} | {n} | {far:.2g} | {'yes' if same else 'no'} | {'yes' if good else 'NO'} |"
            for what, n, far, same, good in self.rows
        ]
        return "\n".join(lines)


def ours(*arguments: str | Path) -> None:
    """Run one of our commands, or stop."""
    if execute([str(argument) for argument in arguments]):
        raise SystemExit(f"morphvec {' '.join(map(str, arguments))} failed")


def refused(*arguments: str | Path) -> bool:
    """Whether one of our commands is refused."""
    return execute([str(argument) for argument in arguments]) == 2


def of_fasttext(corpus: Path, folder: Path, table: Table) -> None:
    """fastText's own .bin, .vec and .ftz: skip-gram and cbow, with and without n-grams, every loss."""
    import fasttext

    settings = {
        "skipgram 3-6": {"model": "skipgram", "minn": 3, "maxn": 6},
        "cbow 1-4, hs": {"model": "cbow", "minn": 1, "maxn": 4, "loss": "hs"},
        "skipgram 2-3, softmax": {"model": "skipgram", "minn": 2, "maxn": 3, "loss": "softmax"},
        "skipgram without n-grams": {"model": "skipgram", "minn": 0, "maxn": 0},
    }
    for number, (name, changes) in enumerate(settings.items()):
        model = fasttext.train_unsupervised(
            str(corpus), **changes, dim=20, bucket=5000, minCount=1, epoch=1, thread=1, verbose=0
        )
        file, made = folder / f"{number}.bin", folder / f"ft{number}"
        model.save_model(str(file))
        for path in (file, packed(file)):
            ours("import", path, "-o", made, "--overwrite")
            found = load(made)
            words, counts = model.get_words(include_freq=True)
            kind = f"fastText {name}{'.gz' if path != file else ''}"
            table.claim(f"{kind}: vocabulary", len(words), list(found.words) == words)
            table.claim(f"{kind}: counts", len(words), found.counts.tolist() == counts.tolist())
            table.compare(f"{kind}: words", [found.vectors[row] for row in range(len(words))], [model.get_word_vector(word) for word in words], EXACT)  # fmt: skip
            if changes["maxn"]:
                table.compare(f"{kind}: unseen", [found.vector_for(word) for word in UNSEEN], [model.get_word_vector(word) for word in UNSEEN], EXACT)  # fmt: skip
    of_gensim_loading_fasttext(folder / "0.bin", folder / "ft0", table)
    labelled = folder / "labelled.txt"
    labelled.write_text("__label__a walk talk\n__label__b jump x\n" * 50, encoding="utf-8")
    classifier = fasttext.train_supervised(
        str(labelled), dim=10, minn=2, maxn=3, bucket=1000, verbose=0, thread=1
    )
    classifier.save_model(str(folder / "sup.bin"))
    classifier.quantize(input=str(labelled), retrain=False)
    classifier.save_model(str(folder / "sup.ftz"))
    for name in ("sup.bin", "sup.ftz"):
        table.claim(f"fastText {name} is refused", 1, refused("import", folder / name, "-o", folder / "no"))


def packed(file: Path) -> Path:
    """The same file under gzip."""
    place = file.with_suffix(file.suffix + ".gz")
    with file.open("rb") as plain, gzip.open(place, "wb") as out:
        shutil.copyfileobj(plain, out)
    return place


def of_gensim_loading_fasttext(file: Path, made: Path, table: Table) -> None:
    """The third reader of the same .bin."""
    from gensim.models.fasttext import load_facebook_vectors

    vectors, found = load_facebook_vectors(str(file)), load(made)
    words = [word for word in found.words if word != "</s>"]
    for kind, asked in (("words", words), ("unseen", UNSEEN)):
        table.compare(f"the same .bin in gensim: {kind}", [found.vector_for(word) for word in asked], [vectors[word] for word in asked], CLOSE)  # fmt: skip


def of_gensim(corpus: Path, folder: Path, table: Table) -> None:
    """gensim's exports of Word2Vec and FastText; its pickles are refused."""
    from gensim.models import FastText, Word2Vec
    from gensim.models.fasttext import save_facebook_model

    shared = {"vector_size": 20, "min_count": 1, "epochs": 1, "workers": 1, "seed": 1}
    model = Word2Vec(corpus_file=str(corpus), **shared).wv
    words = model.index_to_key
    for name, binary in (("w2v.bin", True), ("w2v.txt", False), ("w2v.bin.gz", True), ("w2v.txt.gz", False)):
        model.save_word2vec_format(str(folder / name), binary=binary)
        ours("import", folder / name, "-o", folder / "w2v", "--overwrite")
        found = load(folder / "w2v")
        table.claim(f"gensim {name}: vocabulary", len(words), list(found.words) == words)
        table.compare(f"gensim {name}", list(found.vectors), [model[word] for word in words], EXACT)
    model.save(str(folder / "w2v.kv"))
    np.save(folder / "w2v.npy", model.vectors)
    for name in ("w2v.kv", "w2v.npy"):
        table.claim(f"gensim {name} is refused", 1, refused("import", folder / name, "-o", folder / "no"))
    whole = FastText(corpus_file=str(corpus), min_n=3, max_n=5, bucket=3000, **shared)
    save_facebook_model(whole, str(folder / "gft.bin"))
    ours("import", folder / "gft.bin", "-o", folder / "gft", "--overwrite")
    found = load(folder / "gft")
    table.claim("gensim FastText .bin: vocabulary", len(found), list(found.words) == whole.wv.index_to_key)
    for kind, asked in (("words", found.words), ("unseen", UNSEEN)):
        table.compare(f"gensim FastText .bin: {kind}", [found.vector_for(word) for word in asked], [whole.wv[word] for word in asked], CLOSE)  # fmt: skip


def exports(corpus: Path, folder: Path, table: Table) -> None:
    """Our exports, read by gensim and by fastText."""
    import fasttext
    from gensim.models import KeyedVectors

    ours("train", corpus, "-o", folder / "own", "--dim", "16", "--epochs", "2", "--min-count", "1", "--quiet")
    model = load(folder / "own")
    readers: dict[str, Callable[[str], KeyedVectors]] = {
        "word2vec": KeyedVectors.load_word2vec_format,
        "word2vec-bin": lambda path: KeyedVectors.load_word2vec_format(path, binary=True),
        "glove": lambda path: KeyedVectors.load_word2vec_format(path, no_header=True),
        "fasttext-vec": KeyedVectors.load_word2vec_format,
    }
    for to, reader in readers.items():
        ours("export", folder / "own", "--to", to, "-o", folder / f"own.{to}")
        vectors = reader(str(folder / f"own.{to}"))
        table.claim(f"our {to} in gensim: vocabulary", len(model), vectors.index_to_key == list(model.words))
        table.compare(f"our {to} in gensim", list(vectors.vectors), list(model.vectors), EXACT)
    started = fasttext.train_supervised(
        str(folder / "labelled.txt"), dim=16, pretrainedVectors=str(folder / "own.fasttext-vec"), epoch=1, lr=0.0, verbose=0, thread=1
    )  # fmt: skip
    words = [word for word in started.words if word in model.key_to_index]
    table.compare("our .vec starts fastText: words", [started.get_word_vector(word) for word in words], [model.vector_for(word) for word in words], CLOSE)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", type=Path, help="keep the files in this folder")
    options = parser.parse_args()
    start, table = time.perf_counter(), Table()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        corpus = text(folder / "text.txt")
        of_fasttext(corpus, folder, table)
        of_gensim(corpus, folder, table)
        exports(corpus, folder, table)
    sys.stdout.write(
        f"\ngensim {version('gensim')}, fasttext-wheel {version('fasttext-wheel')}, "
        f"{time.perf_counter() - start:.0f} s\n\n{table.markdown()}\n"
    )
    sys.exit(0 if all(good for *_, good in table.rows) else 1)


if __name__ == "__main__":
    main()
