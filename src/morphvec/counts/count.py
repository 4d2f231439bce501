"""Counting: a stream of word ids becomes sorted runs of exact integer sums, and those become a CSR matrix.

Pairs of a window are ``pairs``'s. Of the other kinds, each shard of stream positions emits events into a buffer,
sorts it, sums equal keys and hands the run to a store that spills to disk beyond its budget. All sums are integers, so
shards, buffers, spills and threads change nothing in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from morphvec.counts.matrix import Counts
from morphvec.counts.pairs import PairCounter
from morphvec.counts.spill import Run, RunStore
from morphvec.engine.base import Engine
from morphvec.errors import BudgetError, InputError
from morphvec.features.space import (
    MAX_WINDOW,
    WINDOW_WEIGHTS,
    Block,
    BlockOptions,
    check_choice,
    check_number,
)
from morphvec.features.subword import find_grams
from morphvec.kernels.runs import combine_events, radix_sort, row_lengths, unfold
from morphvec.kernels.windows import emit_units, pair_weights
from morphvec.morphology.pieces import Pieces
from morphvec.report import SILENT, Reporter
from morphvec.text.encoded import Encoded
from morphvec.text.vocabulary import Vocabulary

DEFAULT_MEMORY = 4 << 30  # bytes
_EVENT_BYTES = 32  # an event, its spare, and its place in the run that is made of it
_MOST_EVENTS = 1 << 24  # in a buffer: beyond this a sort gains nothing from more memory
_LEAST_EVENTS = 1 << 12


@dataclass(frozen=True)
class CountOptions:
    """What is counted. window: words to each side; window_weight: flat, distance (1/d) or dynamic; ngrams: lengths."""

    blocks: tuple[BlockOptions, ...] = (BlockOptions("window"),)
    window: int = 5
    window_weight: str = "distance"
    ngrams: tuple[int, int] | None = (3, 6)
    ngram_min_types: int = 5

    def __post_init__(self) -> None:
        check_number("window", self.window, 1, MAX_WINDOW)
        check_choice("window_weight", self.window_weight, WINDOW_WEIGHTS)
        check_number("ngram_min_types", self.ngram_min_types, 1)


def count(
    encoded: Encoded,
    vocabulary: Vocabulary,
    options: CountOptions,
    *,
    engine: Engine,
    folder: Path,
    memory: int = DEFAULT_MEMORY,
    reporter: Reporter = SILENT,
    pieces: Pieces | None = None,
) -> Counts:
    """Count every requested block and set them side by side.

    folder: scratch space for spilled runs, the caller's to remove. memory: bytes for buffers, runs and the result.
    pieces: what the blocks morphemes and affixes are made of; each type counts once per piece.
    Raises InputError where nothing co-occurs or a block lacks its input, BudgetError where the matrix would not fit.
    """
    matrices: list[csr_array] = []
    blocks: list[Block] = []
    names: list[Sequence[str]] = []
    for block in options.blocks:
        if block.kind == "window":
            matrix, columns = (
                _count_window(encoded, vocabulary, options, engine, folder, memory, reporter),
                vocabulary.words,
            )
        elif block.kind == "ids":
            matrix, columns = (
                _count_units(encoded, vocabulary, engine, folder, memory, reporter),
                encoded.unit_names,
            )
        elif block.kind == "ngrams":
            matrix, columns = _count_grams(vocabulary, options)
        else:
            matrix, columns = _count_pieces(block.kind, pieces)
        begin = blocks[-1].end if blocks else 0
        blocks.append(Block(block.kind, begin, begin + matrix.shape[1], block.beta, block.unobserved))
        matrices.append(matrix)
        names.append(columns)
    joined = matrices[0] if len(matrices) == 1 else csr_array(hstack(matrices, format="csr"))
    if joined.nnz == 0:
        raise InputError(
            f"{encoded.tokens} tokens of {len(vocabulary.words)} words never occur together",
            "a matrix needs at least one co-occurrence",
            "give text with more than one known word a line, or lower --min-count",
        )
    joined.sort_indices()  # nothing to do for a single block, which says so
    return Counts(joined, vocabulary.words, tuple(name for part in names for name in part), tuple(blocks))


def _count_window(
    encoded: Encoded,
    vocabulary: Vocabulary,
    options: CountOptions,
    engine: Engine,
    folder: Path,
    memory: int,
    reporter: Reporter,
) -> csr_array:
    weights, scale = pair_weights(options.window, options.window_weight)
    size = len(vocabulary.words)
    column_bits = max(1, (size - 1).bit_length())
    _check_bits(2 * column_bits + (options.window - 1).bit_length())
    runs = _collect_pairs(encoded.ids, size, weights, engine, folder, memory, reporter)
    return _to_csr(runs, (size, size), column_bits, True, scale, memory, engine)


def _collect_pairs(
    ids: NDArray[np.int32],
    words: int,
    weights: NDArray[np.int64],
    engine: Engine,
    folder: Path,
    memory: int,
    reporter: Reporter,
) -> list[Run]:
    """The merged runs of all pairs in key order; the store goes before they are laid out."""
    name, store = "count pairs", RunStore(folder, memory // 4)
    counter = PairCounter(ids, words, weights, engine=engine, store=store, memory=memory // 4)
    with reporter.stage(name, len(ids), "tokens") as progress:
        runs = counter.count(progress)
    _tell_spilled(store, name, reporter)
    return runs


def _count_units(
    encoded: Encoded, vocabulary: Vocabulary, engine: Engine, folder: Path, memory: int, reporter: Reporter
) -> csr_array:
    rows, columns = len(vocabulary.words), len(encoded.unit_names)
    if columns == 0:
        raise InputError(
            "the corpus has no ids",
            "the block ids needs the id of each line",
            "pass --format tsv (id⇥text), or leave ids out of --features",
        )
    column_bits = max(1, (columns - 1).bit_length())
    row_bits = max(1, (rows - 1).bit_length())
    _check_bits(column_bits + row_bits)
    ids = encoded.ids
    step = 1 << 20
    line_at = np.zeros(len(ids) // step + 2, np.int64)  # lines before each step-th position
    for i, low in enumerate(range(0, len(ids), step)):
        line_at[i + 1] = line_at[i] + np.count_nonzero(ids[low : low + step] < 0)

    def emit(begin: int, end: int, events: NDArray[np.uint64]) -> int:
        near = begin // step
        line = int(line_at[near]) + int(np.count_nonzero(ids[near * step : begin] < 0))
        return int(emit_units(ids, begin, end, line, encoded.units, column_bits, events))

    runs = _collect(emit, len(ids), column_bits + row_bits, engine, folder, memory, reporter, "count ids")
    return _to_csr(runs, (rows, columns), column_bits, False, 1.0, memory, engine)


def _count_grams(vocabulary: Vocabulary, options: CountOptions) -> tuple[csr_array, tuple[str, ...]]:
    if options.ngrams is None:
        raise InputError(
            "features name ngrams but ngrams=none", "n-gram columns need lengths", "write e.g. --ngrams 3-6"
        )
    grams = find_grams(vocabulary.bare(), *options.ngrams, options.ngram_min_types)
    return csr_array(grams.member.astype(np.float64)), grams.names


def _count_pieces(kind: str, pieces: Pieces | None) -> tuple[csr_array, tuple[str, ...]]:
    if pieces is None or not pieces.names.get(kind):
        source = "a segmentation or a morph model" if kind == "morphemes" else "a table or an affix list"
        raise InputError(
            f"features name {kind}, but no {kind} are known",
            f"the block {kind} needs {source} with pieces that enough words of the vocabulary have",
            f"pass one, or leave {kind} out of --features",
        )
    shares = pieces.shares[kind]
    ones = csr_array((np.ones(shares.nnz), shares.indices, shares.indptr), shape=shares.shape)
    return ones, pieces.names[kind]


def _check_bits(bits: int) -> None:
    if bits > 64:
        raise BudgetError(
            f"{bits} bits for a pair and its distance",
            "a counted event has 64 bits",
            "set --max-vocab or a smaller --window",
        )


def _collect(
    emit: Callable[[int, int, NDArray[np.uint64]], int],
    positions: int,
    key_bits: int,
    engine: Engine,
    folder: Path,
    memory: int,
    reporter: Reporter,
    name: str,
) -> list[Run]:
    """Emit at most one event a position, sort and sum them shard by shard; returns the merged runs in key order."""
    fitting = memory // 4 // engine.threads // _EVENT_BYTES
    capacity = max(_LEAST_EVENTS, min(_MOST_EVENTS, fitting))
    step = max(1, min(capacity, -(-positions // engine.threads)))
    store = RunStore(folder, memory // 4)
    one = np.ones(1, np.int64)

    def shard(begin: int) -> None:
        end = min(begin + step, positions)
        events = np.empty(end - begin, np.uint64)
        size = emit(begin, end, events)
        spare = np.empty(size, np.uint64)
        if radix_sort(events, spare, size, 0, key_bits):
            events, spare = spare, events
        keys, sums = np.empty(size, np.uint64), np.empty(size, np.int64)
        length = combine_events(events, size, 0, one, keys, sums)
        store.add(keys[:length], sums[:length])
        progress.advance(end - begin)

    with reporter.stage(name, positions, "tokens") as progress:
        engine.map(shard, range(0, positions, step))
        _tell_spilled(store, name, reporter)
        return store.merge_all(engine)


def _tell_spilled(store: RunStore, name: str, reporter: Reporter) -> None:
    if store.spilled:
        reporter.note(f"{name}: {store.spilled / 1e9:.2f} GB of sorted runs went to disk, within --memory")


def _to_csr(
    runs: list[Run],
    shape: tuple[int, int],
    column_bits: int,
    symmetric: bool,
    scale: float,
    memory: int,
    engine: Engine,
) -> csr_array:
    """The matrix of merged runs, each a range of keys; the list is emptied on the way."""
    fitting = memory // 16 // (8 * shape[0])  # each group has a head for every row
    groups = _groups(runs, max(1, min(2 * engine.threads, fitting)))
    pairs = sum(len(keys) for keys, _ in runs)
    runs.clear()
    heads = np.zeros((len(groups) + 1, shape[0]), np.int64)

    def lengths(number: int) -> None:
        for keys, _ in groups[number]:
            row_lengths(keys, column_bits, symmetric, heads[number + 1])

    engine.map(lengths, range(len(groups)))
    indptr = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(heads.sum(axis=0), out=indptr[1:])
    cells = int(indptr[-1])
    # the matrix, the merged runs that it is made from, and where rows begin
    needed = cells * 12 + pairs * 16 + heads.nbytes + indptr.nbytes
    if needed > memory:
        raise BudgetError(
            f"{cells:,} cells need {needed / 1e9:.2f} GB to be laid out",
            f"--memory allows {memory / 1e9:.2f} GB",
            "raise --memory or --min-count, or set --max-vocab",
        )
    heads[0] = indptr[:-1]
    np.cumsum(
        heads, axis=0, out=heads
    )  # where each group's cells of each row begin: those of lower keys before
    indices, data = np.empty(cells, np.int32), np.empty(cells)

    def lay_out(number: int) -> None:
        for keys, sums in groups[number]:
            unfold(keys, sums, column_bits, symmetric, scale, heads[number], indices, data)
        groups[number] = []

    engine.map(lay_out, range(len(groups)))
    matrix = csr_array(shape, dtype=np.float64)
    matrix.indptr, matrix.indices, matrix.data = indptr, indices, data
    matrix.has_canonical_format = True
    return matrix


def _groups(runs: list[Run], most: int) -> list[list[Run]]:
    """Neighbouring runs in at most ``most`` groups of about as many pairs."""
    ends = np.cumsum([len(keys) for keys, _ in runs])
    share = max(1, -(-int(ends[-1]) // most)) if len(runs) else 1
    groups: list[list[Run]] = [[] for _ in range(most)]
    for run, end in zip(runs, ends.tolist(), strict=True):
        groups[min((end - 1) // share, most - 1) if end else 0].append(run)
    return [group for group in groups if group]
