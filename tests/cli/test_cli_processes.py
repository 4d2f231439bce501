"""What only a process of its own shows: signals, streams, memory, and what is imported."""

from __future__ import annotations

import array
import fcntl
import json
import os
import subprocess
import sys
import termios
import threading
import time

import pytest
from cli_helpers import (
    FAST,
    INTERRUPT,
    KILL,
    files,
    one_document,
    process,
    refusal,
    sentences,
    start,
    wait_for,
    write,
)

SLOW = ["--min-count", "1", "--dim", "64", "--epochs", "100000"]


def loaded(code):
    """The modules that a fresh Python holds after running this."""
    text = f"import sys\n{code}\nprint('\\n' + '\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()}


def test_importing_the_package_is_light():
    assert not {"numba", "scipy", "typer"} & loaded("import morphvec")


def test_help_is_light():
    code = "from morphvec.cli.main import execute\nexecute(['train', '--help'])"
    assert not {"numba", "scipy", "safetensors"} & loaded(code)


def test_the_module_is_the_command_line(tmp_path):
    done = process("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("morphvec ")
    wrong = process("neighbors", tmp_path / "nowhere", "walk", "--json")
    assert wrong.stdout == ""
    refusal(wrong.returncode, wrong.stderr)


def test_results_are_utf8_in_every_locale(cli, tmp_path):
    text = write(tmp_path / "t.txt", ["ışık gün gece", "हिन्दी gün ышық"] * 5)
    cli.done("train", text, "-o", tmp_path / "m", *FAST)
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    told = process(
        "neighbors", tmp_path / "m", "हिन्दी", "--json", env={**environment, "PYTHONIOENCODING": ""}
    )
    assert one_document(told.stdout)["queries"][0]["word"] == "हिन्दी"
    told = process("neighbors", tmp_path / "m", "gün", "--json", env=environment)
    assert "हिन्दी" in [near["word"] for near in one_document(told.stdout)["queries"][0]["neighbors"]]


def test_text_from_a_pipe_gives_the_same_bytes_in_another_process(corpus, models, tmp_path):
    done = process(
        "train", "-", "-o", tmp_path / "m", *FAST, "--json", input=corpus.read_text(encoding="utf-8")
    )
    assert done.returncode == 0, done.stderr
    plain = json.loads((models[0] / "manifest.json").read_bytes())
    told = one_document(done.stdout)
    assert (told["words"], told["vectors_sha256"]) == (56, plain["vectors_sha256"])
    written, wanted = files(tmp_path / "m"), files(models[0])
    assert written.keys() == wanted.keys()
    assert [name for name in wanted if written[name] != wanted[name]] == [
        "manifest.json"
    ]  # which names the input


def test_a_reader_that_leaves_early_is_no_error(model):
    running = subprocess.Popen(
        [sys.executable, "-m", "morphvec", "vector", str(model), "walk"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.close()
    err = running.stderr.read()
    running.stderr.close()
    assert running.wait(60) == 0
    assert err == ""


def interrupted(running):
    """The end of a run after Ctrl-C."""
    timer = threading.Timer(30, running.kill)
    timer.start()
    try:
        running.send_signal(INTERRUPT)
        out, err = running.communicate()
    finally:
        timer.cancel()
    return running.returncode, out, err


def unread(pipe):
    """How many bytes that were written to a pipe nobody has read yet."""
    held = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, held)
    return held[0]


@pytest.mark.parametrize("stage", ["while it reads", "while it fits"])
def test_ctrl_c_writes_nothing(tmp_path, stage):
    text = write(tmp_path / "text", sentences(2000))
    place = tmp_path / "place"
    place.mkdir()
    if stage == "while it reads":
        fifo = tmp_path / "fifo.txt"
        os.mkfifo(fifo)
        running = start("train", fifo, "-o", place / "m", "--min-count", "1")
        with fifo.open("wb") as pipe:
            pipe.write(text.read_bytes())
            pipe.flush()
            while unread(pipe):
                time.sleep(0.01)
            code, out, err = interrupted(running)
    else:
        running = start("train", text, "-o", place / "m", *SLOW)
        wait_for(running, "fit:")  # the start is done: 100,000 epochs follow
        code, out, err = interrupted(running)
    assert (code, out) == (130, "")
    lines = err.splitlines()
    assert len([line for line in lines if "error" in line]) == 1
    assert lines[-1].startswith("morphvec: error: interrupted; ")
    assert "Traceback" not in err
    assert list(place.iterdir()) == []


def test_a_killed_run_leaves_the_earlier_model(cli, corpus, tmp_path):
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST)
    before = files(out, log=True)
    running = start("train", corpus, "-o", out, *SLOW, "--overwrite")
    wait_for(running, "weigh:")
    running.send_signal(KILL)
    running.communicate(timeout=30)
    assert running.returncode == -KILL
    assert files(out, log=True) == before
    assert cli.json("doctor", out)["model"]["ok"]
    cli.done("train", corpus, "-o", out, *FAST, "--overwrite")  # and the place can be used again
    assert files(out) == {name: data for name, data in before.items() if name != "log.jsonl"}


def test_a_run_killed_while_it_writes_leaves_the_earlier_model(cli, corpus, tmp_path):
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST)
    before = files(out, log=True)
    code = (
        "import os, sys; from morphvec.embeddings import store\n"
        "store.write_manifest = lambda *_: os.kill(os.getpid(), 9)\n"
        "from morphvec.cli.main import execute; execute(sys.argv[1:])"
    )
    arguments = ["train", str(corpus), "-o", str(out), *FAST, "--seed", "3", "--overwrite"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=60)
    assert done.returncode == -KILL
    assert files(out, log=True) == before
    cli.done("train", corpus, "-o", out, *FAST, "--overwrite")


def test_one_line_of_20_mb_trains_in_bounded_memory(tmp_path):
    text = tmp_path / "line.txt"
    lines = [" ".join(sentences(2000, seed=n)) for n in range(3)]
    with text.open("w", encoding="utf-8") as handle:
        while handle.tell() < 20_000_000:
            handle.write(" ".join(lines) + " ")
    done = process("train", text, "-o", tmp_path / "m", *FAST, "--json", "--quiet", "--threads", "2")
    assert done.returncode == 0, done.stderr
    told = one_document(done.stdout)
    assert told["tokens"] > 2_500_000
    assert told["peak_bytes"] < 1.2e9
