"""n-gram models: the naive twins, sums to 1, known answers by hand, NLTK, sampling."""

from __future__ import annotations

import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_ngram import END, START, UNKNOWN, Naive
from ngram_texts import SMOOTHINGS, TEXT, WORDS, make, random_text

from morphvec.errors import InputError, OptionError
from morphvec.lm.base import LmVocabulary, Stream
from morphvec.lm.ngram import NgramOptions


def histories(model, text, seed=0):
    """No history, sentence beginnings, every one- and two-word history of the text, and some never met."""
    found = [(), (START,), (UNKNOWN,), (START, UNKNOWN), (END,), ("never", "met")]
    for sentence in text[:30]:
        marked = [START, *sentence]
        found += [tuple(marked[: i + 1]) for i in range(len(marked))]
        found += [tuple(marked[i : i + 2]) for i in range(1, len(marked))]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_every_history_sums_to_one(smoothing, order, tmp_path) -> None:
    text, words = random_text()
    model = make(text, words, tmp_path, held_out=text[::7], order=order, smoothing=smoothing)
    for history in histories(model, text):
        p = model.predictor.distribution(model.vocabulary.ids(history))
        assert len(p) == len(words) + 2
        assert p.min() >= 0
        assert p.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("smoothing", [name for name in SMOOTHINGS if name != "interpolated"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("text", ["small", "random"])
def test_probabilities_are_the_naive_twins(smoothing, order, text, tmp_path) -> None:
    sentences, words = (TEXT, WORDS) if text == "small" else random_text(60, seed=3)
    model = make(sentences, words, tmp_path, order=order, smoothing=smoothing, add_k=0.3)
    naive = Naive(sentences, words, order, smoothing, k=0.3)
    for history in histories(model, sentences)[:40]:
        known = [word if word in (*words, START, END) else UNKNOWN for word in history]
        p = model.predictor.distribution(model.vocabulary.ids(history))
        expected = [naive.p(word, known) for word in naive.predicted]
        np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-15)
    for sentence, found in zip(sentences, model.score(sentences), strict=True):
        assert found.logprob == pytest.approx(naive.logprob(sentence, words), rel=1e-11)
        assert found.tokens == len(sentence) + 1
        assert found.oov == sum(word not in words for word in sentence)


def test_the_random_text_has_discounts_of_its_own_at_the_first_orders(tmp_path) -> None:
    text, words = random_text(60, seed=3)
    naive = Naive(text, words, 3, "modified-kneser-ney")
    assert (0.5, 1.0, 1.5) not in naive.discounts[2:]
    assert Naive(TEXT, WORDS, 2, "modified-kneser-ney").discounts[1][2] == 3  # nothing met four times


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_scoring_a_stream_is_asking_word_by_word(smoothing, tmp_path) -> None:
    text, words = random_text()
    model = make(text, words, tmp_path, held_out=text[::5], order=4, smoothing=smoothing)
    unseen = [["w3", "w3", "w3", "w0", "never", "w1"], [], ["w11"] * 4, *text[:5]]
    for sentence, found in zip(unseen, model.score(unseen), strict=True):
        marked = [START, *sentence, END]
        parts = [model.logprob(marked[:i], marked[i]) for i in range(1, len(marked))]
        assert found.logprob == pytest.approx(math.fsum(parts), rel=1e-11)


def test_maximum_likelihood_by_hand(tmp_path) -> None:
    model = make(TEXT, WORDS, tmp_path, order=2, smoothing="ml")
    assert model.logprob(["the"], "cat") == pytest.approx(math.log(3 / 6))
    assert model.logprob([START], "the") == pytest.approx(math.log(4 / 6))
    assert model.logprob(["mat"], END) == pytest.approx(0)
    assert model.logprob(["mat"], "cat") == -math.inf
    assert model.logprob(["the"], START) == -math.inf
    # A history that was never met gives way to the next shorter one: 27 tokens, 6 of them "the".
    tokens = sum(map(len, TEXT)) + len(TEXT)
    assert model.logprob(["never"], "the") == pytest.approx(-math.inf)  # <unk> was met, before "a" alone
    assert model.logprob([END], "the") == pytest.approx(math.log(6 / tokens))


def test_kneser_ney_by_hand(tmp_path) -> None:
    # <s> a b </s>, <s> a c </s>, <s> b </s>; D = 0.5. Left neighbours: a {<s>}, b {a, <s>}, c {a}, </s> {b, c}: 6.
    model = make(
        [["a", "b"], ["a", "c"], ["b"]],
        ["a", "b", "c"],
        tmp_path,
        order=2,
        smoothing="kneser-ney",
        discount=0.5,
    )
    single = {"a": 0.5 / 6, "b": 1.5 / 6, "c": 0.5 / 6, END: 1.5 / 6, UNKNOWN: 0.0}
    rest = 4 * 0.5 / 6 / 5  # four types gave 0.5 each, five words share it
    for word, share in single.items():
        assert math.exp(model.logprob([], word)) == pytest.approx(share + rest)
        seen = {"b": 0.5 / 2, "c": 0.5 / 2}.get(word, 0.0)
        assert math.exp(model.logprob(["a"], word)) == pytest.approx(seen + 0.5 * (share + rest))


def test_kneser_ney_equals_nltk(tmp_path) -> None:
    """On the same marked sentences, wherever NLTK's model is defined and proper.

    NLTK leaves single words undiscounted (``uniform=False`` here), so words never met have no probability. With one <s>
    a sentence it cannot answer for a history that begins with <s> below the highest order (it divides by the
    continuation counts of <s> …, all 0; here raw counts stand in), and with order - 1 of them such histories do not sum
    to 1, since it counts <s> itself as a word to back off for.
    """
    lm = pytest.importorskip("nltk.lm")
    from nltk.util import everygrams

    text, _ = random_text(80, seed=5)
    words = sorted({word for sentence in text for word in sentence})
    for order in (2, 3, 4):
        theirs = lm.KneserNeyInterpolated(order, discount=0.3)
        grams = [list(everygrams([START, *sentence, END], max_len=order)) for sentence in text]
        theirs.fit(grams, vocabulary_text=[*words, START, END])
        ours = make(text, words, tmp_path, order=order, smoothing="kneser-ney", discount=0.3, uniform=False)
        compared = 0
        for sentence in text[:12]:
            marked = [START, *sentence]
            for low, high in itertools.combinations(range(len(marked) + 1), 2):
                history = tuple(marked[low:high])
                if len(history) > order - 1 or (history[0] == START and len(history) < order - 1):
                    continue
                p = ours.predictor.distribution(ours.vocabulary.ids(history))
                for word in (*words[::3], END):
                    expected = theirs.score(word, history)
                    assert p[ours.vocabulary.index[word]] == pytest.approx(expected, rel=1e-10)
                    compared += 1
        assert compared > 300


def test_samples_follow_the_distribution(tmp_path) -> None:
    model = make(TEXT, WORDS, tmp_path, order=2, smoothing="absolute")
    drawn = model.sample(3000, seed=4, longest=1)
    first = [words[0] if words else END for words in drawn]
    p = dict(model.next([START], 100))
    assert sum(p.values()) == pytest.approx(1)
    for word in ("the", "a", "sat", END):
        deviation = math.sqrt(p[word] * (1 - p[word]) / 3000)
        assert abs(first.count(word) / 3000 - p[word]) < 4.5 * deviation
    assert drawn == model.sample(3000, seed=4, longest=1)
    assert drawn[:5] == model.sample(5, seed=4, longest=1)
    assert drawn != model.sample(3000, seed=5, longest=1)
    assert START not in set(itertools.chain(*model.sample(50)))


def test_next_words_fall_and_leave_out_the_impossible(tmp_path) -> None:
    model = make(TEXT, WORDS, tmp_path, order=3, smoothing="ml")
    assert model.next(["sat", "on"]) == [("the", 1.0)]
    found = model.next([START])
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert found[0][0] == "the"
    with pytest.raises(OptionError):
        model.next([], 0)
    with pytest.raises(OptionError):
        model.sample(0)


def test_perplexity_is_the_mean_over_tokens_and_counts_unknown_words(tmp_path) -> None:
    model = make(TEXT, WORDS, tmp_path, order=2)
    text = [["the", "zebra", "sat"], ["a", "cat"]]
    found = model.perplexity(text)
    scores = model.score(text)
    assert (found.tokens, found.oov) == (7, 1)
    assert found.nats_per_token == pytest.approx(-sum(one.logprob for one in scores) / 7)
    assert found.perplexity == pytest.approx(math.exp(found.nats_per_token))
    assert model.perplexity([["the", "gnu", "sat"], ["a", "cat"]]) == found  # any unknown word is <unk>
    uniform = make([list(WORDS)], WORDS, tmp_path, order=1, smoothing="add-k", add_k=1e12)
    assert uniform.perplexity(text).perplexity == pytest.approx(len(WORDS) + 2)
    assert (
        make(TEXT, WORDS, tmp_path, order=2, smoothing="ml").perplexity([["mat", "mat"]]).perplexity
        == math.inf
    )
    with pytest.raises(InputError):
        model.perplexity([])


def test_more_history_helps_and_smoothing_beats_none(tmp_path) -> None:
    text, words = random_text(600, seed=1)
    train, test = text[:500], text[500:]
    found = {
        (order, smoothing): make(
            train, words, tmp_path, held_out=text[400:500], order=order, smoothing=smoothing
        )
        .perplexity(test)
        .perplexity
        for order in (1, 2, 3)
        for smoothing in SMOOTHINGS
    }
    assert found[2, "modified-kneser-ney"] < 0.9 * found[1, "modified-kneser-ney"]
    assert found[3, "modified-kneser-ney"] < found[3, "add-k"] < found[3, "ml"] == math.inf


def test_streams_refuse_what_is_no_sentence() -> None:
    vocabulary = LmVocabulary(("a", "b"))
    assert Stream.of(vocabulary, [["a"], []]).ids.tolist() == [4, 0, 3, 4, 3]
    for bad in (["a b"], [["a", START]], [[END]]):
        with pytest.raises(InputError):
            Stream.of(vocabulary, bad)


@pytest.mark.parametrize(
    "options",
    [
        {"order": 0},
        {"order": 99},
        {"smoothing": "magic"},
        {"smoothing": "add-k", "add_k": 0.0},
        {"smoothing": "add-k", "add_k": math.nan},
        {"smoothing": "kneser-ney", "discount": 1.5},
        {"smoothing": "modified-kneser-ney", "discount": 0.5},
    ],
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(OptionError):
        NgramOptions(**options)


@settings(max_examples=60, deadline=None)
@given(
    sentences=st.lists(st.lists(st.sampled_from("abcd"), max_size=5), min_size=1, max_size=8),
    order=st.integers(1, 4),
    smoothing=st.sampled_from([name for name in SMOOTHINGS if name != "interpolated"]),
    history=st.lists(st.sampled_from(["a", "b", "d", START, END]), max_size=4),
)
def test_any_text_gives_the_naive_probabilities(sentences, order, smoothing, history) -> None:
    """Lines without words, words never met, orders that no sentence reaches, histories that make no sense."""
    words = ("a", "b", "c")
    with tempfile.TemporaryDirectory() as folder:
        model = make(sentences, words, Path(folder), order=order, smoothing=smoothing)
    naive = Naive(sentences, words, model.order, smoothing)
    known = [word if word in (*words, START, END) else UNKNOWN for word in history]
    p = model.predictor.distribution(model.vocabulary.ids(history))
    assert p.sum() == pytest.approx(1)
    np.testing.assert_allclose(p, [naive.p(word, known) for word in naive.predicted], rtol=1e-11, atol=1e-14)
