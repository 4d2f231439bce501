"""Words and vectors as tables of Arrow and pandas. Both are optional packages, entered when they are asked for."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from morphvec.embeddings.keyed import Keyed
from morphvec.errors import MissingExtraError

if TYPE_CHECKING:
    from morphvec.embeddings.embeddings import Embeddings

WORD, COUNT, VECTOR = "word", "count", "vector"
METADATA = b"morphvec"  # how words are folded, as JSON, among a table's metadata
_BLOCK = 65_536  # vectors written out at once


def need(module: str, extra: str, purpose: str) -> Any:
    """An optional module. Raises MissingExtraError, which names the extra and how to install it, where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"the package {module.partition('.')[0]} is not installed",
            purpose,
            f"run: pip install 'morphvec[{extra}]'",
        ) from error


def to_arrow(model: Embeddings) -> Any:
    """A pyarrow.Table: ``word`` string, ``count`` int64 where there are counts, ``vector`` fixed_size_list of float32 [k]."""
    pa = need("pyarrow", "arrow", "tables of Arrow and Parquet files are made by it")
    kind = pa.list_(pa.float32(), model.vector_size)
    pieces = [
        pa.FixedSizeListArray.from_arrays(
            pa.array(dense_rows(model, slice(low, low + _BLOCK)).reshape(-1)), model.vector_size
        )
        for low in range(0, len(model), _BLOCK)
    ]
    columns = {WORD: pa.array(list(model.words), pa.string())}
    if model.counts is not None:
        columns[COUNT] = pa.array(np.asarray(model.counts, np.int64))
    columns[VECTOR] = pa.chunked_array(pieces, kind)
    told = {"tokenizer": asdict(model.tokenizer), "languages": list(model.languages)}
    return pa.table(columns).replace_schema_metadata({METADATA: json.dumps(told, ensure_ascii=False)})


def to_pandas(model: Keyed) -> Any:
    """A pandas.DataFrame: a row for each word (the index, named ``word``), k columns of float32."""
    pd = need("pandas", "pandas", "data frames are made by it")
    index = pd.Index(model.words, name=WORD, dtype=object)
    return pd.DataFrame(dense_rows(model, slice(None)), index=index)


def dense_rows(model: Keyed, rows: slice) -> Any:
    """Some of the vectors, written out: float32 [n, k]."""
    chosen: Any = model.vectors[rows]
    return np.ascontiguousarray(chosen.toarray() if model.sparse else chosen, np.float32)
