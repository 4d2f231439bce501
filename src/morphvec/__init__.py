"""morphvec: word vectors that know morphology.

    import morphvec as mv
    vectors = mv.train("corpus.txt", unimorph="eng.tsv")
    vectors.most_similar("walking")

The names below are the public ones; everything else may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from morphvec.version import __version__

if TYPE_CHECKING:
    from morphvec import autodiff
    from morphvec.api import count, load, skipgram_pairs, train, weigh
    from morphvec.association import Association
    from morphvec.counts.matrix import Counts
    from morphvec.embeddings.embeddings import Embeddings
    from morphvec.errors import MorphvecError
    from morphvec.solvers.problem import Factors, Problem, Terms
    from morphvec.solvers.solve import solve

# Each public name and its room. Rooms are entered on first use, so that ``import morphvec`` stays quick.
_ROOMS = {
    "train": "morphvec.api",
    "load": "morphvec.api",
    "count": "morphvec.api",
    "weigh": "morphvec.api",
    "skipgram_pairs": "morphvec.api",
    "Embeddings": "morphvec.embeddings.embeddings",
    "Counts": "morphvec.counts.matrix",
    "Association": "morphvec.association",
    "Problem": "morphvec.solvers.problem",
    "Terms": "morphvec.solvers.problem",
    "Factors": "morphvec.solvers.problem",
    "solve": "morphvec.solvers.solve",
    "MorphvecError": "morphvec.errors",
}

__all__ = [
    "Association",
    "Counts",
    "Embeddings",
    "Factors",
    "MorphvecError",
    "Problem",
    "Terms",
    "__version__",
    "autodiff",
    "count",
    "load",
    "skipgram_pairs",
    "solve",
    "train",
    "weigh",
]


def __getattr__(name: str) -> Any:
    if name == "autodiff":
        return importlib.import_module("morphvec.autodiff")
    if name in _ROOMS:
        return getattr(importlib.import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'morphvec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
