"""lsa: the best approximation of its rank to counts and what is made of them; centred, the principal components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from morphvec.association import AssociationOptions, weigh
from morphvec.counts.matrix import Counts
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.features.space import Block
from morphvec.methods import svd
from morphvec.methods.lsa import KINDS, LsaOptions, fit
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE = LocalEngine(1)


@pytest.fixture(autouse=True)
def _one_blas_thread():
    """LAPACK's answers, which these are held against, come sooner where its threads do not wait for each other."""
    with one_blas_thread():
        yield


def vocabulary(rows):
    words = tuple(f"w{number:04}" for number in range(rows))
    return Vocabulary(words, np.arange(rows, 0, -1), rows * rows, rows, Tokenizer("whitespace", "keep"))


def documents(rows=240, lines=180, topics=6, seed=0):
    """Counts of words in lines that each have one topic, and the topic of each word."""
    generator = stream(seed)
    topic, theme = np.arange(rows) % topics, generator.integers(0, topics, lines)
    means = np.where(topic[:, None] == theme[None, :], 2.0, 0.05)
    return generator.poisson(means).astype(np.float64), topic


def of_documents(kind, n):
    names = vocabulary(len(n)).words
    lines = tuple(f"line{number}" for number in range(n.shape[1]))
    counts = Counts(csr_array(n), names, lines, (Block("ids", 0, n.shape[1]),))
    return weigh(counts, AssociationOptions(association=kind), engine=ONE)


def values_of(kind, n):
    """What each kind makes of counts, cell by cell as it is defined."""
    T = len(n)
    out = np.zeros(n.shape)
    for t, f in zip(*np.nonzero(n), strict=True):
        rows = np.count_nonzero(n[:, f])
        out[t, f] = {
            "count": n[t, f],
            "log1p": np.log1p(n[t, f]),
            "log": np.log(n[t, f]),
            "tf-idf": np.log1p(n[t, f]) * np.log(T / rows),
        }[kind]
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("centre", [False, True])
def test_the_best_approximation_of_its_rank(kind, centre):
    n, _ = documents()
    n *= 3  # so that ln n is not 0 where n is 1
    A = values_of(kind, n)
    A = A - A.mean(axis=0) * centre
    u, s, vt = np.linalg.svd(A, full_matrices=False)
    best = (u[:, :5] * s[:5]) @ vt[:5]
    options = LsaOptions(dim=5, solver="exact", centre=centre)
    model, factors = fit(of_documents(kind, n), vocabulary(240), options, engine=ONE)
    scale = np.abs(best).max()
    np.testing.assert_allclose(model.vectors @ model.contexts.T, best, atol=1e-5 * scale)
    assert factors.history[-1]["total"] == pytest.approx(np.sum(s[5:] ** 2), rel=1e-5)
    assert np.sum((A - factors.U @ factors.S.T) ** 2) == pytest.approx(np.sum(s[5:] ** 2), rel=1e-5)


def test_centred_vectors_are_principal_component_scores():
    """Of the covariance matrix: its eigenvalues are their variances, its eigenvectors the contexts (p = 1)."""
    n, _ = documents()
    options = LsaOptions(dim=5, solver="exact", centre=True, power=1.0)
    model, _ = fit(of_documents("count", n), vocabulary(240), options, engine=ONE)
    variances, axes = np.linalg.eigh(np.cov(n.T))
    np.testing.assert_allclose(np.var(model.vectors, axis=0, ddof=1), variances[::-1][:5], rtol=1e-5)
    np.testing.assert_allclose(model.vectors.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(model.contexts * axes[:, ::-1][:, :5], axis=0)), 1, atol=1e-5)
    np.testing.assert_allclose(np.cov(model.vectors.T), np.diag(variances[::-1][:5]), atol=1e-3)


def test_words_of_one_topic_are_neighbours():
    n, topic = documents()
    model, _ = fit(of_documents("log1p", n), vocabulary(240), LsaOptions(dim=6), engine=ONE)
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -1)
    assert np.array_equal(topic[likeness.argmax(axis=1)], topic)


def test_it_is_svd_but_for_the_matrix():
    n, _ = documents()
    association, words = of_documents("ppmi", n), vocabulary(240)
    by_svd, _ = svd.fit(association, words, svd.SvdOptions(dim=4), engine=ONE)
    object.__setattr__(association, "kind", "count")
    by_lsa, _ = fit(association, words, LsaOptions(dim=4), engine=ONE)
    assert np.array_equal(by_svd.vectors, by_lsa.vectors)
    assert by_lsa.manifest["resolved"]["power"] == 0.0


@pytest.mark.parametrize("centre", [False, True])
def test_sparse_cost_holds_where_the_dense_matrix_would_not(centre):
    """Five thousand rows by two hundred thousand columns would be 8 GB; the bases are a hundredth of it."""
    rows, lines = 5_000, 200_000
    n = random_array((rows, lines), density=1e-4, rng=stream(7), format="csr")
    n.data[:] = 1 + np.arange(n.nnz) % 3
    names = vocabulary(rows).words
    counts = Counts(n.astype(np.float64), names, tuple(map(str, range(lines))), (Block("ids", 0, lines),))
    association = weigh(counts, AssociationOptions(association="count"), engine=ONE)
    model, factors = fit(
        association,
        vocabulary(rows),
        LsaOptions(dim=1, centre=centre, epochs=1, power=1.0),
        engine=LocalEngine(2),
    )
    assert model.vectors.shape == (rows, 1)
    A_v = association.matrix @ model.contexts[:, 0]
    if centre:
        A_v = A_v - A_v.mean()
    np.testing.assert_allclose(A_v, model.vectors[:, 0], atol=1e-4 * np.abs(A_v).max())
    assert factors.history[-1]["energy"] > 0


@pytest.mark.parametrize("kind", ["ppmi", "pmi"])
def test_associations_that_are_not_counts_are_refused(kind):
    n, _ = documents()
    with pytest.raises(OptionError, match=rf"association={kind}; .*--method svd"):
        fit(of_documents(kind, n), vocabulary(240), LsaOptions(dim=3), engine=ONE)


def test_centring_takes_a_rank_away():
    """Each line has as many words as any other row has: centred, one direction is gone."""
    n = np.diag(np.full(12, 4.0)) + 1
    association, words = of_documents("count", n), vocabulary(12)
    fit(association, words, LsaOptions(dim=12, solver="exact"), engine=ONE)
    with pytest.raises(OptionError, match=r"dim=12; .* 11 singular values .* --dim 11 or less"):
        fit(association, words, LsaOptions(dim=12, solver="exact", centre=True), engine=ONE)
