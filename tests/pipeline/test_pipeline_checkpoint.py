"""A run that is stopped anywhere and resumed ends in the bytes of one that never was; a checkpoint that is damaged or of
another run is refused."""

from __future__ import annotations

import errno
import io
import json
import shutil

import numpy as np
import pytest
from pipeline_corpora import STEMS, table_rows, verbs, write

import morphvec as mv
from morphvec.artifact import LOG, save_lines, sha256_file, verify
from morphvec.embeddings import store
from morphvec.errors import ArtifactError, DivergenceError, OptionError, OutputError
from morphvec.methods import starting, token_feature
from morphvec.pipeline import checkpoint as module
from morphvec.pipeline.checkpoint import FolderKeeper, check_place, place_beside
from morphvec.pipeline.train import train_to
from morphvec.report import Reporter
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.minibatch import MiniBatch

SMALL = {"min_count": 2, "dim": 6, "epochs": 7, "ngram_min_types": 2, "ngrams": "2-4", "threads": 1}
RECORD = {
    "config": {"dim": 6, "ridge": None, "parts": "own", "unimorph": ["a.tsv"]},
    "inputs": [{"name": "c.txt", "bytes": 3, "sha256": "ab"}],
    "versions": {"numpy": "2"},
    "association": "cd",
}
STATE = {
    "now.P": np.arange(6, dtype=np.float32).reshape(3, 2),
    "now.steps": np.array([7], np.int64),
    "now.none": np.zeros((0, 2)),
    "best.P": np.full((3, 2), 1 / 3),
}
HISTORY = [{"epoch": 1, "total": 0.1 + 0.2, "classes": {"offset": 1e-300}}, {"epoch": 2, "total": 0.0}]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return write(folder / "c.txt", verbs(300)), write(folder / "t.tsv", table_rows())


@pytest.fixture(autouse=True)
def short_starts(monkeypatch):
    """Sweeps before the first epoch are two, so that the epochs that tests stop at are epochs of the run itself."""
    monkeypatch.setattr(starting, "SWEEPS_CORNER", 1)
    monkeypatch.setattr(starting, "SWEEPS_WHOLE", 1)
    monkeypatch.setattr(token_feature, "SWEEPS_FREE", 1)


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != LOG}


def keeper(path, *, resume=True, reporter=None, **changes):
    record = {**RECORD, **changes}
    return FolderKeeper(path, record, resume=resume, **({} if reporter is None else {"reporter": reporter}))


# ---------------------------------------------------------------------------------------------- the folder


def test_what_is_kept_comes_back_to_the_last_bit(tmp_path):
    one = keeper(tmp_path / "m.checkpoint")
    assert one.describe() == "no checkpoint had been written"
    one.save(2, STATE, HISTORY)
    assert verify(tmp_path / "m.checkpoint", "checkpoint") == []
    other = keeper(tmp_path / "m.checkpoint")
    epochs, state, history = other.load()
    assert (epochs, history) == (2, HISTORY)
    assert set(state) == set(STATE)
    for name, array in STATE.items():
        assert (state[name].dtype, state[name].shape) == (array.dtype, array.shape)
        assert state[name].tobytes() == array.tobytes()
    assert one.describe() == other.describe() == f"the checkpoint of epoch 2 is {tmp_path / 'm.checkpoint'}"
    other.save(3, STATE, [*HISTORY, {"epoch": 3, "total": 1.0}])
    assert keeper(tmp_path / "m.checkpoint").load()[0] == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.checkpoint"]
    other.remove()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_loaded_unasked_and_a_missing_one_is_said(tmp_path):
    path = tmp_path / "m.checkpoint"
    keeper(path).save(2, STATE, HISTORY)
    assert keeper(path, resume=False).load() is None
    log = io.StringIO()
    assert keeper(tmp_path / "other", reporter=Reporter(stream=log)).load() is None
    assert log.getvalue() == f"no checkpoint in {tmp_path / 'other'}: training starts from the beginning\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"config": {**RECORD["config"], "dim": 7, "parts": "own,ngrams"}}, "dim was 6 and is 7;"),
        ({"config": {**RECORD["config"], "ridge": 2.5}}, "ridge was null and is 2.5;"),
        ({"config": {**RECORD["config"], "unimorph": []}}, 'unimorph was ["a.tsv"] and is [];'),
        ({"config": {"dim": 6, "ridge": None, "unimorph": ["a.tsv"]}}, 'parts was "own" and is null;'),
        ({"inputs": [{**RECORD["inputs"][0], "sha256": "ef"}]}, "the input c.txt has changed;"),
        ({"inputs": []}, "it had more inputs;"),
        ({"versions": {"numpy": "3"}}, 'numpy was "2" and is "3";'),
        ({"association": "x"}, "what it learns from has changed;"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_the_first_thing_that_differs(tmp_path, changes, told):
    path = tmp_path / "m.checkpoint"
    keeper(path).save(2, STATE, HISTORY)
    with pytest.raises(ArtifactError) as caught:
        keeper(path, **changes).load()
    assert f"{path} is of another run: {told}" in str(caught.value)
    assert "leave --resume out" in str(caught.value)


def test_any_file_of_a_checkpoint_cut_changed_or_missing_is_one_clear_error(tmp_path):
    path = tmp_path / "m.checkpoint"
    keeper(path).save(2, STATE, HISTORY)
    for file in sorted(path.iterdir()):
        whole = file.read_bytes()
        for damaged in (whole[: len(whole) // 2], b"", whole[:-9] + b"x" + whole[-8:], None):
            if damaged is None:
                file.unlink()
            else:
                file.write_bytes(damaged)
            with pytest.raises(ArtifactError) as caught:
                keeper(path).load()
            assert "--resume" in caught.value.mend
            if file.name != "manifest.json" or damaged is None or len(damaged) != len(whole):
                with pytest.raises(ArtifactError, match="without --resume"):
                    check_place(path, resume=True)
            file.write_bytes(whole)
    assert keeper(path).load() is not None


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["{}", "{}"],
        ["[]", "[]"],
        ['{"epoch": 1, "total": 1}'],
        ['{"epoch": 1, "total": 1}', '{"epoch": 3, "total": 1}'],
        ['{"epoch": 1, "total": NaN}', '{"epoch": 2, "total": 1}'],
        ['{"epoch": 1, "total": "x"}', '{"epoch": 2, "total": 1}'],
        ["not json", "{}"],
    ],
)
def test_a_history_that_is_none_is_refused_even_where_its_hash_is_right(tmp_path, lines):
    path = tmp_path / "m.checkpoint"
    keeper(path).save(2, STATE, HISTORY)
    save_lines(path / "history.jsonl", lines)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["parts"]["history.jsonl"] = {
        "bytes": (path / "history.jsonl").stat().st_size,
        "sha256": sha256_file(path / "history.jsonl"),
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="without --resume"):
        keeper(path).load()


def test_what_a_killed_writer_left_goes_with_the_checkpoint_and_nothing_else(tmp_path):
    path = place_beside(tmp_path / "m")
    assert path == tmp_path / "m.checkpoint"
    keeper(path).save(2, STATE, HISTORY)
    (tmp_path / ".m.checkpoint.ab12_cd3.tmp").mkdir()
    others = [".m.ab12_cd3.tmp", ".m.checkpoint.x.ab12_cd3.tmp", "m.checkpoints"]
    for name in others:
        (tmp_path / name).mkdir()
    keeper(path).remove()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(others)
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    keeper(path).remove()
    assert (path / "thesis.txt").read_text() == "years of work"


# ---------------------------------------------------------------------------------------------- whole runs


class Stop(Exception):
    """Stands for a power cut."""


def stopped(monkeypatch, number, path, corpus, *, kind=AlternatingLeastSquares, **options):
    """A run that stops when this epoch begins."""
    go_on = kind.epoch

    def epoch(self, at):
        if at == number:
            raise Stop
        return go_on(self, at)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "epoch", epoch)
        with pytest.raises(Stop):
            train_to(path, corpus, **options)


RUNS = {
    "free": (AlternatingLeastSquares, {"parts": "own"}),
    "composed and constrained": (AlternatingLeastSquares, {"unimorph": "TABLE"}),
    "nearest members": (AlternatingLeastSquares, {"unimorph": "TABLE", "graph": "nearest:2", "parts": "own"}),
    "early stopping": (
        AlternatingLeastSquares,
        {"validation": 0.2, "patience": 3, "epochs": 30, "parts": "own", "ridge": 0.01},
    ),
    "adam": (MiniBatch, {"solver": "adam", "unimorph": "TABLE", "validation": 0.1}),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_stopped_and_resumed_run_writes_the_bytes_of_a_whole_one(tmp_path, corpora, monkeypatch, name):
    kind, options = RUNS[name]
    options = {**SMALL, **{key: corpora[1] if value == "TABLE" else value for key, value in options.items()}}
    whole = train_to(tmp_path / "whole", corpora[0], **options)
    if options.get("patience"):
        assert 6 < len([entry for entry in whole.log if "epoch" in entry]) < 30
        assert not whole.log[-1].get("kept")
    if name == "nearest members":  # the run without constraints comes first, and keeps no checkpoints
        with monkeypatch.context() as patch:
            patch.setattr(FolderKeeper, "save", stopping_after_4(FolderKeeper.save))
            with pytest.raises(Stop):
                train_to(tmp_path / "m", corpora[0], checkpoint_every=2, **options)
    else:
        stopped(monkeypatch, 5, tmp_path / "m", corpora[0], kind=kind, checkpoint_every=2, **options)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.checkpoint", "whole"]
    assert json.loads((tmp_path / "m.checkpoint" / "manifest.json").read_text())["epochs"] == 4
    log = io.StringIO()
    again = {**options, "threads": 3, "checkpoint_every": 3, "resume": True}
    found = train_to(tmp_path / "m", corpora[0], reporter=Reporter(stream=log), **again)
    assert "fit: goes on after epoch 4 of" in log.getvalue()
    assert bytes_of(tmp_path / "m") == bytes_of(tmp_path / "whole")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m", "whole"]
    epochs = [[{**entry, "seconds": 0} for entry in run.log if "epoch" in entry] for run in (found, whole)]
    assert epochs[0] == epochs[1]


def stopping_after_4(save):
    def stop_after(self, epochs_done, state, history):
        save(self, epochs_done, state, history)
        if epochs_done == 4:
            raise Stop

    return stop_after


def test_checkpoints_and_resuming_change_no_byte_of_a_model(tmp_path, corpora):
    train_to(tmp_path / "one", corpora[0], **SMALL)
    train_to(tmp_path / "two", corpora[0], checkpoint_every=1, **SMALL)
    log = io.StringIO()
    train_to(tmp_path / "three", corpora[0], resume=True, reporter=Reporter(stream=log), **SMALL)
    assert "training starts from the beginning" in log.getvalue()
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two") == bytes_of(tmp_path / "three")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["one", "three", "two"]


def test_a_new_run_without_resume_replaces_an_old_checkpoint(tmp_path, corpora, monkeypatch):
    for number, epoch in ((6, 6), (3, 2)):
        stopped(monkeypatch, number, tmp_path / "m", corpora[0], checkpoint_every=2, **SMALL)
        assert json.loads((tmp_path / "m.checkpoint" / "manifest.json").read_text())["epochs"] == epoch


def test_resuming_with_other_options_names_the_first(tmp_path, corpora, monkeypatch):
    stopped(monkeypatch, 3, tmp_path / "m", corpora[0], checkpoint_every=1, **SMALL)
    before = bytes_of(tmp_path / "m.checkpoint")
    other = write(tmp_path / "c.txt", verbs(299))
    for corpus, changes, told in (
        (corpora[0], {"ridge": 3.0, "power": 1.0}, "ridge was null and is 3.0"),
        (corpora[0], {"window": 4}, "window was 5 and is 4"),
        (corpora[0], {"epochs": 9}, "epochs was 7 and is 9"),
        (other, {}, "the input c.txt has changed"),
    ):
        with pytest.raises(ArtifactError, match=told):
            train_to(tmp_path / "m", corpus, resume=True, **{**SMALL, **changes})
    with pytest.raises(
        ArtifactError, match="dim was 6 and is 5"
    ):  # options are compared before the text is read
        train_to(tmp_path / "m", tmp_path / "no such corpus", resume=True, **{**SMALL, "dim": 5})
    assert bytes_of(tmp_path / "m.checkpoint") == before


def test_divergence_names_the_checkpoint_that_stands_and_it_is_sound(tmp_path, corpora, monkeypatch):
    go_on = AlternatingLeastSquares.epoch

    def epoch(self, number):
        if number == 4:
            self.P[:] = np.nan
        return go_on(self, number)

    monkeypatch.setattr(AlternatingLeastSquares, "epoch", epoch)
    with pytest.raises(DivergenceError) as caught:
        train_to(tmp_path / "m", corpora[0], checkpoint_every=3, **SMALL)
    path = tmp_path / "m.checkpoint"
    assert caught.value.value.startswith("epoch 5: ")
    assert caught.value.mend == f"change --ridge (the checkpoint of epoch 3 is {path})"
    assert verify(path, "checkpoint") == []
    with pytest.raises(DivergenceError, match="--checkpoint-every keeps one"):
        train_to(tmp_path / "other", corpora[0], **SMALL)


def test_a_checkpoint_outlives_a_model_that_could_not_be_written(tmp_path, corpora, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_manifest", full)
        with pytest.raises(OutputError):
            train_to(tmp_path / "m", corpora[0], checkpoint_every=7, **SMALL)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.checkpoint"]
    monkeypatch.setattr(AlternatingLeastSquares, "epoch", None)  # nothing is left to train
    train_to(tmp_path / "m", corpora[0], resume=True, **SMALL)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_a_disk_that_is_full_stops_the_run_and_keeps_the_last_checkpoint(tmp_path, corpora, monkeypatch):
    save = module.save_arrays

    def sometimes(file, arrays):
        if (tmp_path / "m.checkpoint").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, arrays)

    monkeypatch.setattr(module, "save_arrays", sometimes)
    with pytest.raises(OutputError, match="No space left on device; what stood there before is unchanged"):
        train_to(tmp_path / "m", corpora[0], checkpoint_every=2, **SMALL)
    assert verify(tmp_path / "m.checkpoint", "checkpoint") == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.checkpoint"]


def test_places_are_refused_before_any_work(tmp_path):
    path, nowhere = tmp_path / "m.checkpoint", tmp_path / "no such corpus"
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not morphvec's"):
        train_to(tmp_path / "m", nowhere, checkpoint_every=1)
    with pytest.raises(ArtifactError, match="without --resume"):
        train_to(tmp_path / "m", nowhere, resume=True)
    assert (path / "thesis.txt").read_text() == "years of work"
    shutil.rmtree(path)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError):
        train_to(tmp_path / "m", nowhere, resume=True)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.json").write_text('{"format": "morphvec"}')
    with pytest.raises(OutputError, match="--overwrite"):  # resuming is no leave to overwrite a model
        train_to(tmp_path / "m", nowhere, resume=True)


@pytest.mark.parametrize("options", [{"checkpoint_every": 2}, {"resume": True}])
def test_without_an_output_folder_there_is_no_place_for_checkpoints(options):
    with pytest.raises(OptionError, match="beside the folder"):
        mv.train([STEMS] * 9, **SMALL, **options)
    with pytest.raises(OptionError, match="there is no such option"):
        mv.count([STEMS] * 9, min_count=1, **options)
