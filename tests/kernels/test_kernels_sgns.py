"""Events against a naive twin given the same draws, the draws against their distributions, moves against the formula."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from morphvec.kernels.batches import mix
from morphvec.kernels.parts import compose_rows, move_parts
from morphvec.kernels.sgns import draw_noise, draw_radius, emit_chunk, fill_alias, look, make_curve, move_tile
from morphvec.kernels.sgns_racing import race_chunk
from morphvec.rng import stream

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solvers"))
import naive_sgns as twin

FULL = 1 << 32
KEY = np.uint64(0xC0FFEE0123456789)


def noise_table(shares):
    shares = np.asarray(shares, np.float64)
    table = np.empty(len(shares), np.uint64)
    fill_alias(shares / shares.sum(), table)
    return table


def text(words, length, seed=0, lines=0.15):
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, words, length).astype(np.int32)
    ids[generator.random(length) < lines] = -1
    return ids


def emitted(ids, begin, end, *, words, reach, keep=None, negatives=2, key=KEY, bits=0, number=None):
    keep = np.full(words, FULL, np.uint64) if keep is None else keep
    number = np.arange(words, dtype=np.int32) if number is None else number
    room = max(1, (end - begin) * 2 * len(reach) * (1 + negatives))
    events, starts = np.zeros(room, np.uint64), np.zeros((1 << 2 * bits) + 1, np.int64)
    moved = np.zeros(words, np.int32)
    noise = noise_table(np.arange(1, words + 1))
    met = emit_chunk(
        ids,
        begin,
        end,
        keep,
        number,
        reach,
        noise,
        negatives,
        key,
        bits,
        moved,
        7,
        np.empty_like(events),
        events,
        starts,
    )
    assert starts[-1] == met
    found = []
    grid = 1 << bits
    for tile in range(grid * grid):
        for event in events[starts[tile] : starts[tile + 1]].tolist():
            word, context = event >> 32, (event & 0xFFFFFFFF) >> 1
            found.append((word * grid + tile // grid, context * grid + tile % grid, event & 1))
    wanted = twin.events(ids, begin, end, keep, number, reach, noise, negatives, key)
    return found, wanted, moved


def reach_of(chances):
    return np.array([int(chance * FULL) for chance in chances], np.uint64)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-1, 8), min_size=1, max_size=60),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 2**64 - 1),
    st.data(),
)
def test_the_events_of_a_chunk_are_the_twins(ids, window, negatives, bits, key, data):
    ids = np.array(ids, np.int32)
    begin = data.draw(st.integers(0, len(ids)))
    end = data.draw(st.integers(begin, len(ids)))
    generator = np.random.default_rng(window)
    keep = (generator.random(9) * FULL).astype(np.uint64)
    number = generator.permutation(9).astype(np.int32)
    reach = reach_of(np.linspace(1, 0.1, window))
    found, wanted, moved = emitted(
        ids,
        begin,
        end,
        words=9,
        reach=reach,
        keep=keep,
        negatives=negatives,
        key=np.uint64(key),
        bits=bits,
        number=number,
    )
    assert sorted(found) == sorted(wanted)
    if bits == 0:
        assert found == wanted  # one tile keeps the order of the text
    assert {word for word, _, _ in wanted} <= set(np.flatnonzero(moved == 7).tolist())


def test_chunks_add_up_to_the_whole_text():
    ids = text(20, 500)
    reach = reach_of([1, 0.8, 0.6, 0.4, 0.2])
    keep = np.full(20, FULL // 3, np.uint64)
    whole, _, _ = emitted(ids, 0, 500, words=20, reach=reach, keep=keep)
    pieces = [
        event
        for begin in range(0, 500, 7)
        for event in emitted(ids, begin, min(begin + 7, 500), words=20, reach=reach, keep=keep)[0]
    ]
    assert whole == pieces
    assert len(whole) > 300


def test_empty_lines_and_single_words_have_no_events():
    ids = np.array([-1, -1, 3, -1, 2, -1, -1], np.int32)
    found, _, _ = emitted(ids, 0, 7, words=4, reach=reach_of([1, 1]))
    assert found == []
    assert emitted(np.zeros(0, np.int32), 0, 0, words=4, reach=reach_of([1]))[0] == []


def test_a_word_that_is_dropped_leaves_no_gap():
    ids = np.array([0, 1, 2], np.int32)  # word2vec drops words before it lays windows
    keep = np.array([FULL, 0, FULL], np.uint64)
    found, _, _ = emitted(ids, 0, 3, words=3, reach=reach_of([1]), keep=keep)
    assert [event for event in found if event[2]] == [(0, 2, 1), (2, 0, 1)]


def test_subsampling_keeps_the_share_that_it_should():
    ids = text(3, 60_000, lines=0)
    keep = (np.array([0.2, 0.5, 1.0]) * FULL).astype(np.uint64)
    kept = np.bincount(
        [word for line in twin.kept_lines(ids[:6000], keep, 5) for _, word in line], minlength=3
    )
    shares = kept / np.bincount(ids[:6000], minlength=3)
    np.testing.assert_allclose(shares, [0.2, 0.5, 1.0], atol=0.04)
    pairs, _, _ = emitted(ids[:6000], 0, 6000, words=3, reach=reach_of([1]), keep=keep, key=np.uint64(5))
    centres = sum(a for _, _, a in pairs) / 2  # a flat window of 1 gives two pairs to all but the ends
    assert centres == kept.sum() - 1


def test_noise_has_its_frequencies():
    shares = np.array([5, 1, 0, 3, 0.01, 7, 7, 2.0])
    table = noise_table(shares)
    drawn = np.bincount([draw_noise(KEY, np.uint64(n), table) for n in range(40_000)], minlength=8)
    assert drawn[2] == 0
    some = shares > 0
    assert chisquare(drawn[some], shares[some] / shares.sum() * 40_000).pvalue > 1e-3
    assert [draw_noise(KEY, np.uint64(n), table) for n in range(50)] == [
        twin.draw(KEY, n, table) for n in range(50)
    ]


@pytest.mark.parametrize("shares", [[1.0], [1, 1, 1], [1e-9, 1.0], [3, 0, 0, 0]])
def test_the_alias_table_holds_its_shares_exactly(shares):
    table = noise_table(shares).tolist()
    held = np.zeros(len(table))
    for cell, entry in enumerate(table):
        stays = (entry >> 32) / 2.0**32
        held[cell] += stays
        held[entry & 0xFFFFFFFF] += 1 - stays
    np.testing.assert_allclose(held / len(table), np.asarray(shares) / np.sum(shares), atol=1e-8)


def test_radii_have_their_chances():
    chances = [1, 1 / 2, 1 / 3, 1 / 4]
    reach = reach_of(chances)
    drawn = np.array([draw_radius(KEY, np.uint64(p), reach) for p in range(20_000)])
    found = [np.mean(drawn >= d) for d in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, chances, atol=0.015)
    assert set(drawn) == {1, 2, 3, 4}


def test_the_tabled_curve_is_close_everywhere():
    curve = make_curve()
    x = np.linspace(-40, 40, 4001).astype(np.float32)
    found = np.array([look(value, curve) for value in x])
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(-x.astype(float))), atol=1e-5)
    np.testing.assert_allclose(found[:, 1], np.logaddexp(0, x.astype(float)), atol=1e-5, rtol=1e-6)
    assert np.isnan(look(np.float32(np.nan), curve)).all()


@pytest.mark.parametrize("k", [1, 3, 16, 100])
@pytest.mark.parametrize("bits", [0, 1])
def test_a_descent_is_the_twins(k, bits):
    words, rate, grid = 6, 0.1, 1 << bits
    ids = text(words, 80, seed=k)
    reach, noise = reach_of([1, 0.5]), noise_table(np.arange(1, words + 1))
    number, keep = np.arange(words, dtype=np.int32), np.full(words, FULL, np.uint64)
    width, part = -(-k // 16) * 16, words // grid
    factors = np.zeros((2, words, width), np.float32)
    factors[:, :, :k] = stream(3).standard_normal((2, words, k))
    rows = number % grid * part + number // grid
    slow = factors[0, :, :k].astype(np.float64), factors[1, :, :k].astype(np.float64)
    U, S = (np.ascontiguousarray(factors[side][np.argsort(rows)]) for side in (0, 1))
    events, starts = np.zeros((2, 80 * 4 * 3), np.uint64), np.zeros((2, grid * grid + 1), np.int64)
    moved, scratch = np.zeros(words, np.int32), np.zeros(80 * 4 * 3, np.uint64)
    found = []
    for chunk in range(2):
        ends = (0, 40) if chunk == 0 else (40, 80)
        emit_chunk(
            ids,
            *ends,
            keep,
            number,
            reach,
            noise,
            2,
            KEY,
            bits,
            moved,
            1,
            scratch,
            events[chunk],
            starts[chunk],
        )
        found.append(twin.events(ids, *ends, keep, number, reach, noise, 2, KEY))
    total, wanted = 0.0, 0.0
    rates, curve = np.full(2, rate, np.float32), make_curve()
    for stratum in range(grid):
        for i in range(grid):
            j = (i + stratum) % grid
            total += move_tile(events, starts, 2, i * grid + j, i * part, j * part, rates, curve, U, S)
            for chunk in found:
                here = [event for event in chunk if event[0] % grid == i and event[1] % grid == j]
                wanted += twin.descend(here, grid, rate, *slow)
    assert total == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(U[rows][:, :k], slow[0], atol=2e-4)
    np.testing.assert_allclose(S[rows][:, :k], slow[1], atol=2e-4)
    assert not U[:, k:].any()
    assert not S[:, k:].any()


@pytest.mark.parametrize(("negatives", "k"), [(1, 3), (2, 16), (5, 20)])
def test_a_racing_window_moves_all_its_rows_from_their_old_values(negatives, k):
    ids = np.array([2, 0, 1, 3, -1], np.int32)
    words, rate, width = 4, np.float32(0.2), -(-k // 16) * 16
    reach, noise = reach_of([1, 1]), noise_table(np.arange(1, 5))
    number, keep = np.arange(words, dtype=np.int32), np.full(words, FULL, np.uint64)
    U, S = np.zeros((2, words, width), np.float32)
    U[:, :k], S[:, :k] = stream(1).standard_normal((2, words, k))
    u, s = U.astype(np.float64), S.astype(np.float64)
    wanted = 0.0
    for place in range(4):
        contexts = [ids[i] for i in range(max(0, place - 2), min(4, place + 3)) if i != place]
        draws = twin.mix(twin.mix(KEY, 2), place)
        outputs = [int(ids[place]), *(twin.draw(draws, n, noise) for n in range(negatives))]
        du, ds = np.zeros_like(u), np.zeros_like(s)
        for w in contexts:
            for o, c in enumerate(outputs):
                d = u[w] @ s[c]
                wanted += np.logaddexp(0, -d if o == 0 else d)
                e = (o == 0) - 1 / (1 + np.exp(-d))
                du[w] += rate * e * s[c]
                ds[c] += rate * e * u[w]
        u, s = u + du, s + ds
    loss, met = race_chunk(ids, 0, 5, keep, number, reach, noise, negatives, KEY, rate, make_curve(), U, S)
    assert met == (2 + 3 + 3 + 2) * (1 + negatives)
    assert loss == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(U, u, atol=1e-4)
    np.testing.assert_allclose(S, s, atol=1e-4)


def test_parts_make_words_and_take_their_moves():
    B = np.array([[1.0, 0, 0.5], [0, 2, 0], [0.5, 0, 0.25]])
    csr = (np.array([0, 2, 3, 5]), np.array([0, 2, 1, 0, 2], np.int32), B[B > 0])
    P = stream(2).standard_normal((3, 4))
    words, rows = np.array([0, 2]), np.array([1, 0, 2])
    U, before = np.zeros((3, 4)), np.empty((2, 4))
    compose_rows(*csr, P, words, rows, U, before, 0, 2)
    np.testing.assert_allclose(before, (B @ P)[words])
    np.testing.assert_allclose(U[rows[words]], (B @ P)[words])
    assert not U[0].any()
    moves, place = stream(4).standard_normal((2, 4)), np.array([0, -1, 1], np.int32)
    T = B.T
    transposed = (np.array([0, 2, 3, 5]), np.array([0, 2, 1, 0, 2], np.int32), T[T > 0])
    sums, moved = B.sum(axis=1), P.copy()
    move_parts(*transposed, sums, place, moves, moved, 0, 3)
    mass = B[words].T @ sums[words]
    wanted = P + np.divide(B[words].T @ moves, mass[:, None], out=np.zeros((3, 4)), where=mass[:, None] > 0)
    np.testing.assert_allclose(moved, wanted)
    np.testing.assert_array_equal(moved[1], P[1])


def test_the_twins_generator_is_ours():
    assert [int(mix(KEY, np.uint64(n))) for n in range(20)] == [twin.mix(KEY, n) for n in range(20)]
