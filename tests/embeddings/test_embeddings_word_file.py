"""Words of a folder: searched as they lie or parsed, the rows are the same; damage is said when it is met."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec import Embeddings
from morphvec.embeddings import word_file
from morphvec.embeddings.word_file import WordFile
from morphvec.errors import ArtifactError

WORD = st.text(st.sampled_from("ab\t1 é中"), min_size=1, max_size=4)


def written(path, rows, *, end=True):
    text = "\n".join(f"{word}\t{count}" for word, count in rows)
    path.write_text(text + "\n" * end, encoding="utf-8", newline="\n")
    return path


@settings(deadline=None)
@given(st.lists(WORD, min_size=1, max_size=12, unique=True), st.lists(WORD, max_size=6), st.booleans())
def test_a_search_finds_what_the_table_finds(tmp_path_factory, words, others, end):
    file = written(tmp_path_factory.mktemp("words") / "vocab.tsv", [(word, 7) for word in words], end=end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_file, "_EAGER", 0)
        found = WordFile(file, len(words))
        asked = [*words, *others, "a\nb", ""]
        searched = [found.row(word) for word in asked]
        assert "index" not in vars(found)
        assert searched == [found.index.get(word) for word in asked]
        assert found.words == tuple(words)
        assert found.counts.tolist() == [7] * len(words)


def test_after_some_searches_a_table_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(word_file, "_EAGER", 0)
    found = WordFile(written(tmp_path / "vocab.tsv", [("a", 1), ("b", 2)]), 2)
    for number in range(word_file._SEARCHES + 1):
        assert found.row("b") == 1
        assert ("index" in vars(found)) == (number == word_file._SEARCHES)


@pytest.mark.parametrize(
    ("rows", "size", "when"),
    [
        ([("a", 1), ("b", 2)], 3, "opened"),
        ([("a", 1), ("a", 2)], 2, "index"),
        ([("a", 1), ("b", "x")], 2, "counts"),
        ([("a", 1), ("b", "9" * 30)], 2, "counts"),
    ],
)
def test_damage_is_said(tmp_path, monkeypatch, rows, size, when):
    file = written(tmp_path / "vocab.tsv", rows)
    with pytest.raises(ArtifactError):  # a small file is parsed at once
        WordFile(file, size)
    monkeypatch.setattr(word_file, "_EAGER", 0)
    if when == "opened":
        with pytest.raises(ArtifactError, match="2 words and a manifest with 3"):
            WordFile(file, size)
    else:
        found = WordFile(file, size)
        with pytest.raises(ArtifactError):
            getattr(found, when)


def test_an_opened_model_answers_before_its_words_are_parsed(tmp_path, monkeypatch):
    vectors = np.random.default_rng(0).standard_normal((40, 5), np.float32)
    whole = Embeddings([f"w{n}" for n in range(40)], vectors, counts=np.arange(40, 0, -1))
    whole.save(tmp_path / "m")
    monkeypatch.setattr(word_file, "_EAGER", 0)
    opened = Embeddings.load(tmp_path / "m")
    assert opened.similarity("w3", "w39") == whole.similarity("w3", "w39")
    assert "nothing" not in opened
    assert opened._file is not None
    assert not {"index", "words", "_split"} & set(vars(opened._file))
    assert (len(opened), opened.count("w1")) == (40, 39)
    assert opened.words == whole.words
    assert opened.most_similar("w3") == whole.most_similar("w3")


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("sparse", [False, True])
def test_neighbours_of_many_are_those_of_each(metric, sparse):
    generator = np.random.default_rng(1)
    vectors = generator.integers(-3, 4, (700, 6)).astype(np.float32)  # products are exact, ties abound
    if sparse:
        from scipy.sparse import csr_array

        vectors = csr_array(vectors)
    model = Embeddings([f"w{n}" for n in range(700)], vectors)
    words = [f"w{n}" for n in range(0, 700, 10)]
    found = model.neighbors_of(words, 9, metric=metric)
    assert found == [model.neighbors(word, 9, metric=metric) for word in words]
    assert model.neighbors_of([], 9) == []
