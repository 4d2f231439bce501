"""The compiled kernels: which of them are kept from earlier runs, and small runs that have them all compiled."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from morphvec import kernels
from morphvec.report import SILENT, Reporter

_RUNS: tuple[tuple[str, dict[str, Any]], ...] = (  # what to call it, and what to train
    ("words of parts", {}),
    ("free words", {"parts": "own"}),
    ("constraints", {"affixes": "AFFIXES", "constraint": "offset"}),
    ("mini-batches", {"solver": "adam", "affixes": "AFFIXES", "validation": 0.1}),
    ("sampled mini-batches", {"solver": "sgd", "unobserved_samples": 8}),
    ("glove", {"method": "glove"}),
    ("sgns", {"method": "sgns", "sample": 0.0}),
    ("racing sgns", {"method": "sgns", "sample": 0.0, "racing": True}),
    ("sgns of parts", {"method": "sgns", "sample": 0.0, "parts": "own,ngrams"}),
    ("skipgram", {"method": "skipgram"}),
)
_SENTENCES = [["walk", "walked", "talk", "talked"], ["walked", "talk", "jump", "jumped"]] * 20


def kernels_kept() -> dict[str, Any]:
    """``compiled``: how many kernels lie compiled in ``folder``, for later runs to take up."""
    made = [
        thing
        for module in pkgutil.iter_modules(kernels.__path__)
        for thing in vars(import_module(f"{kernels.__name__}.{module.name}")).values()
        if hasattr(thing, "py_func") and thing.__module__ == f"{kernels.__name__}.{module.name}"
    ]
    folders = sorted({str(kernel.stats.cache_path) for kernel in made})
    return {
        "compiled": sum(_kept(kernel) for kernel in made),
        "folder": folders[0] if folders else None,
    }


def _kept(kernel: Any) -> bool:
    """Whether there is an index of compiled forms that is not older than the kernel's source."""
    source = Path(kernel.py_func.__code__.co_filename)
    name = f"{source.stem}.{kernel.py_func.__qualname__}-*.nbi"
    indices = Path(kernel.stats.cache_path).glob(name)
    return any(index.stat().st_mtime >= source.stat().st_mtime for index in indices)


def warm_kernels(reporter: Reporter = SILENT) -> None:
    """Train tiny models of every kind, so that what they are made with is compiled and kept."""
    from morphvec.embeddings.outline import Outline
    from morphvec.engine.local import LocalEngine
    from morphvec.lm.train import VocabularyOptions, train_model
    from morphvec.pipeline.options import TextStage
    from morphvec.pipeline.showcase import affix_file
    from morphvec.pipeline.train import open_corpus, train

    with (
        affix_file() as affixes,
        reporter.stage("compile kernels", 3 + len(_RUNS), "kinds of run") as progress,
    ):
        common = {"tokenizer": "whitespace", "min_count": 1, "dim": 4, "ngram_min_types": 1, "epochs": 1}
        for name, more in _RUNS:
            given = {key: str(affixes) if value == "AFFIXES" else value for key, value in more.items()}
            settings: dict[str, Any] = {**common, **given}
            model = train(_SENTENCES, **settings).model
            model.neighbors("walk", 2)
            progress.advance(1, name)
        _solve_many_cells()
        progress.advance(1, "many cells")
        text = TextStage(tokenizer="whitespace")
        train_model(
            open_corpus(_SENTENCES, text),
            kind="ngram",
            options={"smoothing": "interpolated"},
            words=VocabularyOptions(),
            engine=LocalEngine(1),
            memory=1 << 28,
        )
        progress.advance(1, "language models")
        vectors = np.eye(2, dtype=np.float32)
        Outline.of(vectors, vectors[0]).bounds(vectors[0])
        progress.advance(1, "queries")


def _solve_many_cells() -> None:
    """Sweeps over as many cells as it takes for them to be coded, with rows that stand alone and rows that do not."""
    from scipy.sparse import csr_array, eye_array

    from morphvec.engine.local import LocalEngine
    from morphvec.solvers.codes import LEAST_CELLS
    from morphvec.solvers.problem import Problem
    from morphvec.solvers.solve import solve

    cells = csr_array(np.ones((256, -(-LEAST_CELLS // 256)), np.float32))
    for penalties in ([], [(1.0, eye_array(256, format="csr"))]):
        solve(Problem(cells, cells.data, 0.3, None, penalties), 4, epochs=1, engine=LocalEngine(1))
