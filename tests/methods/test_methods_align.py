"""Two spaces made one: the map, the pairs it is fitted to, refinement, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest
from naive_align import csls, mutual, precision
from scipy.linalg import fractional_matrix_power
from scipy.sparse import csr_array

from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.local import local_engine
from morphvec.errors import InputError, OptionError
from morphvec.evaluate.datasets import DictionarySet
from morphvec.evaluate.report import evaluate
from morphvec.methods import rotation
from morphvec.methods.align import AlignOptions, align
from morphvec.methods.rotation import (
    Spread,
    mutual_neighbours,
    prepared,
    procrustes,
    reweighted,
    turned,
)
from morphvec.text.tokenize import Tokenizer

PLAIN = AlignOptions(preprocess=(), reweight=0, refine=0)


def orthogonal(seed, dim):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def rows(seed, count, dim):
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)


def languages(seed=0, count=120, dim=8, noise=0.0, alike=0):
    """Two models of the same concepts, the second turned; the first ``alike`` words are spelled alike."""
    concepts, generator = rows(seed, count, dim), np.random.default_rng(seed + 1)
    other = concepts @ orthogonal(seed + 2, dim) + noise * generator.standard_normal((count, dim))
    names = [[f"name{i}" if i < alike else f"{mark}{i}" for i in range(count)] for mark in "st"]
    counts = np.arange(count, 0, -1)
    models = [
        Embeddings(words, vectors, counts=counts, tokenizer=Tokenizer("whitespace"))
        for words, vectors in zip(names, (concepts, other.astype(np.float32)), strict=True)
    ]
    return (*models, DictionarySet("d.tsv", tuple(zip(*names, strict=True))))


def joined(options=PLAIN, given=slice(None), **settings):
    source, target, dictionary = languages(**settings)
    part = DictionarySet(dictionary.name, dictionary.pairs[given])
    return align(source, target, options, dictionary=part, languages=("spa", "por"))


def of(model, language):
    return np.asarray(model.vectors)[model.language_rows(language)]


# ------------------------------------------------------------------------------------------------ the map


@pytest.mark.parametrize("seed", range(3))
def test_a_known_rotation_comes_back(seed):
    X, Q = rows(seed, 60, 9).astype(float), orthogonal(seed, 9)
    W, open_directions = procrustes(X, X @ Q)
    np.testing.assert_allclose(W, Q, atol=1e-13)
    assert open_directions == 0


def test_with_noise_it_comes_back_nearly_and_more_pairs_bring_it_nearer():
    Q, errors = orthogonal(1, 9), []
    for count in (40, 4000):
        X = rows(2, count, 9).astype(float)
        W, _ = procrustes(X, X @ Q + 0.1 * rows(3, count, 9))
        errors.append(np.abs(W - Q).max())
    assert errors[0] < 0.1
    assert errors[1] < errors[0] / 3


def test_the_map_is_orthogonal_whatever_the_pairs():
    for count in (3, 9, 50):
        W, open_directions = procrustes(rows(4, count, 9), rows(5, count, 9))
        np.testing.assert_allclose(W @ W.T, np.eye(9), atol=1e-13)
        assert open_directions == max(0, 9 - count)


def test_no_other_rotation_does_better():
    X, Y = rows(6, 40, 5).astype(float), rows(7, 40, 5).astype(float)
    W, _ = procrustes(X, Y)
    least = np.linalg.norm(X @ W - Y)
    generator = np.random.default_rng(8)
    for seed in range(200):
        assert least < np.linalg.norm(X @ orthogonal(seed, 5) - Y)
    for _ in range(200):  # near it too: by exp of a small skew matrix, to second order and made orthogonal
        skew = 0.01 * generator.standard_normal((5, 5))
        near = np.linalg.qr(np.eye(5) + skew - skew.T)[0]
        near *= np.sign(np.diag(near))
        assert least < np.linalg.norm(X @ W @ near - Y)


def test_the_optimum_has_its_closed_form():
    """‖XW − Y‖² = ‖X‖² + ‖Y‖² − 2 Σ σ(XᵀY), and WᵀXᵀY is symmetric there."""
    X, Y = rows(9, 30, 6).astype(float), rows(10, 30, 6).astype(float)
    W, _ = procrustes(X, Y)
    sigma = np.linalg.svd(X.T @ Y, compute_uv=False).sum()
    assert np.isclose(np.linalg.norm(X @ W - Y) ** 2, (X**2).sum() + (Y**2).sum() - 2 * sigma)
    np.testing.assert_allclose(W.T @ X.T @ Y, Y.T @ X @ W, atol=1e-10)


def test_turning_keeps_lengths_and_cosines():
    X = rows(11, 70, 12)
    before, after = X @ X.T, turned(X, orthogonal(12, 12))
    np.testing.assert_allclose(after @ after.T, before, atol=2e-5)


def two_sides(seed, count=300, dim=6):
    """Rows that reach unevenly, and others that agree with them in some directions more than in others."""
    X = rows(seed, count, dim).astype(float) * np.linspace(2, 0.3, dim)
    noise = rows(seed + 1, count, dim) * np.linspace(0, 2, dim)
    return X, (X + noise) @ orthogonal(seed + 2, dim)


def mapped(X, Y, power):
    P, Q, open_directions = reweighted(X, Y, (Spread.of(X), Spread.of(Y)), power)
    assert open_directions == 0
    return P, Q


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_the_reweighted_map_is_its_formula(power):
    X, Y = two_sides(0)
    C, D = X.T @ X / len(X), Y.T @ Y / len(Y)
    roots = [np.real(fractional_matrix_power(M, p)) for M in (C, D) for p in (-0.5, 0.5)]
    A, sizes, Bt = np.linalg.svd(roots[0] @ (X.T @ Y / len(X)) @ roots[2])
    weight = np.diag(sizes**power)
    P, Q = mapped(X, Y, power)
    np.testing.assert_allclose(P, roots[0] @ A @ weight @ A.T @ roots[1] @ A @ Bt, atol=1e-8)
    np.testing.assert_allclose(Q, roots[2] @ Bt.T @ weight @ Bt @ roots[3], atol=1e-8)


def test_without_weights_it_is_orthogonal_and_the_target_stays():
    P, Q = mapped(*two_sides(3), 0.0)
    np.testing.assert_allclose(P @ P.T, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(Q, np.eye(6), atol=1e-9)


@pytest.mark.parametrize("power", [0.0, 0.5, 2.0])
def test_a_space_that_was_turned_meets_itself_whatever_the_weights(power):
    X, _ = two_sides(5)
    R = orthogonal(9, 6)
    P, Q = mapped(X, X @ R, power)
    np.testing.assert_allclose(P, R, atol=1e-8)  # all correlations are 1
    np.testing.assert_allclose(Q, np.eye(6), atol=1e-8)


def test_it_does_not_matter_how_the_sides_were_turned_before():
    (X, Y), R, S = two_sides(7), orthogonal(1, 6), orthogonal(2, 6)
    P, Q = mapped(X, Y, 0.5)
    again = mapped(X @ R, Y @ S, 0.5)
    np.testing.assert_allclose(X @ R @ again[0], X @ P @ S, atol=1e-7)
    np.testing.assert_allclose(Y @ S @ again[1], Y @ Q @ S, atol=1e-7)


def test_rows_that_do_not_reach_everywhere_have_maps_too():
    X, Y = two_sides(2)
    X[:, 0] = Y[:, 1] = 0
    P, Q, open_directions = reweighted(X, Y, (Spread.of(X), Spread.of(Y)), 0.5)
    assert open_directions == 1
    assert np.isfinite(P).all()
    assert np.isfinite(Q).all()
    P, Q, _ = reweighted(0 * X, 0 * Y, (Spread.of(0 * X), Spread.of(0 * Y)), 0.5)
    assert np.isfinite(P).all()


def test_directions_that_no_other_language_shares_count_less():
    count, shared, dim = 600, 10, 40
    concepts, generator = rows(0, count, shared), np.random.default_rng(1)
    sides = [
        np.concatenate([concepts, generator.standard_normal((count, dim - shared))], axis=1)
        @ orthogonal(mark, dim)
        for mark in (2, 3)
    ]
    names = [[f"{mark}{i}" for i in range(count)] for mark in "st"]
    source, target = (
        Embeddings(words, vectors.astype(np.float32), tokenizer=Tokenizer("whitespace"))
        for words, vectors in zip(names, sides, strict=True)
    )
    known = DictionarySet("d.tsv", tuple(zip(*names, strict=True))[:300])
    gold = {i: {i} for i in range(300, count)}
    scores = []
    for power in (0.0, 0.5):
        options = AlignOptions(reweight=power, refine=0)
        model = align(source, target, options, dictionary=known, languages=("a", "b")).model
        scores.append(precision(of(model, "a"), of(model, "b"), gold))
    assert scores[1] > 1.5 * scores[0] > 0


def test_preparation():
    X = rows(13, 50, 7) + 3
    X[4] = 0
    kept = X.copy()
    lengths = np.linalg.norm(prepared(X, ["unit"]), axis=1)
    np.testing.assert_allclose(np.delete(lengths, 4), 1, atol=1e-6)
    assert lengths[4] == 0
    np.testing.assert_allclose(prepared(X, ["centre"]), X - X.mean(axis=0, dtype=float), atol=1e-6)
    whole = prepared(X, ["unit", "centre", "unit"])
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)
    steps = prepared(prepared(prepared(X, ["unit"]), ["centre"]), ["unit"])
    assert np.array_equal(whole, steps)
    assert np.array_equal(prepared(X, []), X)
    assert np.array_equal(X, kept)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block", [512, 7])
def test_mutual_neighbours_are_the_naive_ones(monkeypatch, threads, block):
    monkeypatch.setattr(rotation, "_ROWS", block)
    sources, targets = rows(14, 60, 4), rows(15, 45, 4)
    found = mutual_neighbours(DenseRows(sources).unit(), DenseRows(targets).unit(), local_engine(threads))
    assert [tuple(pair) for pair in found.tolist()] == mutual(sources, targets)
    assert 5 < len(found) < 45


# ------------------------------------------------------------------------------------------------- models


def test_translations_meet_in_one_space():
    made = joined()
    model = made.model
    assert model.languages == ("spa", "por")
    np.testing.assert_allclose(of(model, "spa"), of(model, "por"), atol=1e-5)
    assert made.report["pairs"] == 120
    assert made.report["mean_cosine"]["after"] == pytest.approx(1)
    assert abs(made.report["mean_cosine"]["before"]) < 0.5


def test_within_a_language_nothing_changes():
    source, target, dictionary = languages(noise=0.3)
    model = align(source, target, PLAIN, dictionary=dictionary, languages=("spa", "por")).model
    assert np.array_equal(of(model, "por"), target.vectors)
    np.testing.assert_allclose(
        of(model, "spa") @ of(model, "spa").T, source.vectors @ source.vectors.T, atol=2e-5
    )
    centred = align(
        source, target, AlignOptions(reweight=0, refine=0), dictionary=dictionary, languages=("spa", "por")
    ).model
    ready = prepared(np.asarray(source.vectors), ("unit", "centre", "unit"))
    np.testing.assert_allclose(of(centred, "spa") @ of(centred, "spa").T, ready @ ready.T, atol=2e-6)


def test_rows_stand_by_count_and_ties_by_code_point():
    model = joined(count=20).model
    assert model.counts.tolist() == sorted(model.counts.tolist(), reverse=True)
    assert model.words[:4] == ("por:t0", "spa:s0", "por:t1", "spa:s1")


def test_without_counts_the_nth_words_stand_side_by_side():
    source, target, dictionary = languages(count=20)
    source.counts = None
    model = align(source, target, PLAIN, dictionary=dictionary, languages=("spa", "por")).model
    assert model.counts is None
    assert model.words[:4] == ("spa:s0", "por:t0", "spa:s1", "por:t1")


def test_models_may_name_their_language_themselves():
    source, target, dictionary = languages()
    marked = [
        Embeddings(
            [f"{name}:{word}" for word in model.words],
            model.vectors,
            counts=model.counts,
            languages=[name],
            tokenizer=model.tokenizer,
        )
        for name, model in (("spa", source), ("por", target))
    ]
    plain = align(source, target, dictionary=dictionary, languages=("spa", "por")).model
    named = align(*marked, dictionary=dictionary).model
    assert named.words == plain.words
    assert np.array_equal(named.vectors, plain.vectors)
    mixed = align(marked[0], target, dictionary=dictionary, languages=("spa", "por")).model
    assert np.array_equal(mixed.vectors, plain.vectors)


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(rotation, "_ROWS", 9)
    source, target, dictionary = languages(noise=0.4)
    made = [
        align(source, target, dictionary=dictionary, languages=("a", "b"), engine=local_engine(threads))
        for threads in (1, 4)
    ]
    assert np.array_equal(made[0].model.vectors, made[1].model.vectors)
    assert made[0].report == made[1].report


def test_saved_and_loaded_it_is_the_same(tmp_path):
    model = joined(options=AlignOptions()).model
    model.save(tmp_path / "m")
    again = Embeddings.load(tmp_path / "m")
    assert again.words == model.words
    assert again.languages == model.languages
    assert again.tokenizer == model.tokenizer
    assert np.array_equal(again.vectors, model.vectors)
    assert again.manifest["method"] == "align"
    assert again.manifest["alignment"]["pairs"] == 120
    assert again.manifest["config"]["preprocess"] == "unit,centre,unit"
    assert again.neighbors("s3", 1, language="spa", among="por")[0][0] == "por:t3"


# ---------------------------------------------------------------------------------------- pairs and refinement


def test_words_spelled_alike_are_enough():
    source, target, dictionary = languages(alike=30, noise=0.05)
    options = AlignOptions(identical=True, refine=2)
    made = align(source, target, options, languages=("spa", "por"))
    assert (made.report["identical"], made.report["pairs"], made.report["dictionary"]) == (30, 30, None)
    (score,) = [
        result.score
        for result in evaluate(made.model, bli=[("spa", "por", dictionary)], bootstrap=0)
        if result.metric == "csls p@1 not spelled alike"
    ]
    assert score > 0.95


def test_both_sources_of_pairs_are_put_together_once():
    source, target, dictionary = languages(alike=30)
    some = DictionarySet("some", (*dictionary.pairs[20:50], *dictionary.pairs[20:50], ("nobody", "t3")))
    made = align(
        source, target, AlignOptions(identical=True), dictionary=some, languages=("spa", "por")
    ).report
    assert made["dictionary"] == {"name": "some", "pairs": 31, "known": 30, "used": 30}
    assert (made["identical"], made["pairs"]) == (30, 50)


def test_dictionary_words_are_folded_as_the_models_fold():
    source, target, dictionary = languages()
    loud = DictionarySet("loud", tuple((f"spa:{a.upper()}", b.upper()) for a, b in dictionary.pairs))
    assert align(source, target, dictionary=loud, languages=("spa", "por")).report["pairs"] == 120


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_refinement_keeps_a_perfect_dictionary(noise):
    made = joined(options=AlignOptions(refine=4), noise=noise, dim=20)
    assert [item["mutual"] for item in made.report["refinements"]] == [120, 120]  # then it has settled
    assert made.report["mean_cosine"]["after"] == made.report["mean_cosine"]["mapped"]


def test_refinement_mends_a_poor_dictionary():
    source, target, dictionary = languages(count=400, dim=20, noise=0.3)
    half = list(dictionary.pairs[:60])
    wrong = [(a, b) for (a, _), (_, b) in zip(half[:20], [*half[1:20], half[0]], strict=True)]
    poor = DictionarySet("poor", (*wrong, *half[20:]))
    scores = []
    for rounds in (0, 5):
        model = align(
            source, target, AlignOptions(refine=rounds), dictionary=poor, languages=("a", "b")
        ).model
        gold = {i: {i} for i in range(400)}
        scores.append(precision(of(model, "a"), of(model, "b"), gold))
    assert scores[1] > scores[0] + 0.03
    assert scores[1] > 0.95


def test_refinement_looks_at_frequent_words_only():
    report = joined(options=AlignOptions(refine=1, restrict=50)).report
    assert report["refinements"][0]["mutual"] == 50


def test_too_few_mutual_pairs_end_the_refinement(capsys):
    made = joined(options=AlignOptions(refine=3, restrict=5))
    assert made.report["refinements"] == []
    assert made.report["mean_cosine"]["after"] == made.report["mean_cosine"]["mapped"]
    assert "round 1 of refinement found 5 mutual pairs" in capsys.readouterr().err


def test_what_is_held_out_is_scored_and_not_learned():
    source, target, dictionary = languages(count=60, dim=8)
    options = AlignOptions(preprocess=(), refine=0, held_out=0.25, seed=3)
    made = align(source, target, options, dictionary=dictionary, languages=("spa", "por"))
    assert made.report["dictionary"] == {"name": "d.tsv", "pairs": 60, "known": 60, "used": 45}
    held = made.report["held_out"]
    assert (held["words"], held["pairs"]) == (15, 15)
    best = {row["metric"]: row for row in held["results"]}
    assert best["csls p@1"]["score"] == 1
    assert best["csls p@1"]["n"] == 15
    # Lies about the held-out words change nothing in the map.
    target.vectors[:] = np.where(
        np.isin(np.arange(60), _held(options))[:, None], -target.vectors, target.vectors
    )
    lied = align(source, target, options, dictionary=dictionary, languages=("spa", "por"))
    assert np.array_equal(of(lied.model, "spa"), of(made.model, "spa"))
    assert {row["metric"]: row["score"] for row in lied.report["held_out"]["results"]}["csls p@1"] < 0.5


def _held(options):
    from morphvec.rng import stream

    return stream(options.seed).permutation(60)[:15]


def test_held_out_words_are_no_identical_pairs_either():
    source, target, dictionary = languages(alike=60, count=60)
    options = AlignOptions(identical=True, held_out=0.5)
    report = align(source, target, options, dictionary=dictionary, languages=("spa", "por")).report
    assert (report["identical"], report["pairs"], report["held_out"]["words"]) == (30, 30, 30)


def test_evaluate_gives_the_naive_csls():
    made = joined(options=AlignOptions(refine=1), noise=1.2, count=90)
    generator = np.random.default_rng(5)
    pairs = [(f"s{i}", f"t{int(generator.integers(90))}") for i in range(80)] + [
        (f"s{i}", f"t{i}") for i in range(70)
    ]
    gold: dict[int, set[int]] = {}
    for a, b in pairs:
        gold.setdefault(int(a[1:]), set()).add(int(b[1:]))
    (score,) = [
        result.score
        for result in evaluate(
            made.model, bli=[("spa", "por", DictionarySet("f", tuple(pairs)))], bootstrap=0
        )
        if result.metric == "csls p@1"
    ]
    assert score == pytest.approx(precision(of(made.model, "spa"), of(made.model, "por"), gold))
    assert 0.1 < score < 0.95
    assert csls(of(made.model, "spa"), of(made.model, "por")).shape == (90, 90)


# ----------------------------------------------------------------------------------------------- refusals


def refused(error, message, source, target, options=PLAIN, **settings):
    with pytest.raises(error, match=message) as caught:
        align(source, target, options, **settings)
    assert all((caught.value.value, caught.value.rule, caught.value.mend))


def test_models_that_cannot_share_a_space():
    source, target, dictionary = languages()
    both = {"dictionary": dictionary, "languages": ("spa", "por")}
    narrow = Embeddings(target.words, target.vectors[:, :5], tokenizer=target.tokenizer)
    refused(OptionError, "dim 8 and dim 5", source, narrow, **both)
    sparse = Embeddings(target.words, csr_array(target.vectors), tokenizer=target.tokenizer)
    refused(OptionError, "the target model is sparse", source, sparse, **both)
    many = Embeddings(["spa:a", "por:b"], rows(0, 2, 8), languages=["spa", "por"], tokenizer=source.tokenizer)
    refused(
        OptionError,
        "the source model has spa, por; each side is a model of one language",
        many,
        target,
        **both,
    )
    kept = Embeddings(target.words, target.vectors, tokenizer=Tokenizer("whitespace", "keep"))
    refused(OptionError, "lower and by whitespace, keep", source, kept, **both)


def test_languages_that_clash():
    source, target, dictionary = languages()
    refused(OptionError, "spa on both sides", source, target, dictionary=dictionary, languages=("spa", "spa"))
    refused(OptionError, "the source model has bare words", source, target, dictionary=dictionary)
    refused(OptionError, "language 's p'", source, target, dictionary=dictionary, languages=("s p", "por"))
    named = Embeddings(
        [f"por:{w}" for w in target.words], target.vectors, languages=["por"], tokenizer=target.tokenizer
    )
    refused(
        OptionError,
        "'deu' for the target model; its words are of por",
        *(source, named),
        dictionary=dictionary,
        languages=("spa", "deu"),
    )
    refused(OptionError, "por on both sides", named, named, dictionary=dictionary)


def test_pairs_that_fix_no_map():
    source, target, dictionary = languages()
    both = ("spa", "por")
    refused(OptionError, "no pairs of words", source, target, languages=both)
    strange = DictionarySet("strange.tsv", (("x", "y"), ("s1", "y")))
    refused(
        InputError, "strange.tsv: none of its 2 pairs", source, target, dictionary=strange, languages=both
    )
    refused(
        InputError, "no word is spelled alike", source, target, AlignOptions(identical=True), languages=both
    )
    few = DictionarySet("few", dictionary.pairs[:7])
    refused(InputError, "7 pairs, 7 different words", source, target, dictionary=few, languages=both)
    one = DictionarySet("one", tuple(("s0", b) for _, b in dictionary.pairs))
    refused(InputError, "120 pairs, 1 different words", source, target, dictionary=one, languages=both)
    refused(
        InputError,
        "6 different words on a side, 4 held out",
        *(source, target, AlignOptions(held_out=0.4)),
        dictionary=DictionarySet("ten", dictionary.pairs[:10]),
        languages=both,
    )
    refused(
        OptionError,
        "held_out=0.2 and no dictionary",
        *(source, target, AlignOptions(identical=True, held_out=0.2)),
        languages=both,
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preprocess": ("unit", "whiten")}, "preprocess=unit,whiten: 'whiten'"),
        ({"reweight": -0.5}, "reweight=-0.5"),
        ({"reweight": float("nan")}, "reweight=nan"),
        ({"refine": -1}, "refine=-1"),
        ({"restrict": 0}, "restrict=0"),
        ({"seed": -1}, "seed=-1"),
        ({"held_out": 1.0}, "held_out=1"),
        ({"held_out": float("nan")}, "held_out=nan"),
    ],
)
def test_options_out_of_range(settings, message):
    with pytest.raises(OptionError, match=message):
        AlignOptions(**settings)
