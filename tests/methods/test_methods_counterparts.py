"""Counterparts: links of a line, the weights, columns and graph that they make, and what they bring."""

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
from morphvec.methods.counterparts import LEAST, align, find_links, graph_of, share_of
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
        found = find_links(association.matrix, LANGUAGES, vectors, engine)
        links = csr_array(
            (found.cells, association.matrix.indices, association.matrix.indptr),
            shape=association.matrix.shape,
        ).toarray()
        words = np.zeros((30, 30))
        for column in range(20):
            line = np.flatnonzero(association.matrix.toarray()[:, column])
            told = naive.line_pairs(
                line, LANGUAGES, vectors.astype(float), counterparts.SHARPNESS, counterparts.NOTHING
            )
            best = [max((p for (a, _), p in told.items() if a == word), default=0.0) for word in line]
            np.testing.assert_allclose(links[line, column], best, rtol=2e-5, atol=1e-9)
            for (a, b), product in told.items():
                words[a, b] += product if product >= LEAST else 0
        np.testing.assert_allclose(found.words.toarray(), words, rtol=2e-5, atol=1e-9)


def test_room_for_pairs_grows_as_they_come(monkeypatch):
    """One line of 2 × 150 words that agree with everything a little: 22,500 pairs, more than there is room for at first."""
    monkeypatch.setattr(counterparts, "LEAST", 1e-9)
    vectors = np.ones((300, 3), np.float32)
    languages = np.repeat([0, 1], 150).astype(np.int32)
    found = find_links(csr_array(np.ones((300, 1), np.float32)), languages, vectors, ONE)
    agreement = (1 / (150 + np.exp(15 * (0.25 - 1)))) ** 2
    expected = np.where(languages[:, None] == languages, 0.0, agreement)
    np.testing.assert_allclose(found.words.toarray(), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_graph_is_that_of_the_formula(seed):
    generator = stream(seed)
    agreement = np.triu((generator.random((30, 30)) < 0.3) * generator.random((30, 30)), 1)
    agreement[LANGUAGES[:, None] == LANGUAGES] = 0
    agreement += agreement.T
    graph = graph_of(csr_array(agreement), LANGUAGES)
    L = naive.counterpart_laplacian(agreement, LANGUAGES.tolist())
    U = generator.standard_normal((30, 5))
    product = np.zeros_like(U)
    graph.add_product(U, 2.0, product, ONE)
    np.testing.assert_allclose(product, 2 * L @ U, atol=1e-9)
    assert graph.value(U) == pytest.approx(np.trace(U.T @ L @ U))
    np.testing.assert_allclose(graph.diagonal(), np.diag(L), atol=1e-12)


def test_a_pair_that_goes_together_is_sure_of_it():
    """By hand: cos 1 for the pair, 0 for the rest, so p = e^15 / (e^15 + e^0 + e^3.75) both ways."""
    vectors = np.array([[1, 0], [2, 0], [0, 1]], np.float32)
    matrix = csr_array(np.ones((3, 1), np.float32))
    links = find_links(matrix, np.array([0, 1, 1], np.int32), vectors, ONE).cells
    one_way, other = np.exp(15) / (np.exp(15) + 1 + np.exp(3.75)), np.exp(15) / (np.exp(15) + np.exp(3.75))
    np.testing.assert_allclose(links[:2], one_way * other, rtol=1e-5)
    third = (1 / (np.exp(15) + 1 + np.exp(3.75))) * (1 / (1 + np.exp(3.75)))
    np.testing.assert_allclose(links[2], third, rtol=1e-4)


def run_before(dim=4):
    generator = stream(5)
    P, S = (generator.standard_normal((count, dim)).astype(np.float32) for count in (30, 20))
    return Factors(P, S, P)


def links_of(association, factors):
    vectors = output_map(factors.P, factors.S, 0.0, ONE).apply(factors.P, ONE)
    return find_links(association.matrix, LANGUAGES, vectors, ONE)


def test_weights_follow_links_and_their_mean_factor_is_one(association, monkeypatch):
    factors = run_before()
    made = align(association, vocabulary_of(association), factors, 0.1, ONE).association
    links = links_of(association, factors).cells
    factor = made.weights[:, :20].data / association.weights.data
    np.testing.assert_allclose(factor, (0.1 + links) / (0.1 + links.mean()), rtol=1e-5)
    assert factor.mean() == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(made.matrix[:, :20].toarray(), association.matrix.toarray())
    monkeypatch.setattr(counterparts, "LONGEST", 0)  # nothing is aligned: all weigh as they did
    plain = align(association, vocabulary_of(association), factors, 0.1, ONE)
    np.testing.assert_array_equal(plain.association.weights.data, association.weights.data)
    assert plain.association.matrix is association.matrix
    assert (plain.penalties, plain.linked) == ([], 0)


def test_words_are_columns_too_met_as_often_as_they_agree(association):
    """PMI ln(n_ab·N / (n_a n_b)) of the sums of agreement, each word with itself as much as with all others, at weight
    β(α + √n) with β = 0.5 over two other languages and α = 0.02 of ids."""
    factors = run_before()
    aligned = align(association, vocabulary_of(association), factors, 0.1, ONE)
    made = aligned.association
    counts = links_of(association, factors).words.toarray()
    counts += np.diag(counts.sum(axis=1))
    margins = counts.sum(axis=1)
    assert aligned.linked == np.count_nonzero(margins)
    linked = counts > 0
    values = np.log(counts[linked] * counts.sum() / np.outer(margins, margins)[linked])
    np.testing.assert_allclose(made.matrix[:, 20:].toarray()[linked], values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        made.weights[:, 20:].toarray()[linked], 0.25 * (0.02 + np.sqrt(counts[linked])), rtol=1e-5
    )
    assert made.weights[:, 20:].nnz == linked.sum()
    np.testing.assert_allclose(made.alpha, [*association.alpha, *[0.25 * 0.02] * 30])
    assert made.features == (*association.features, *association.words)
    assert [(block.kind, block.begin, block.end) for block in made.blocks] == [
        ("ids", 0, 20),
        ("counterparts", 20, 50),
    ]
    assert made.matrix.indices.dtype == np.int32
    assert made.matrix.indptr.dtype == np.int64
    assert made.weights.indices is made.matrix.indices


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
    assert aligned.features == plain.features  # the columns that words are serve no one
    assert len(aligned.contexts) == len(aligned.features)
    assert aligned.constrained is None  # the text told it
    assert aligned.manifest["objective"]["classes"].keys() == {"counterparts"}
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
