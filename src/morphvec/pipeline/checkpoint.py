"""Checkpoints of a run: a folder beside the one that the run will write, replaced whole every so many epochs.

It says which run it is of: the options, the inputs, the versions and the hash of the association. Only that run goes
on from it, so that what it ends with are the bits of a run that was never interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.artifact import (
    check_output,
    discard,
    load_lines,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    sha256_array,
    verify,
    write_manifest,
    writing,
)
from morphvec.association import Association
from morphvec.embeddings.store import versions
from morphvec.errors import ArtifactError
from morphvec.pipeline.nouns import Origin
from morphvec.report import SILENT, Reporter

NOUN = "checkpoint"
_STATE, _HISTORY = "state.safetensors", "history.jsonl"


def place_beside(output: Path) -> Path:
    """``model`` → ``model.checkpoint``."""
    return output.with_name(f"{output.name}.{NOUN}")


def check_place(path: Path, *, resume: bool, config: Mapping[str, Any] | None = None) -> None:
    """Refuse, before any work, a place where no checkpoint could be kept, or one that cannot be gone on from.

    config: the options of the run, where they are known already. Raises OutputError as ``check_output`` does,
    ArtifactError for a checkpoint that is damaged or of other options.
    """
    if not (resume and (path.is_symlink() or path.exists())):
        check_output(path, overwrite=True)
        return
    manifest = _sound(path)
    told = None if config is None else _first_change(manifest.get("config"), _as_json(config))
    if told is not None:
        raise _of_another_run(path, told)


def record_of(source: Association | NDArray[np.int32], origin: Origin) -> dict[str, Any]:
    """What tells one run from another: config, inputs, versions, and the SHA-256 of everything that is learned from:
    an association, or the text as vocabulary rows."""
    arrays: tuple[Any, ...] = (
        (source,)
        if not isinstance(source, Association)
        else (
            source.matrix.indptr,
            source.matrix.indices,
            source.matrix.data,
            source.weights.data,
            source.alpha,
        )
    )
    hashes = "".join(sha256_array(np.asarray(array)) for array in arrays)
    return {
        "config": dict(origin.config),
        "inputs": [dict(entry) for entry in origin.inputs],
        "versions": versions(),
        "association": hashlib.sha256(hashes.encode()).hexdigest(),
    }


class FolderKeeper:
    """The checkpoint of one run in the folder ``path``.

    Parameters
    ----------
    record: see ``record_of``. resume: whether ``load`` looks for a checkpoint at all.
    """

    def __init__(
        self, path: Path, record: Mapping[str, Any], *, resume: bool = False, reporter: Reporter = SILENT
    ) -> None:
        self._path, self._resume, self._reporter = path, resume, reporter
        self._record: dict[str, Any] = _as_json(record)
        self._epochs = 0  # of the checkpoint of this run that stands there

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the record."""
        text = json.dumps(self._record, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def waits(self) -> bool:
        """Whether ``load`` finds a checkpoint, of this run or of another."""
        return self._resume and self._path.exists()

    def save(
        self, epochs_done: int, state: Mapping[str, NDArray[Any]], history: Sequence[Mapping[str, Any]]
    ) -> None:
        """Replace the checkpoint in one step. Raises OutputError where it cannot be written; the old one stays."""
        with writing(self._path, overwrite=True) as folder:
            save_arrays(folder / _STATE, state)
            save_lines(
                folder / _HISTORY,
                (json.dumps(entry, ensure_ascii=False, allow_nan=False) for entry in history),
            )
            write_manifest(
                folder, NOUN, {"epochs": epochs_done, "fingerprint": self.fingerprint, **self._record}
            )
        self._epochs = epochs_done

    def load(self) -> tuple[int, dict[str, NDArray[Any]], list[dict[str, Any]]] | None:
        """The checkpoint that stands there, or None where there is none or none is asked for.

        Raises ArtifactError where it is damaged or of another run.
        """
        if not self._resume:
            return None
        if not self._path.exists():
            self._reporter.note(f"no checkpoint in {self._path}: training starts from the beginning")
            return None
        manifest = _sound(self._path)
        if manifest.get("fingerprint") != self.fingerprint:
            raise _of_another_run(self._path, self._difference(manifest))
        arrays = {name: np.array(array) for name, array in open_arrays(self._path / _STATE).items()}
        history, epochs = _history(self._path), manifest.get("epochs")
        if epochs != len(history) or not history:
            raise _damaged(f"{self._path} holds {len(history)} epochs, its manifest says {epochs!r}")
        self._epochs = len(history)
        return self._epochs, arrays, history

    def describe(self) -> str:
        """Where the last good state stands."""
        if not self._epochs:
            return "no checkpoint had been written"
        return f"the checkpoint of epoch {self._epochs} is {self._path}"

    def interrupted(self) -> None:
        """Say where to go on from, if anywhere: a signal may have come just after a checkpoint took its place."""
        with contextlib.suppress(ArtifactError):
            manifest = load_manifest(self._path, NOUN)
            if manifest.get("fingerprint") == self.fingerprint:
                self._epochs = int(manifest["epochs"])
        if self._epochs:
            self._reporter.insist(f"{self.describe()}: --resume goes on from there")

    def remove(self) -> None:
        """The run is over: its checkpoint goes."""
        discard(self._path)

    def _difference(self, manifest: Mapping[str, Any]) -> str:
        """The first thing in which the checkpoint's run is another one."""
        told = _first_change(manifest.get("config"), self._record["config"])
        if told is None and manifest.get("inputs") != self._record["inputs"]:
            told = self._other_input(manifest.get("inputs"))
        told = told or _first_change(manifest.get("versions"), self._record["versions"])
        return told or "what it learns from has changed"

    def _other_input(self, before: Any) -> str:
        then = before if isinstance(before, list) else []
        changed = [entry["name"] for entry in self._record["inputs"] if entry not in then]
        return f"the input {changed[0]} has changed" if changed else "it had more inputs"


def _as_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it will be read back."""
    return dict(json.loads(json.dumps(record)))


def _first_change(before: Any, now: Mapping[str, Any]) -> str | None:
    """The first entry that differs, in the order of ``now``, in words; None where none does."""
    then = before if isinstance(before, dict) else {}
    for name in [*now, *(name for name in then if name not in now)]:
        if then.get(name) != now.get(name):
            return f"{name} was {_short(then.get(name))} and is {_short(now.get(name))}"
    return None


def _of_another_run(path: Path, told: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is of another run: {told}",
        "a run goes on from a checkpoint of its own",
        "give the options and inputs of that run, or leave --resume out",
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _sound(path: Path) -> dict[str, Any]:
    """The manifest of a checkpoint whose every part has the hash that it states."""
    problems = verify(path, NOUN)
    if problems:
        raise _damaged(problems[0].split("; ")[0])
    return load_manifest(path, NOUN)


def _history(path: Path) -> list[dict[str, Any]]:
    try:
        history = [json.loads(line) for line in load_lines(path / _HISTORY)]
        if all(math.isfinite(entry["total"]) and entry["epoch"] == n + 1 for n, entry in enumerate(history)):
            return history
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(f"{path / _HISTORY} cannot be read ({error!r})") from error
    raise _damaged(f"{path / _HISTORY} is not a history")


def _damaged(value: str) -> ArtifactError:
    return ArtifactError(
        value,
        "a checkpoint is whole or of no use",
        "run again without --resume, or remove the checkpoint folder first where it is in the way",
    )
