"""One ``vectors_sha256`` for any number of threads, any size of the chunks that counts are sorted in, and any break."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from pipeline_corpora import table_rows, verbs, write

from morphvec.counts import count
from morphvec.pipeline.checkpoint import FolderKeeper
from morphvec.pipeline.train import train_to
from morphvec.rng import stream

EPOCHS = 5
BASE = {"min_count": 2, "dim": 6, "epochs": EPOCHS, "window": 3}
MODELS = {
    "free": {"parts": "own"},
    "composed and constrained": {
        "parts": "own,ngrams,lemma,affixes",
        "ngram_min_types": 2,
        "ngrams": "2-4",
        "constraint": ["offset:50", "class:5"],
        "graph": "ring",
    },
}
SOLVERS = {
    "als": {"solver": "als"},
    "adam": {"solver": "adam", "batch": 200},
    "sgd": {"solver": "sgd", "batch": 0},
    "sampled": {
        "solver": "adagrad",
        "batch": 200,
        "edge_samples": 20,
        "unobserved_samples": 300,
        "updates": "lazy",
    },
}


class Break(Exception):
    pass


def sha(folder):
    return json.loads((folder / "manifest.json").read_text())["vectors_sha256"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_threads_chunks_and_breaks_leave_one_hash(tmp_path, monkeypatch, solver, model):
    corpus = write(tmp_path / "text.txt", verbs(1500))
    table = write(tmp_path / "table.tsv", table_rows())
    options = BASE | SOLVERS[solver] | MODELS[model]
    if model != "free":
        options["unimorph"] = [table]
    train_to(tmp_path / "whole", corpus, threads=1, **options)
    wanted = sha(tmp_path / "whole")
    breaks = stream(0).integers(1, EPOCHS, 6)
    save = FolderKeeper.save
    for (threads, events), stop in zip(itertools.product((1, 2, 4), (700, 1 << 24)), breaks, strict=True):
        monkeypatch.setattr(count, "_MOST_EVENTS", events)

        def breaking(self, epochs_done, state, history, stop=stop):
            save(self, epochs_done, state, history)
            if epochs_done == stop:
                raise Break

        place = tmp_path / f"m{threads}-{events}"
        monkeypatch.setattr(FolderKeeper, "save", breaking)
        with pytest.raises(Break):
            train_to(place, corpus, threads=threads, checkpoint_every=1, **options)
        monkeypatch.setattr(FolderKeeper, "save", save)
        train_to(place, corpus, threads=np.clip(5 - threads, 1, 4).item(), resume=True, **options)
        assert sha(place) == wanted
