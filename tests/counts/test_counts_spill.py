"""Shards, threads and spills change no bit: every count is a sum of integers."""

from __future__ import annotations

import errno
import io
import itertools
import re
import tracemalloc

import numpy as np
import pytest
from counting import counted, encoded, random_lines, same, vocabulary

import naive
from morphvec.counts import count as counting_module
from morphvec.counts import pairs as pairs_module
from morphvec.counts import spill
from morphvec.counts.count import CountOptions, count
from morphvec.counts.spill import RunStore
from morphvec.engine.local import LocalEngine
from morphvec.errors import OutputError
from morphvec.report import Reporter
from morphvec.rng import stream
from morphvec.text.encoded import Encoded

LINES = random_lines(70, 700, 40)  # about 14,000 tokens and 67,000 pairs
UNITS = [number % 90 for number in range(len(LINES))]
CORPUS = encoded(LINES, UNITS, [str(unit) for unit in range(90)])
SMALL = 200_000  # bytes: the matrices fit, the runs do not


@pytest.fixture(scope="module")
def whole():
    return counted(CORPUS, 70, features="window,ids")


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("memory", [SMALL, 4 << 20, 4 << 30])
def test_threads_and_memory_change_no_bit(whole, threads, memory):
    log = io.StringIO()
    found = counted(CORPUS, 70, features="window,ids", threads=threads, memory=memory, log=log)
    assert same(found, whole)
    spilled = re.findall(r"(count \w+): .* of sorted runs went to disk", log.getvalue())
    assert spilled == (["count pairs", "count ids"] if memory == SMALL else [])


@pytest.mark.parametrize("capacity", [5, 64, 1000, 100_000])
@pytest.mark.parametrize("buckets", [1, 7, 512])
def test_the_size_of_a_shard_or_a_pool_changes_no_bit(whole, capacity, buckets, monkeypatch):
    for module in (counting_module, pairs_module):
        monkeypatch.setattr(module, "_LEAST_EVENTS", 1)
        monkeypatch.setattr(module, "_MOST_EVENTS", capacity)
    monkeypatch.setattr(pairs_module, "_SHARD", capacity)
    monkeypatch.setattr(pairs_module, "_BUCKETS", buckets)
    monkeypatch.setattr(pairs_module, "_BUCKET_EVENTS", 8)
    monkeypatch.setattr(pairs_module, "_RUN", 100)
    if capacity == 64:  # a bucket is summed in pieces of some events
        monkeypatch.setattr(pairs_module, "_SUMMED_BYTES", 1 << 28)
        monkeypatch.setattr(pairs_module, "_TOGETHER", 2)
    cut = LINES if capacity > 100 else LINES[:40]
    corpus = encoded(cut, UNITS[: len(cut)], CORPUS.unit_names)
    wanted = whole if cut is LINES else counted(corpus, 70, features="window,ids", memory=8 << 30)
    assert np.array_equal(wanted.matrix.toarray()[:, :70], naive.window_counts(cut, 70, 5, "distance"))
    assert same(counted(corpus, 70, features="window,ids", threads=2), wanted)


@pytest.mark.parametrize("words", [2, 70, 40_000, 3_000_000])
@pytest.mark.parametrize("count", [1, 12, 512])
@pytest.mark.parametrize("code_bits", [0, 3, 8])
def test_buckets_cover_the_rows_and_events_fit_their_words(words, count, code_bits):
    ids = (words * stream(0).random(5000) ** 6).astype(np.int32)
    ids[::50] = -1
    buckets = pairs_module.Buckets.even(ids, words, count, code_bits)
    starts = buckets.starts
    assert (starts[0], starts[-1]) == (0, words)
    assert np.all(np.diff(starts) > 0)
    rows = np.unique(np.concatenate([starts[:-1], starts[1:] - 1, np.maximum(ids, 0)]))
    found = buckets.of_row[rows >> buckets.shift]
    assert np.array_equal(found, np.searchsorted(starts, rows, "right") - 1)
    bits = int(np.diff(starts).max() - 1).bit_length() + buckets.column_bits + code_bits
    assert bits <= 8 * np.dtype(buckets.dtype).itemsize
    assert len(buckets) <= 3 * 512 + count


def runs(count, size, seed=0):
    generator = stream(seed)
    for _ in range(count):
        keys = np.unique(generator.integers(0, 3000, size, np.uint64) * np.uint64(2**52))
        yield keys, generator.integers(1, 100, len(keys))


def summed(parts):
    total: dict[int, int] = {}
    for keys, sums in parts:
        for key, value in zip(keys.tolist(), sums.tolist(), strict=True):
            total[key] = total.get(key, 0) + value
    return total


@pytest.mark.parametrize("memory", [0, 20_000, 1 << 30])
@pytest.mark.parametrize("part", [50, 700, 1 << 22])
@pytest.mark.parametrize("count", [0, 1, 2, 13])
def test_a_store_merges_to_the_sum_of_its_runs(tmp_path, monkeypatch, memory, part, count):
    monkeypatch.setattr(spill, "_PART", part)
    store, given = RunStore(tmp_path, memory), list(runs(count, 400))
    for keys, sums in given:
        store.add(keys, sums)
    total = sum(len(keys) for keys, _ in given)
    held = total * 16 - store.spilled
    assert held <= memory
    assert store.spilled == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert (store.spilled == 0) == (memory >= total * 16)
    ranges = store.ranges()
    assert ranges[0][0] == 0
    assert ranges[-1][1] is None
    assert all(one[1] == two[0] for one, two in itertools.pairwise(ranges))
    assert (len(ranges) > 1) == (total // part > 1)
    merged = store.merge_all(LocalEngine(3))
    keys = np.concatenate([part_keys for part_keys, _ in merged])
    assert np.all(keys[1:] > keys[:-1])
    assert summed(merged) == summed(given)


def test_ranges_share_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(spill, "_PART", 500)
    store = RunStore(tmp_path, 1 << 30)
    for keys, sums in runs(20, 500):
        store.add(keys, sums)
    sizes = [len(store.merged(*bounds)[0]) for bounds in store.ranges()]
    assert len(sizes) > 10
    assert max(sizes) < 4 * np.mean(sizes)


def test_a_run_is_copied_and_an_empty_one_is_nothing(tmp_path):
    store = RunStore(tmp_path, 1 << 20)
    keys, sums = np.arange(5, dtype=np.uint64), np.arange(5)
    store.add(keys, sums)
    store.add(keys[:0], sums[:0])
    keys[:] = 0
    assert summed(store.merge_all(LocalEngine(1))) == {number: number for number in range(5)}


def test_a_full_disk_under_the_runs_is_one_clear_line(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spill.tempfile, "NamedTemporaryFile", full)
    store = RunStore(tmp_path, 0)
    with pytest.raises(OutputError, match=r"No space left on device; .*raise --memory"):
        store.add(np.arange(5, dtype=np.uint64), np.arange(5))


def test_runs_are_left_to_the_callers_folder(tmp_path):
    RunStore(tmp_path, 0).add(np.arange(5, dtype=np.uint64), np.arange(5))
    assert [file.suffix for file in tmp_path.iterdir()] == [".run"]


MANY = 1_000_000
ROOMY = 1 << 30


@pytest.fixture(scope="module")
def many_words():
    return vocabulary(MANY + 2)


@pytest.mark.parametrize("centre", [0, MANY + 1])
@pytest.mark.parametrize("memory", [100_000_000, ROOMY])
def test_a_row_of_a_million_cells(many_words, centre, memory, tmp_path):
    """``hub i`` for every word i, and ``i filler hub`` for every even one, twice.

    The hub is the first word, so that its pairs are spread over the rows of the others, or the last: all lie in its own.
    """
    filler = 1
    words = np.setdiff1d(np.arange(MANY + 2, dtype=np.int32), [centre, filler])
    short, long = np.full((MANY, 3), -1, np.int32), np.full((MANY // 2, 4), -1, np.int32)
    short[:, 0], short[:, 1] = centre, words
    long[:, 0], long[:, 1], long[:, 2] = words[::2], filler, centre
    ids, lines = np.concatenate([short.ravel(), long.ravel()] * 2), 2 * MANY + MANY
    corpus = Encoded(ids, np.zeros(0, np.int32), (), len(ids) - lines, lines)
    del short, long
    log = io.StringIO()
    tracemalloc.start()
    try:
        found = count(
            corpus,
            many_words,
            CountOptions(window=2),
            engine=LocalEngine(2),
            folder=tmp_path,
            memory=memory,
            reporter=Reporter(stream=log),
        ).matrix
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * memory
    assert ("went to disk" in log.getvalue()) == (memory < ROOMY)
    wanted = np.zeros(MANY + 2)
    wanted[words] = 2
    wanted[words[::2]] += 1
    wanted[filler] = MANY
    row = slice(*found.indptr[centre : centre + 2])
    assert np.array_equal(found.indices[row], np.delete(np.arange(MANY + 2), centre))
    assert np.array_equal(found.data[row], wanted[found.indices[row]])
    own = np.flatnonzero(found.indices == centre)  # one in every other row
    assert np.array_equal(found.data[own], np.delete(wanted, centre))
    assert found.nnz == 2 * (MANY + 1 + MANY // 2)


def test_few_words_and_many_tokens_stay_within_the_memory():
    ids = stream(0).integers(-1, 3, 3_000_000).astype(np.int32)  # 2.4 million pairs in one bucket
    memory = 24_000_000
    corpus = Encoded(ids, np.zeros(0, np.int32), (), int((ids >= 0).sum()), int((ids < 0).sum()))
    tracemalloc.start()
    try:
        found = counted(corpus, 3, window=2, window_weight="flat", memory=memory).matrix.toarray()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    wanted = np.zeros((3, 3))
    beside, apart = (ids[:-1], ids[1:]), (np.where(ids[1:-1] < 0, -1, ids[:-2]), ids[2:])
    for left, right in (beside, apart):
        both = (left >= 0) & (right >= 0)
        np.add.at(wanted, (left[both], right[both]), 1)
    assert np.array_equal(found, wanted + wanted.T)
    assert peak < 1.1 * memory
