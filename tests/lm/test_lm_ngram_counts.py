"""Counting: exact n-grams, the same for any threads, buffers and spills; weights of interpolation and ensembles."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from naive_ngram import END, START, UNKNOWN, Naive, em
from ngram_texts import TEXT, WORDS, make, random_text

from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, OptionError
from morphvec.kernels.sequences import bits_of, lay_sentences
from morphvec.lm import counts as counting
from morphvec.lm.base import LmVocabulary, Stream, Training
from morphvec.lm.counts import count_ngrams
from morphvec.lm.ensemble import Mixture, mixture_round
from morphvec.lm.ngram import NgramOptions, smooth
from morphvec.lm.smoothing import counts_of_counts, fit_trust, one_discount, three_discounts
from morphvec.report import Reporter


def counted(text, words, order, folder, *, threads=1, memory=1 << 30, reporter=None):
    stream = Stream.of(LmVocabulary(tuple(words)), text)
    more = {} if reporter is None else {"reporter": reporter}
    return count_ngrams(stream, order, engine=LocalEngine(threads), folder=folder, memory=memory, **more)


def grams(found):
    """The trie as {n-gram: (count, words to the left)}, and a check that every level is sorted."""
    names = [found.vocabulary.name(row) for row in range(found.vocabulary.predicted + 1)]
    paths = [(row,) for row in range(len(names))]
    for parent in range(len(found.begin) - 1):
        low, high = found.begin[parent : parent + 2]
        children = found.words[low:high].tolist()
        assert children == sorted(set(children))
        paths += [(*paths[parent], child) for child in children]
    left = [*found.left.tolist(), *[None] * (len(paths) - len(found.left))]
    assert len(paths) == len(found.counts) == found.levels[-1]
    assert paths == sorted(paths, key=lambda path: (len(path), path))
    return {
        tuple(names[row] for row in path): (count, before)
        for path, count, before in zip(paths, found.counts.tolist(), left, strict=True)
    }


@pytest.mark.parametrize("order", [1, 2, 3, 5, 7])
def test_every_ngram_is_counted_with_its_left_neighbours(order, tmp_path) -> None:
    text, words = random_text(80, seed=2)
    found = grams(counted(text, words, order, tmp_path))
    naive = Naive(text, words, order + 1, "ml")
    for n in range(1, order + 1):
        here = {gram: count for gram, (count, _) in found.items() if len(gram) == n and count}
        assert here == dict(naive.raw[n])
        if n < order:
            left = Counter(gram[1:] for gram in naive.raw[n + 1])
            assert all(found[gram][1] == left[gram] for gram in here)
    assert set(found) - set(itertools.chain(*naive.raw[1:])) <= {
        (word,) for word in (*words, UNKNOWN, END, START)
    }


def test_threads_buffers_and_spills_change_nothing(tmp_path, monkeypatch) -> None:
    text, words = random_text(400, seed=6)
    plain = counted(text, words, 4, tmp_path)
    monkeypatch.setattr(counting, "_LEAST_EVENTS", 64)
    monkeypatch.setattr(counting, "_MOST_EVENTS", 64)
    spilling = counting.RunStore
    monkeypatch.setattr(counting, "RunStore", lambda folder, memory: spilling(folder, 3000))
    assert not list(tmp_path.glob("*.run"))
    for threads in (1, 3):
        other = counted(text, words, 4, tmp_path, threads=threads)
        for name in ("words", "begin", "counts", "left", "levels"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))
    assert list(tmp_path.glob("*.run"))


def test_memory_that_cannot_hold_the_trie_is_refused(tmp_path) -> None:
    text, words = random_text()
    with pytest.raises(BudgetError, match="--memory"):
        counted(text, words, 3, tmp_path, memory=1000)


def test_an_order_that_no_sentence_reaches_is_lowered(tmp_path, capsys) -> None:
    text = [["a", "b"], ["b"]]
    found = counted(text, ["a", "b"], 9, tmp_path, reporter=Reporter())
    assert found.order == 4  # <s> a b </s>
    assert "the order is 4" in capsys.readouterr().err
    one, other = (make(text, ["a", "b"], tmp_path, order=order) for order in (4, 9))
    np.testing.assert_array_equal(one.predictor.logprob, other.predictor.logprob)


@pytest.mark.parametrize("every", [0, 2, 3])
@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_lines_become_marked_sentences_whatever_the_chunks(every, chunk) -> None:
    raw = np.array([-1, 0, 1, -1, -1, 2, -1, 1, 1, 1, -1, 0, -1], np.int32)
    rows, end, start = np.array([7, 5, 6], np.int32), 8, 9
    sentences = [[7, 5], [6], [5, 5, 5], [7]]
    state, parts = np.zeros(4, np.int64), ([], [])
    for low in range(0, len(raw), chunk):
        main, aside = np.empty(2 * chunk, np.int32), np.empty(2 * chunk, np.int32)
        state[2:] = 0
        lay_sentences(raw[low : low + chunk], rows, end, start, every, main, aside, state)
        parts[0].extend(main[: state[2]].tolist())
        parts[1].extend(aside[: state[3]].tolist())
    expected = ([], [])
    for number, sentence in enumerate(sentences):
        expected[every > 0 and number % every == every - 1].extend([start, *sentence, end])
    assert parts == expected


def test_discounts_from_counts_of_counts() -> None:
    n = counts_of_counts(np.array([1] * 8 + [2] * 4 + [3] * 2 + [4] + [5] * 3 + [9, 0], np.int32))
    assert n.tolist() == [8, 4, 2, 1]
    assert one_discount(n) == pytest.approx(0.5)
    assert three_discounts(n) == pytest.approx((0.5, 1.25, 2.0))  # Y = 1/2; 1 - 2·½·½, 2 - 3·½·½, 3 - 4·½·½
    assert one_discount(np.array([5, 0, 1, 1])) is None
    assert three_discounts(np.array([5, 1, 0, 1])) is None
    assert three_discounts(np.array([8, 4, 2, 0])) == pytest.approx(
        (0.5, 1.25, 3.0)
    )  # nothing met four times
    assert three_discounts(np.array([1, 9, 9, 500])) is None


def test_interpolation_weights_are_the_naive_em(tmp_path) -> None:
    text, words = random_text(60, seed=8)
    held, order = text[:15], 3
    found = counted(text[15:], words, order, tmp_path)
    naive = Naive(text[15:], words, order, "ml")
    shares, classes = [], []
    for sentence in held:
        marked = [START, *(word if word in words else UNKNOWN for word in sentence), END]
        for i in range(1, len(marked)):
            row, kind = [], []
            for n in range(1, order + 1):
                history = tuple(marked[i - n + 1 : i]) if i >= n - 1 else None
                total = 0
                if history is not None:
                    total = sum(naive.raw[n][(*history, word)] for word in naive.predicted)
                row.append(naive.raw[n][(*history, marked[i])] / total if total else 0.0)
                kind.append(int(total).bit_length())
            shares.append(row)
            classes.append(kind)
    stream = Stream.of(found.vocabulary, held)
    trust = fit_trust(found, order, stream)
    expected = em(shares, classes, 1 / len(naive.predicted), 64, 100)
    np.testing.assert_allclose(trust, expected, atol=1e-4)
    assert np.all((trust > 0) & (trust < 1))

    model = make(text[15:], words, tmp_path, held_out=held, order=order, smoothing="interpolated")
    twin = Naive(text[15:], words, order, "interpolated", trust=trust.tolist())
    for sentence, one in zip(held, model.score(held), strict=True):
        assert one.logprob == pytest.approx(twin.logprob(sentence, words), rel=1e-11)


def test_bits_are_pythons() -> None:
    assert [bits_of(n) for n in (1, 2, 3, 4, 1023, 1024)] == [
        n.bit_length() for n in (1, 2, 3, 4, 1023, 1024)
    ]


def test_an_ensemble_is_the_weighted_sum_of_its_orders(tmp_path) -> None:
    text, words = random_text(300, seed=9)
    train, held, test = text[:200], text[200:250], text[250:]
    model = make(train, words, tmp_path, held_out=held, order=3, ensemble=True)
    members = [make(train, words, tmp_path, order=order) for order in (1, 2, 3)]
    mixture = model.predictor
    assert isinstance(mixture, Mixture)
    assert mixture.weights.sum() == pytest.approx(1)
    for history in ((), (START,), ("w1", "w4"), ("never",)):
        ids = model.vocabulary.ids(history)
        parts = [member.predictor.distribution(ids) for member in members]
        np.testing.assert_allclose(mixture.distribution(ids), mixture.weights @ np.array(parts), rtol=1e-12)
        assert mixture.distribution(ids).sum() == pytest.approx(1, abs=1e-12)
    marked = [START, *test[0], END]
    by_word = sum(model.logprob(marked[:i], marked[i]) for i in range(1, len(marked)))
    assert model.score(test[:1])[0].logprob == pytest.approx(by_word, rel=1e-11)
    # On the held-out text no single order, nor equal weights, is better.
    best = model.perplexity(held).perplexity
    assert all(best <= member.perplexity(held).perplexity + 1e-9 for member in members)
    even = Mixture(mixture.members, np.full(3, 1 / 3))
    assert best < np.exp(-even.token_logprobs(Stream.of(model.vocabulary, held)).mean())


def test_em_never_lowers_the_likelihood() -> None:
    shares = np.random.default_rng(0).random((4, 50)) ** 3
    weights, before = np.full(4, 0.25), -np.inf
    for _ in range(30):
        weights, nats = mixture_round(weights, shares)
        assert nats >= before - 1e-12
        assert weights.sum() == pytest.approx(1)
        before = nats


def test_weights_need_held_out_text(tmp_path) -> None:
    found = counted(TEXT, WORDS, 2, tmp_path)
    empty = Stream.of(found.vocabulary, [])
    for options in ({"smoothing": "interpolated"}, {"ensemble": True}):
        training = Training(empty, empty, LocalEngine(1), tmp_path, 1 << 30)
        with pytest.raises(OptionError, match="held-out"):
            smooth(found, NgramOptions(order=2, **options), training)
    found = counted(TEXT, (*WORDS, "zebra"), 2, tmp_path)
    zebra = Stream.of(found.vocabulary, [["zebra"]])
    training = Training(empty, zebra, LocalEngine(1), tmp_path, 1 << 30)
    with pytest.raises(OptionError, match="impossible"):
        smooth(found, NgramOptions(order=2, smoothing="ml", ensemble=True, uniform=False), training)
    with pytest.raises(OptionError, match="weight"):
        Mixture((), np.zeros(0))
