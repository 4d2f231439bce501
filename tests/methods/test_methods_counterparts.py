"""Cells that weigh by their counterparts: links of a line, the weights they make, and what they bring."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
import naive
from morphvec.association import Association
from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.features.space import Block
from morphvec.methods import counterparts
from morphvec.methods.counterparts import align, link_cells, share_of
from morphvec.pipeline import FitStage
from morphvec.rng import stream
from morphvec.solvers.output import output_map
from morphvec.solvers.problem import Factors
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE, TWO = LocalEngine(1), LocalEngine(2)
LANGUAGES = np.array([n % 3 for n in range(30)], np.int32)
NAMES = ("aa", "bb", "cc")


@pytest.fixture
def association():
    """30 words of three languages in turn, 20 lines; line 0 is in one language, line 1 is empty, line 2 has one word."""
    generator = stream(3)
    dense = (generator.random((30, 20)) < 0.3) * (generator.random((30, 20)) + 0.5)
    dense[LANGUAGES != 1, 0] = 0
    dense[:, 1:3] = 0
    dense[4, 2] = 1
    matrix = csr_array(dense.astype(np.float32))
    weights = csr_array(
        (generator.random(matrix.nnz).astype(np.float32) + 0.5, matrix.indices, matrix.indptr)
    )
    words = tuple(f"{NAMES[LANGUAGES[n]]}:w{n}" for n in range(30))
    lines = tuple(f"l{n}" for n in range(20))
    return Association(matrix, weights, np.full(20, 0.05), words, lines, (Block("ids", 0, 20, 1.0),))


def vocabulary_of(association, languages=NAMES):
    return Vocabulary(association.words, np.arange(30, 0, -1), 465, 30, Tokenizer(), languages)


@pytest.mark.parametrize("dim", [1, 7, 16])
def test_links_are_those_of_the_formula(association, dim):
    vectors = stream(dim).standard_normal((30, dim)).astype(np.float32)
    for engine in (ONE, TWO):
        links = csr_array(
            (
                link_cells(association.matrix, LANGUAGES, vectors, engine),
                association.matrix.indices,
                association.matrix.indptr,
            ),
            shape=association.matrix.shape,
        ).toarray()
        for column in range(20):
            line = np.flatnonzero(association.matrix.toarray()[:, column])
            told = naive.line_links(
                line, LANGUAGES, vectors.astype(float), counterparts.SHARPNESS, counterparts.NOTHING
            )
            np.testing.assert_allclose(links[line, column], told, rtol=2e-5, atol=1e-9)


def test_a_pair_that_goes_together_is_sure_of_it():
    """By hand: cos 1 for the pair, 0 for the rest, so p = e^15 / (e^15 + e^0 + e^3.75) both ways."""
    vectors = np.array([[1, 0], [2, 0], [0, 1]], np.float32)
    matrix = csr_array(np.ones((3, 1), np.float32))
    links = link_cells(matrix, np.array([0, 1, 1], np.int32), vectors, ONE)
    one_way, other = np.exp(15) / (np.exp(15) + 1 + np.exp(3.75)), np.exp(15) / (np.exp(15) + np.exp(3.75))
    np.testing.assert_allclose(links[:2], one_way * other, rtol=1e-5)
    third = (1 / (np.exp(15) + 1 + np.exp(3.75))) * (1 / (1 + np.exp(3.75)))
    np.testing.assert_allclose(links[2], third, rtol=1e-4)


def test_weights_follow_links_and_their_mean_factor_is_one(association, monkeypatch):
    generator = stream(5)
    P, S = (generator.standard_normal((count, 4)).astype(np.float32) for count in (30, 20))
    factors = Factors(P, S, P)
    made = align(association, vocabulary_of(association), factors, 0.1, ONE)
    links = link_cells(association.matrix, LANGUAGES, output_map(P, S, 0.0, ONE).apply(P, ONE), ONE)
    factor = made.weights.data / association.weights.data
    np.testing.assert_allclose(factor, (0.1 + links) / (0.1 + links.mean()), rtol=1e-5)
    assert factor.mean() == pytest.approx(1, rel=1e-5)
    assert made.matrix is association.matrix
    monkeypatch.setattr(counterparts, "LONGEST", 0)  # nothing is aligned: all weigh as they did
    plain = align(association, vocabulary_of(association), factors, 0.1, ONE)
    np.testing.assert_array_equal(plain.weights.data, association.weights.data)


def test_where_cells_weigh_by_counterparts_and_where_not(association):
    three, one = vocabulary_of(association), vocabulary_of(association, ())
    window = Association(
        *(
            association.matrix,
            association.weights,
            association.alpha,
            association.words,
            association.features,
        ),
        (Block("window", 0, 10, 1.0), Block("ids", 10, 20, 1.0)),
    )
    assert share_of(None, association, three) == 0.05
    assert share_of(0.5, association, three) == 0.5
    assert (
        share_of(None, association, one) == share_of(None, window, three) == share_of(1.0, window, one) == 1
    )
    for cells, words in ((association, one), (window, three)):
        with pytest.raises(OptionError, match=r"unaligned=0\.5"):
            share_of(0.5, cells, words)
    for value in (0.0, 1.5, -1.0, float("nan")):
        with pytest.raises(OptionError, match="unaligned"):
            FitStage(unaligned=value)


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """300 lines of 12 words, and a translation in which every second word of a line is another one; 300 lines more are
    in the first language alone."""
    generator = stream(8)
    folder = tmp_path_factory.mktemp("translated")
    texts = {"aa": [], "bb": []}
    for number in range(600):
        drawn = generator.choice(60, 12, replace=False)
        texts["aa"].append(f"{number}\t" + " ".join(f"a{n}" for n in drawn))
        if number < 300:
            free = generator.choice(60, 6, replace=False)
            texts["bb"].append(f"{number}\t" + " ".join(f"b{n}" for n in (*drawn[::2], *free)))
    paths = {}
    for language, lines in texts.items():
        paths[language] = folder / f"{language}.tsv"
        paths[language].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return paths


OPTIONS = {"format": "tsv", "features": "ids", "min_count": 1, "dim": 20, "parts": "own"}


def right(model):
    """The share of words whose nearest word of the other language has the same number."""
    V = np.asarray(model.vectors)
    V = V / np.linalg.norm(V, axis=1, keepdims=True)
    first, second = ([model.key_to_index[f"{x * 2}:{x}{n}"] for n in range(60)] for x in "ab")
    return float(np.mean(np.argmax(V[first] @ V[second].T, axis=1) == np.arange(60)))


def test_translations_are_found_more_often(translated):
    aligned = mv.train(translated, **OPTIONS)
    plain = mv.train(translated, unaligned=1, **OPTIONS)
    assert aligned.manifest["resolved"]["unaligned"] == 0.05
    assert "unaligned" not in plain.manifest["resolved"]
    assert right(aligned) > right(plain) + 0.1


def test_threads_change_no_bit(translated):
    found = [mv.train(translated, threads=threads, **OPTIONS) for threads in (1, 2)]
    np.testing.assert_array_equal(found[0].vectors, found[1].vectors)


def test_languages_are_numbered_in_their_order(association):
    assert np.array_equal(vocabulary_of(association).language_numbers(), LANGUAGES)
    assert not vocabulary_of(association, ()).language_numbers().any()


def test_what_cannot_be_aligned_is_refused_before_the_text_is_counted(tmp_path, monkeypatch):
    file = tmp_path / "text.txt"
    file.write_text("a b c\nb c d\n" * 20, encoding="utf-8")

    def counted(*_, **__):
        raise AssertionError("the text was counted")

    monkeypatch.setattr(importlib.import_module("morphvec.pipeline.train"), "make_counts", counted)
    with pytest.raises(OptionError, match=r"unaligned=0\.2"):
        mv.train(file, unaligned=0.2, min_count=1)
