"""fastText's .bin, versions 11 and 12: skip-gram and cbow models, not quantized.

    int32 magic, version
    int32 dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate, float64 t
    int32 entries words labels, int64 tokens, int64 pruned (-1: none); per entry: bytes, NUL, int64 count, int8 kind
    bool quantized; int64 rows columns, float32 numbers: words' own rows, then buckets of n-grams
    bool quantized; int64 rows columns, float32 numbers: output

Written with version 12, and without output rows. All little-endian. Source: the program and its files, fastText 0.9.2; Bojanowski et al. 2017.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from morphvec.arrays import Floats2d
from morphvec.embeddings.buckets import LONGEST_GRAM, Buckets, hashed_grams, means
from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.words import Imported, Words, check_sizes, not_finite
from morphvec.embeddings.formats.writing import MOST, check_unicode, check_zeros, one_file
from morphvec.embeddings.tables import dense_rows
from morphvec.errors import InputError
from morphvec.text.tokenize import Tokenizer

MAGIC = struct.pack("<i", 793712314)
_VERSIONS = (11, 12)
_ARGS = (
    "dim",
    "ws",
    "epoch",
    "minCount",
    "neg",
    "wordNgrams",
    "loss",
    "model",
    "bucket",
    "minn",
    "maxn",
    "lrUpdateRate",
)
_MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}
_LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "one-vs-all"}
_LONGEST_WORD = 1 << 16  # bytes
_ENTRY = struct.Struct("<qb")
_ROWS = 65_536  # written at a time
_REFINE = 2  # times that own rows are put right
_NUMBERS = 1 << 23  # added up at a time
_MEND = "check that the file is a whole fastText model"


@dataclass(frozen=True)
class _Entries:
    words: Words
    raw: list[bytes]
    kept: list[bool]
    counts: list[int]
    labels: int


def read(source: Source, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS) -> Imported:
    """A fastText model: words, counts, the vectors that it serves, to the bit, and its rule for unseen words.

    The rows of the n-grams stay a memory map of the file. Raises InputError for a quantized or supervised model, one that
    is cut off or goes on, sizes that disagree, and numbers that are not finite.
    """
    args = _arguments(source)
    dim, bucket = args["dim"], args["bucket"]
    entries = _dictionary(source, errors)
    quantized = source.exactly(1, "the input matrix")
    if quantized != b"\0":
        raise _quantized(source.name)
    if _MODELS.get(args["model"]) == "supervised":
        raise InputError(
            f"{source.name} is a supervised fastText model, a text classifier",
            "word vectors are read from skip-gram and cbow models",
            "train with: fasttext skipgram",
        )
    if args["model"] not in _MODELS or args["loss"] not in _LOSSES:
        raise _odd(source.name, f"model {args['model']} and loss {args['loss']}")
    words = len(entries.raw)
    what = f"{words:,} words and {bucket:,} buckets of {dim:,} numbers"
    if _shape(source) != (words + bucket, dim):
        raise _odd(source.name, f"an input matrix that is not {what}")
    matrix = source.matrix(words + bucket, dim, what)
    _pass_over_output(source, dim)
    _check_finite(source.name, matrix, entries.raw)

    shortest, longest = max(args["minn"], 1), args["maxn"]
    composes = bucket > 0 and longest >= shortest
    vectors = _served(matrix, entries.raw, (shortest, longest) if composes else None)
    kept = np.array(entries.kept, np.bool_)
    keys = entries.words.keys()
    model = Embeddings(
        keys,
        vectors if kept.all() else vectors[kept],
        counts=np.array(entries.counts, np.int64)[kept],
        parts=Buckets(keys, matrix[words:], shortest, longest) if composes else None,
        tokenizer=tokenizer,
    )
    notes = list(entries.words.notes())
    if entries.labels:
        notes.append(f"{entries.labels:,} labels are left out")
    if not composes:
        notes.append("the model has no n-grams: unseen words get no vectors")
    notes.append("words' own rows and the output matrix are not kept: it cannot be trained further")
    told = {**args, "model": _MODELS[args["model"]], "loss": _LOSSES[args["loss"]]}
    return Imported(model, "fasttext", tuple(notes), {"format": "fasttext", "arguments": told})


def _odd(name: str, what: str) -> InputError:
    return InputError(f"{name} states {what}", "the parts of a fastText model agree", _MEND)


def _quantized(name: str) -> InputError:
    return InputError(
        f"{name} is a quantized fastText model (.ftz)",
        "its vectors are only approximations, and are not read",
        "give the .bin that it was made from",
    )


def _arguments(source: Source) -> dict[str, int]:
    magic, version = source.exactly(4, "the header"), struct.unpack("<i", source.exactly(4, "the header"))[0]
    if magic != MAGIC:
        raise InputError(
            f"{source.name} does not begin as fastText's files do",
            "a fastText model begins with its magic number",
            "name another format with --from",
        )
    if version not in _VERSIONS:
        raise InputError(
            f"{source.name} is of version {version}",
            "fastText models of versions 11 and 12 are read",
            "save it anew with fastText 0.9",
        )
    args = dict(zip(_ARGS, struct.unpack("<12i", source.exactly(48, "the arguments")), strict=True))
    source.skip(8, "the arguments")
    check_sizes(source.name, 1, args["dim"])
    if args["bucket"] < 0 or args["maxn"] > LONGEST_GRAM:
        raise _odd(
            source.name,
            f"{args['bucket']} buckets of n-grams up to {args['maxn']} characters (at most {LONGEST_GRAM} are read)",
        )
    return args


def _dictionary(source: Source, errors: str) -> _Entries:
    size, words, labels, _, pruned = struct.unpack("<iiiqq", source.exactly(28, "the dictionary"))
    if pruned >= 0:
        raise _quantized(source.name)
    if words < 1 or labels < 0 or size != words + labels:
        raise _odd(source.name, f"{size} entries, {words} words and {labels} labels")
    source.need(11 * size, f"{size:,} entries of at least 11 bytes")
    found = _Entries(Words(source.name, errors), [], [], [], labels)
    for number in range(1, size + 1):
        raw = source.until(b"\0", _LONGEST_WORD)
        if not raw.endswith(b"\0"):
            if len(raw) == _LONGEST_WORD:
                raise _odd(source.name, f"a word of {len(raw):,} bytes or more, entry {number}")
            raise source.cut_off(f"entry {number:,} of {size:,}")
        count, kind = _ENTRY.unpack(source.exactly(9, f"entry {number:,} of {size:,}"))
        if kind != (0 if number <= words else 1) or count < 0:
            raise _odd(source.name, f"kind {kind} and count {count}, entry {number}")
        if number <= words:
            found.raw.append(raw[:-1])
            found.kept.append(found.words.add(raw[:-1], "entry", number))
            found.counts.append(count)
    return found


def _shape(source: Source) -> tuple[int, int]:
    rows, columns = struct.unpack("<qq", source.exactly(16, "a matrix"))
    return int(rows), int(columns)


def _pass_over_output(source: Source, dim: int) -> None:
    if source.exactly(1, "the output matrix") != b"\0":
        raise _quantized(source.name)
    rows, columns = _shape(source)
    if rows < 0 or columns != dim:
        raise _odd(source.name, f"an output matrix of {rows} rows of {columns} numbers")
    source.need(4 * rows * columns, "the output matrix")
    source.skip(4 * rows * columns, "the output matrix")
    source.ended("the output matrix")


def _check_finite(name: str, matrix: Floats2d, words: list[bytes]) -> None:
    step = max(_NUMBERS // matrix.shape[1], 1)
    for low in range(0, len(matrix), step):
        good = np.isfinite(matrix[low : low + step]).all(axis=1)
        if not good.all():
            row = low + int(np.flatnonzero(~good)[0])
            if row < len(words):
                raise not_finite(name, "entry", row + 1, words[row])
            raise InputError(
                f"{name}: bucket {row - len(words)} is not finite",
                "vectors hold finite numbers",
                "train it anew",
            )


def _served(matrix: Floats2d, words: list[bytes], lengths: tuple[int, int] | None) -> Floats2d:
    """The mean of a word's own row and its n-grams' rows, float32 [T, k]."""
    T, dim = len(words), matrix.shape[1]
    vectors = np.empty((T, dim), np.float32)
    if lengths is None:
        vectors[:] = matrix[:T]
        return vectors
    low = 0
    while low < T:
        high = _block_end(words, low, dim)
        indptr, rows = hashed_grams(words[low:high], *lengths, len(matrix) - T)
        own = np.arange(low, high)
        wanted = np.insert(rows + T, indptr[:-1], own)
        indptr = indptr + np.arange(high - low + 1)
        vectors[low:high] = means(np.asarray(matrix[wanted]), indptr)
        low = high
    return vectors


def _block_end(words: list[bytes], low: int, dim: int) -> int:
    """Where a block of words ends whose n-grams are gathered at once: by their letters, at least one word."""
    high, letters = low, 0
    while high < len(words) and high - low < 4096:
        letters += len(words[high]) + 2
        high += 1
        if 4 * letters * dim > _NUMBERS:  # of default lengths a letter begins about four n-grams
            break
    return high


def write(model: Embeddings, path: Path) -> None:
    """Write a fastText .bin, version 12, in one step: words, counts and vectors, and the n-gram rows of a model that came
    from fastText.

    Parts of another kind (n-grams by name, lemma, affixes, morphemes) have no place in it: without buckets it gives unseen
    words no vectors, and known ones their bits. With buckets unseen words keep the bits that fastText gives them, and
    known ones come within a rounding of theirs, since their own row is what their n-grams leave. The output matrix has no
    rows: it cannot be trained further. Raises OutputError for words with NUL, and for sparse vectors of more than 50
    million numbers with their zeros.
    """
    check_zeros(model, MOST)
    check_unicode(model)
    parts = model.parts if isinstance(model.parts, Buckets) else None
    bucket = 0 if parts is None else len(parts.vectors)
    lengths = (0, 0) if parts is None else (parts.shortest, parts.longest)
    counts = np.ones(len(model), np.int64) if model.counts is None else np.maximum(model.counts, 1)
    arguments = dict.fromkeys(_ARGS, 1) | {
        "dim": model.vector_size,
        "ws": 5,
        "epoch": 5,
        "neg": 5,
        "loss": 2,
        "model": 2,
        "bucket": bucket,
        "minn": lengths[0],
        "maxn": lengths[1],
        "lrUpdateRate": 100,
    }
    with one_file(path) as handle:
        handle.write(MAGIC + struct.pack("<i12id", 12, *(arguments[name] for name in _ARGS), 1e-4))
        handle.write(struct.pack("<iiiqq", len(model), len(model), 0, int(counts.sum()), -1))
        for word, count in zip(model.words, counts.tolist(), strict=True):
            handle.write(word.encode() + b"\0" + _ENTRY.pack(count, 0))
        handle.write(struct.pack("<?qq", False, len(model) + bucket, model.vector_size))
        for block in _own_rows(model, parts):
            handle.write(np.ascontiguousarray(block, "<f4").data)
        for low in range(0, bucket, _ROWS):
            assert parts is not None
            handle.write(np.ascontiguousarray(parts.vectors[low : low + _ROWS], "<f4").data)
        handle.write(struct.pack("<?qq", False, 0, model.vector_size))


def _own_rows(model: Embeddings, parts: Buckets | None) -> Iterator[Floats2d]:
    """The words' own rows, block by block: their vectors, or what makes these the mean of own row and n-grams."""
    raw = [word.encode() for word in model.words]
    low = 0
    while low < len(model):
        high = len(model) if parts is None else _block_end(raw, low, model.vector_size)
        high = min(high, low + _ROWS)
        served = dense_rows(model, slice(low, high))
        if parts is None:
            yield served
        else:
            buckets = len(parts.vectors)
            indptr, rows = hashed_grams(raw[low:high], parts.shortest, parts.longest, buckets)
            sizes = np.diff(indptr)
            words = np.repeat(np.arange(high - low), sizes)
            grams = np.asarray(parts.vectors[rows])
            exact = np.zeros(served.shape)
            np.add.at(exact, words, grams.astype(np.float64))
            own = (served * (sizes[:, None] + 1.0) - exact).astype(np.float32)
            places = np.insert(np.arange(len(rows)) + (high - low), indptr[:-1], np.arange(high - low))
            starts = indptr + np.arange(high - low + 1)
            for _ in range(_REFINE):  # sums are rounded at every step: make up for it
                found = means(np.concatenate([own, grams])[places], starts)
                own += ((served.astype(np.float64) - found) * (sizes[:, None] + 1.0)).astype(np.float32)
            yield own
        low = high
