"""Every format that is exported, loaded by the tool that it is for, and compared bit for bit; gensim's answers beside ours.

    python benchmarks/interop_formats.py

`make interop` runs it in an environment of its own, with gensim, fastText, spaCy, Model2Vec, sentence-transformers and
pyarrow. Trains a tiny model of its own text, seconds in all, and prints the table of `interop.py`. Exit code 1 where
something is not as it should be. Nothing is fetched.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from interop import CLOSE, EXACT, STEMS, UNSEEN, Table, ours, text
from morphvec import Embeddings, load

os.environ["HF_HUB_OFFLINE"] = "1"
READERS = ("gensim", "fasttext-wheel", "spacy", "model2vec", "sentence-transformers", "pyarrow")
ODD = [
    "case",
    "mark",
    "list",
    "root",
    "time",
    "number",
    "NOUN",
    "ADJ",
    "X",
    "PERSON",
    "DATE",
    "ID",
    "</s>",
    "New York",
    "…",
]


def trained(folder: Path) -> Embeddings:
    """A little model of words in many scripts."""
    corpus = text(folder / "text.txt")
    ours("train", corpus, "-o", folder / "own", "--dim", "16", "--epochs", "2", "--min-count", "1", "--quiet")
    return load(folder / "own")


def odd_words() -> Embeddings:
    """Words that are names of spaCy's symbols, with a space, of one character; as they are written."""
    words = [*ODD, *(chr(code) for code in range(0x400, 0x440)), *("w" * n for n in range(1, 40))]
    vectors = np.random.default_rng(0).standard_normal((len(words), 12), np.float32)
    return Embeddings(words, vectors, counts=np.arange(len(words), 0, -1))


def of_fasttext(model: Embeddings, name: str, folder: Path, table: Table) -> None:
    """A .bin without buckets in fastText and in gensim."""
    import fasttext
    from gensim.models.fasttext import load_facebook_vectors

    file = exported(folder, name, "fasttext")
    theirs = fasttext.load_model(str(file))
    words, counts = theirs.get_words(include_freq=True)
    table.claim(f"{name}.bin in fastText: words and counts", len(words), words == list(model.words) and counts.tolist() == model.counts.tolist())  # fmt: skip
    table.compare(f"{name}.bin in fastText", [theirs.get_word_vector(word) for word in words], list(model.vectors), EXACT)  # fmt: skip
    again = load_facebook_vectors(str(file))
    table.claim(f"{name}.bin in gensim: words", len(words), again.index_to_key == list(model.words))
    table.compare(f"{name}.bin in gensim", [again[word] for word in words], list(model.vectors), EXACT)


def of_fasttext_with_buckets(folder: Path, table: Table) -> None:
    """A model of fastText's own, imported and exported: unseen words to the bit."""
    import fasttext
    from gensim.models.fasttext import load_facebook_vectors

    first = fasttext.train_unsupervised(str(folder / "text.txt"), dim=20, minn=2, maxn=5, bucket=5000, minCount=1, epoch=1, thread=1, verbose=0)  # fmt: skip
    first.save_model(str(folder / "first.bin"))
    ours("import", folder / "first.bin", "-o", folder / "first")
    again = fasttext.load_model(str(exported(folder, "first", "fasttext")))
    words = first.get_words()
    table.claim("fastText there and back: words", len(words), again.get_words() == words)
    table.compare("fastText there and back: words", [again.get_word_vector(word) for word in words], [first.get_word_vector(word) for word in words], CLOSE)  # fmt: skip
    table.compare("fastText there and back: unseen", [again.get_word_vector(word) for word in UNSEEN], [first.get_word_vector(word) for word in UNSEEN], EXACT)  # fmt: skip
    vectors = load_facebook_vectors(str(folder / "first.fasttext"))
    table.compare("the same in gensim: unseen", [vectors[word] for word in UNSEEN], [first.get_word_vector(word) for word in UNSEEN], CLOSE)  # fmt: skip


def of_model2vec(model: Embeddings, folder: Path, table: Table) -> None:
    """One folder, two tools."""
    from model2vec import StaticModel
    from sentence_transformers import SentenceTransformer

    place = exported(folder, "own", "model2vec")
    static, sentence = StaticModel.from_pretrained(str(place)), SentenceTransformer(str(place), device="cpu")
    words = list(model.words)
    table.compare("Model2Vec: words", list(static.encode(words)), list(model.vectors), EXACT)
    table.compare("sentence-transformers: words", list(sentence.encode(words)), list(model.vectors), EXACT)
    line = "NAÏVES, walked (ng'omb) — дОмы हिन्दी!"
    tokens = model.tokenizer.tokens(line)
    table.claim("Model2Vec cuts and folds as we do", len(tokens), [static.tokens[row] for row in static.tokenize([line])[0]] == [token for token in tokens if token in model])  # fmt: skip
    mean = model.get_mean_vector(tokens, pre_normalize=False)
    table.compare("Model2Vec: a sentence", [static.encode(line)], [mean], CLOSE)
    whole = model.get_mean_vector(
        [token for token in tokens if model.has_index_for(token)], pre_normalize=False
    )
    table.compare("sentence-transformers: a sentence", [sentence.encode("walked jumping")], [model.get_mean_vector(["walked", "jumping"], pre_normalize=False)], CLOSE)  # fmt: skip
    table.compare("unknown words count for nothing", [static.encode("zzzz qqqq " + line)], [whole], CLOSE)
    static.save_pretrained(folder / "saved")
    ours("import", folder / "saved", "-o", folder / "saved_in")
    back = load(folder / "saved_in")
    table.claim("a folder that Model2Vec saved: words", len(back), list(back.words) == words)
    table.compare("a folder that Model2Vec saved", list(back.vectors), list(model.vectors), EXACT)
    sentence.save(str(folder / "saved2"))
    ours("import", folder / "saved2", "-o", folder / "saved2_in")
    table.compare("a folder that sentence-transformers saved", list(load(folder / "saved2_in").vectors), list(model.vectors), EXACT)  # fmt: skip


def of_spacy(model: Embeddings, name: str, folder: Path, table: Table) -> None:
    """spacy.load: by the vocabulary and by tokens of a text."""
    import spacy
    from spacy.strings import StringStore
    from spacy.symbols import IDS

    from morphvec.embeddings.formats.spacy import key_of

    nlp = spacy.load(exported(folder, name, "spacy"))
    vectors = [nlp.vocab.vectors[word] for word in model.words]
    table.compare(f"{name} in spaCy: words", vectors, list(model.vectors), EXACT)
    store = StringStore()
    plain = [word for word in IDS if word and "_" not in word and not word.startswith(("FLAG", "DEPRECATED"))]
    table.claim(
        "spaCy's keys of its own symbols", len(plain), all(key_of(word) == IDS[word] for word in plain)
    )
    table.claim(f"{name} in spaCy: keys", len(model), all(key_of(word) == store.add(word) for word in model.words))  # fmt: skip
    if model.tokenizer.case == "lower":
        doc = nlp("(Walked), JUMPING! हिन्दी, ng'ombs.")
        words = ["walked", "jumping", "हिन्दी", "ng'ombs"]
        found = [token for token in doc if token.has_vector]
        table.claim("spaCy's tokens of a text", len(words), [token.lower_ for token in found] == words)
        table.compare("spaCy's tokens of a text", [token.vector for token in found], [model[word] for word in words], EXACT)  # fmt: skip
        blank = spacy.blank("en")
        blank.vocab.vectors = nlp.vocab.vectors
        table.compare("spaCy's English tokenizer", [blank("Talked")[0].vector], [model["talked"]], EXACT)


def of_tables(model: Embeddings, name: str, folder: Path, table: Table) -> None:
    """Parquet in pyarrow and pandas; the two files of the Embedding Projector by its rules."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pq.read_table(exported(folder, name, "parquet"))
    kind = found.schema.field("vector").type
    table.claim(f"{name}.parquet: type", 1, kind == pa.list_(pa.float32(), model.vector_size))
    table.claim(f"{name}.parquet: words and counts", len(model), found["word"].to_pylist() == list(model.words) and found["count"].to_pylist() == model.counts.tolist())  # fmt: skip
    rows = found["vector"].combine_chunks().flatten().to_numpy().reshape(len(model), -1)
    table.compare(f"{name}.parquet in pyarrow", list(rows), list(model.vectors), EXACT)
    table.compare(f"{name}.parquet in pandas", list(found.to_pandas()["vector"]), list(model.vectors), EXACT)
    place = exported(folder, name, "projector")
    numbers = [[np.float32(cell) for cell in line.split("\t")] for line in lines(place / "vectors.tsv")]
    header, *rest = (line.split("\t") for line in lines(place / "metadata.tsv"))
    table.compare(f"{name} for the projector", numbers, list(model.vectors), EXACT)
    table.claim(f"{name} for the projector: metadata", len(model), header == ["word", "count"] and rest == [[word, str(count)] for word, count in zip(model.words, model.counts.tolist(), strict=True)])  # fmt: skip


def lines(file: Path) -> list[str]:
    """The lines of a file, told by LF alone."""
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def of_gensim_names(model: Embeddings, folder: Path, table: Table) -> None:
    """gensim 4's names: the same answers on the same vectors."""
    from gensim.models import KeyedVectors

    path = exported(folder, "own", "word2vec-bin")
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=True)
    a, b, c, d = (stem + ending for stem, ending in zip(STEMS[:4], ("ed", "s", "ing", ""), strict=True))
    vector = np.random.default_rng(1).standard_normal(16).astype(np.float32)
    lists: dict[str, Callable[[KeyedVectors], list[tuple[str, float]]]] = {
        "most_similar": lambda wv: wv.most_similar(a),
        "most_similar + −": lambda wv: wv.most_similar(positive=[a, b], negative=[c], topn=20),
        "most_similar, weights and vectors": lambda wv: wv.most_similar(
            [(a, 2.5), vector, 3], [(b, -0.5)], topn=30
        ),
        "most_similar, restrict_vocab": lambda wv: wv.most_similar(a, topn=30, restrict_vocab=12),
        "most_similar, clipped": lambda wv: wv.most_similar(a, topn=30, clip_start=5, clip_end=25),
        "similar_by_word": lambda wv: wv.similar_by_word(a, 7),
        "similar_by_vector": lambda wv: wv.similar_by_vector(vector, topn=15),
        "most_similar_cosmul": lambda wv: wv.most_similar_cosmul([a, b], [c], topn=20),
    }
    for name, ask in lists.items():
        one, other = ask(model), ask(theirs)
        table.claim(
            f"gensim's {name}: words", len(one), [word for word, _ in one] == [word for word, _ in other]
        )
        table.compare(f"gensim's {name}: scores", [score for _, score in one], [score for _, score in other], CLOSE)  # fmt: skip
    numbers: dict[str, Callable[[KeyedVectors], object]] = {
        "similarity": lambda wv: [wv.similarity(a, b)],
        "distance": lambda wv: [wv.distance(a, b)],
        "n_similarity": lambda wv: [wv.n_similarity([a, b], [c, d])],
        "distances": lambda wv: wv.distances(a),
        "distances to some": lambda wv: wv.distances(vector, [b, c]),
        "most_similar of all": lambda wv: wv.most_similar(a, topn=None),
        "most_similar_cosmul of all": lambda wv: wv.most_similar_cosmul([a, b], [c], topn=None),
        "get_vector, norm": lambda wv: wv.get_vector(a, norm=True),
        "get_normed_vectors": lambda wv: wv.get_normed_vectors(),
        "get_mean_vector": lambda wv: wv.get_mean_vector([a, 3, vector], weights=[1, 2, -3]),
        "words by list": lambda wv: wv[[a, b]],
        "centrality": lambda wv: [score for score, _ in wv.rank_by_centrality([a, b, c, d])],
    }
    for name, number in numbers.items():
        table.compare(f"gensim's {name}", list(np.atleast_1d(number(model))), list(np.atleast_1d(number(theirs))), CLOSE)  # fmt: skip
    same: dict[str, Callable[[KeyedVectors], object]] = {
        "doesnt_match": lambda wv: wv.doesnt_match([a, b, c, d]),
        "closer_than": lambda wv: wv.closer_than(a, b),
        "rank": lambda wv: wv.rank(a, b),
        "most_similar_to_given": lambda wv: wv.most_similar_to_given(a, [b, c, d]),
        "index": lambda wv: [
            wv.get_index(b),
            wv.get_index("nowhere", -1),
            wv.key_to_index[c],
            wv.index_to_key[4],
        ],
        "sizes": lambda wv: [len(wv), wv.vector_size, b in wv, "nowhere" in wv, wv.has_index_for(c)],
    }
    for name, ask_one in same.items():
        table.claim(f"gensim's {name}", 1, ask_one(model) == ask_one(theirs))


def exported(folder: Path, name: str, to: str) -> Path:
    """A model folder's export."""
    place = folder / f"{name}.{to}"
    ours("export", folder / name, "--to", to, "-o", place)
    return place


def main() -> None:
    start, table = time.perf_counter(), Table()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model, odd = trained(folder), odd_words()
        odd.save(folder / "odd")
        for name, one in (("own", model), ("odd", odd)):
            of_fasttext(one, name, folder, table)
            of_spacy(one, name, folder, table)
            of_tables(one, name, folder, table)
        of_fasttext_with_buckets(folder, table)
        of_model2vec(model, folder, table)
        of_gensim_names(model, folder, table)
    versions = ", ".join(f"{name} {version(name)}" for name in READERS)
    sys.stdout.write(f"\n{versions}, {time.perf_counter() - start:.0f} s\n\n{table.markdown()}\n")
    sys.exit(0 if all(good for *_, good in table.rows) else 1)


if __name__ == "__main__":
    main()
