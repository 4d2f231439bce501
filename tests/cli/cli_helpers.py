"""Running the command line: in this process for most tests, as a process of its own where that is the matter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from morphvec.cli.main import execute
from morphvec.rng import stream

STEMS = ["walk", "talk", "jump", "call", "look", "open", "pull", "push"]
ENDINGS = {"": "", "s": "V;PRS;3;SG", "ed": "V;PST", "ing": "V;V.PTCP;PRS"}
FAST = ["--dim", "8", "--epochs", "2", "--min-count", "1", "--ngrams", "2-4", "--ngram-min-types", "2"]

# A shell may have told its background jobs to ignore Ctrl-C, and children inherit that.
_LISTENING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from morphvec.cli.main import run; run()"
)


def sentences(number=200, seed=0):
    """Verb forms among words that go with their stem and words that go with their ending."""
    generator = stream(seed)
    endings = list(ENDINGS)
    lines = []
    for _ in range(number):
        stem, ending = int(generator.integers(0, 8)), int(generator.integers(0, 4))
        words = [
            f"thing{stem}",
            f"place{stem}",
            f"time{ending}",
            STEMS[stem] + endings[ending],
            f"who{ending}",
        ]
        lines.append(" ".join(words[place] for place in generator.permutation(5)))
    return lines


def table():
    return [f"{stem}\t{stem}{ending}\t{tags}" for stem in STEMS for ending, tags in ENDINGS.items() if ending]


def write(path: Path, lines) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


class CommandLine:
    """``cli(...)`` → (exit code, stdout, stderr), run in this process."""

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, *arguments):
        self._capsys.readouterr()
        code = execute([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        return code, out, err

    def done(self, *arguments):
        """stdout of a run that has to go well."""
        code, out, err = self(*arguments)
        assert code == 0, err
        assert "error" not in err
        return out

    def json(self, *arguments):
        """The one JSON document that a run prints, and nothing else."""
        return one_document(self.done(*arguments, "--json"))

    def refused(self, *arguments):
        """The error of a run that has to be refused: (value, rule, mend)."""
        code, out, err = self(*arguments)
        assert out == ""
        return refusal(code, err)


def one_document(out):
    assert out.endswith("\n")
    assert out.count("\n") == 1

    def no_constant(name):
        raise AssertionError(f"{name} is not a finite number")

    return json.loads(out, parse_constant=no_constant)


def refusal(code, err):
    """One line ``morphvec: error: VALUE; RULE; MEND`` and exit code 2."""
    assert code == 2, err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("morphvec: error: ")
    assert len(lines[0]) < 600
    parts = lines[0].removeprefix("morphvec: error: ").split("; ")
    assert len(parts) >= 3, err
    assert all(parts)
    return parts[0], "; ".join(parts[1:-1]), parts[-1]


def files(folder: Path, *, log=False):
    """The bytes of every file of a folder; without the log, which holds times."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if log or file.name != "log.jsonl"}


def process(*arguments, **settings):
    """``python -m morphvec ...`` as a finished process."""
    return subprocess.run(
        [sys.executable, "-m", "morphvec", *map(str, arguments)],
        capture_output=True,
        timeout=60,
        **{"text": True, "encoding": "utf-8", **settings},
    )


def start(*arguments):
    """A running process of the command line that hears Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-c", _LISTENING, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def wait_for(running, beginning):
    """Read stderr up to the line that starts like this; everything read."""
    seen = []
    for line in running.stderr:
        seen.append(line)
        if line.startswith(beginning):
            return seen
    raise AssertionError(f"it ended without {beginning!r}: {seen}")


INTERRUPT, KILL = signal.SIGINT, signal.SIGKILL
