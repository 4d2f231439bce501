"""Parquet: a column ``word``, a column ``count`` where there are counts, a column ``vector`` of lists of one fixed size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats.words import Imported, Words, check_sizes, not_finite
from morphvec.embeddings.formats.writing import MOST, check_unicode, check_zeros, one_file
from morphvec.embeddings.tables import COUNT, METADATA, VECTOR, WORD, need, to_arrow
from morphvec.errors import InputError
from morphvec.text.tokenize import Tokenizer

MAGIC = b"PAR1"
_NEED = "Parquet files are read and written by it"
_MEND = "write the columns word and vector, as morphvec export --to parquet does"


def write(model: Embeddings, path: Path) -> None:
    """Write a Parquet file, in one step; the bits of the vectors. Raises MissingExtraError without pyarrow, OutputError for
    sparse vectors of more than 50 million numbers with their zeros."""
    parquet = need("pyarrow.parquet", "arrow", _NEED)
    check_zeros(model, MOST)
    check_unicode(model)
    with one_file(path) as handle:
        parquet.write_table(to_arrow(model), handle, use_dictionary=False, compression="zstd")


def read(path: Path, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS) -> Imported:
    """Vectors of a Parquet file with the columns ``word`` and ``vector`` (lists of one length), and ``count`` where it is there.

    The rule of folding that our own files carry is taken where no other is given. Raises InputError for other columns,
    types, lengths, words that come twice and numbers that are not finite, MissingExtraError without pyarrow.
    """
    parquet, pa = need("pyarrow.parquet", "arrow", _NEED), need("pyarrow", "arrow", _NEED)
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            missing = [name for name in (WORD, VECTOR) if name not in schema.names]
            if missing:
                raise _odd(path, f"no column {missing[0]!r} among {', '.join(schema.names[:9])}")
            counted = COUNT in schema.names
            table = file.read(columns=[WORD, VECTOR, *([COUNT] if counted else [])])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path.name}: {error}", "a Parquet file is whole", "check the file") from error
    words, rows = Words(path.name, errors), _vectors(path, table, pa)
    check_sizes(path.name, len(rows), rows.shape[1])
    for number, word in enumerate(table[WORD].to_pylist(), 1):
        if not isinstance(word, str):
            raise _odd(path, f"{word!r} for a word, row {number}")
        if not np.isfinite(rows[number - 1]).all():
            raise not_finite(path.name, "row", number, word.encode())
        words.add(word.encode("utf-8", "surrogatepass"), "row", number)
    counts = None
    if counted:
        column = table[COUNT]
        if column.null_count or not pa.types.is_integer(column.type):
            raise _odd(path, "counts that are not whole numbers")
        counts = np.asarray(column.to_numpy(), np.int64)
    told = json.loads((schema.metadata or {}).get(METADATA, b"{}"))
    if tokenizer == AS_IS and "tokenizer" in told:
        tokenizer = Tokenizer(**told["tokenizer"])
    model = Embeddings(
        words.keys(), rows, counts=counts, tokenizer=tokenizer, languages=told.get("languages", ())
    )
    return Imported(model, "parquet", words.notes(), {"format": "parquet"})


def _vectors(path: Path, table: Any, pa: Any) -> Any:
    column = table[VECTOR].combine_chunks()
    kind = column.type
    if not (pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        raise _odd(path, f"vectors of type {kind}")
    if not len(column) or column.null_count or column.flatten().null_count:
        raise _odd(path, "no rows, or vectors that are missing" if len(column) else "no rows")
    sizes = set(column.value_lengths().to_pylist())
    if len(sizes) != 1 or not pa.types.is_floating(kind.value_type):
        raise _odd(path, f"vectors of {min(sizes)} to {max(sizes)} numbers of type {kind.value_type}")
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers, np.float32).reshape(len(column), -1)


def _odd(path: Path, what: str) -> InputError:
    return InputError(f"{path.name} has {what}", "a row is a word and a vector, all of one length", _MEND)
