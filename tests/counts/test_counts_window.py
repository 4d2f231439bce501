from __future__ import annotations

import numpy as np
import pytest
from counting import counted, encoded, random_lines, same
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from morphvec.errors import BudgetError, InputError, OptionError

KINDS = ["flat", "distance", "dynamic"]
LINES = st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=6)


def test_a_line_by_hand():
    """a b a c with window 2 and weights 1/d: ab at 1 (twice) and ba at 1, aa at 2 (both ways), ac at 1, bc at 2."""
    found = counted(encoded([[0, 1, 0, 2]]), 3, window=2).matrix.toarray()
    assert found.tolist() == [[1.0, 2.0, 1.0], [2.0, 0.0, 0.5], [1.0, 0.5, 0.0]]


@given(LINES, st.integers(1, 7), st.sampled_from(KINDS))
@settings(deadline=None, max_examples=80)
def test_windows_are_the_naive_ones_to_the_last_bit(lines, window, kind):
    wanted = naive.window_counts(lines, 6, window, kind)
    if not wanted.any():
        with pytest.raises(InputError, match="never occur together"):
            counted(encoded(lines), 6, window=window, window_weight=kind)
        return
    found = counted(encoded(lines), 6, window=window, window_weight=kind)
    assert np.array_equal(found.matrix.toarray(), wanted)
    assert found.matrix.nnz == np.count_nonzero(wanted)
    assert found.matrix.dtype == np.float64


@pytest.mark.parametrize("kind", KINDS)
def test_a_longer_corpus(kind):
    lines = random_lines(17, 60, 30)
    found = counted(encoded(lines), 17, window=10, window_weight=kind)
    assert np.array_equal(found.matrix.toarray(), naive.window_counts(lines, 17, 10, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_window_crosses_a_line(kind):
    whole = counted(encoded([[0, 1, 2, 3]]), 4, window=3, window_weight=kind).matrix.toarray()
    cut = counted(encoded([[0, 1], [2, 3]]), 4, window=3, window_weight=kind).matrix.toarray()
    assert whole[1, 2] > 0
    assert cut[:2, 2:].sum() == cut[2:, :2].sum() == 0
    assert cut[0, 1] == cut[2, 3] == 1


def test_adding_lines_adds_counts():
    """Counting is a sum over lines: the order of lines, and where a corpus is cut, cannot matter."""
    lines = random_lines(9, 40, 12)
    whole = counted(encoded(lines), 9, window_weight="flat").matrix.toarray()
    parts = [
        counted(encoded(part), 9, window_weight="flat").matrix.toarray() for part in (lines[:13], lines[13:])
    ]
    assert np.array_equal(whole, parts[0] + parts[1])
    assert np.array_equal(whole, counted(encoded(lines[::-1]), 9, window_weight="flat").matrix.toarray())


def test_flat_counts_are_symmetric_and_know_their_sum():
    lines = random_lines(9, 40, 12)
    found = counted(encoded(lines), 9, window=4, window_weight="flat").matrix.toarray()
    assert np.array_equal(found, found.T)
    assert found.sum() == sum(2 * max(0, len(line) - d) for line in lines for d in range(1, 5))


def test_the_margins_are_sums_of_the_matrix():
    found = counted(encoded(random_lines(9, 40, 12)), 9)
    rows, columns = found.margins()
    np.testing.assert_allclose(rows[:, 0], found.matrix.sum(axis=1))
    np.testing.assert_allclose(columns, found.matrix.sum(axis=0))


def test_two_words_are_enough_for_a_matrix():
    found = counted(encoded([[0, 1]]), 2, window=1)
    assert found.matrix.toarray().tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert found.features == found.words == ("w0", "w1")


@pytest.mark.parametrize("lines", [[[]], [[0]], [[0], [1], []]])
def test_words_that_never_meet_are_refused(lines):
    with pytest.raises(InputError, match="never occur together"):
        counted(encoded(lines), 2)


def test_a_matrix_beyond_the_memory_is_refused():
    with pytest.raises(BudgetError, match="cells need"):
        counted(encoded(random_lines(200, 100, 40)), 200, memory=20_000)


@pytest.mark.parametrize(
    "options", [{"window": 0}, {"window": 257}, {"window_weight": "cosine"}, {"ngram_min_types": 0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        counted(encoded([[0, 1]]), 2, **options)


def test_the_widest_window():
    lines = [list(range(5)) * 60]
    found = counted(encoded(lines), 5, window=256, window_weight="flat")
    assert found.matrix.sum() == sum(2 * (300 - d) for d in range(1, 257))


def test_equal_corpora_have_equal_counts_and_others_do_not():
    one, two = random_lines(9, 20, 9), random_lines(9, 20, 9, seed=1)
    assert same(counted(encoded(one), 9), counted(encoded(one), 9))
    assert not same(counted(encoded(one), 9), counted(encoded(two), 9))
