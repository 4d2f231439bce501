from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from morphvec import report
from morphvec.errors import MorphvecError, UnknownWordError
from morphvec.report import SILENT, Reporter, emit, emit_error, emit_json


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(report.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(report, "memory_held", lambda: 1_230_000_000)
    return now


def test_progress_has_amount_rate_and_time_left(clock):
    log = io.StringIO()
    with Reporter(stream=log).stage("count", 3_000_000, "tokens") as progress:
        progress.advance(10)  # too soon after the start to be shown
        clock[0] += 6
        progress.advance(999_990, "half way")
        clock[0] += 1
        progress.advance(1_000_000)
        clock[0] += 5
        progress.advance(1_000_000)
    assert log.getvalue().splitlines() == [
        "count: 1.0M/3.0M tokens · 166.7k/s · 12s left · 1.23 GB · half way",
        "count: 3.0M/3.0M tokens · 250.0k/s · 1.23 GB · half way",
        "count: 3.0M tokens, 12.0s · half way",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(59, "59s"), (61, "1m01s"), (3700, "1h01m")])
def test_long_waits(clock, seconds, text):
    log = io.StringIO()
    with Reporter(stream=log).stage("x", 2, "things") as progress:
        clock[0] += seconds
        progress.advance(1)
    assert f"· {text} left" in log.getvalue()


def test_slow_things_have_a_time_each(clock):
    log = io.StringIO()
    with Reporter(stream=log).stage("fit", 5, "epochs") as progress:
        clock[0] += 40
        progress.reach(0.5)
        clock[0] += 50
        progress.reach(2)
    assert log.getvalue().splitlines() == [
        "fit: 0.5/5 epochs · 1m20s each · 6m00s left · 1.23 GB",
        "fit: 2/5 epochs · 45s each · 2m15s left · 1.23 GB",
        "fit: 2 epochs, 90.0s",
    ]


def test_the_memory_held_is_that_of_this_process():
    before = report.memory_held()
    block = np.ones(30_000_000)
    assert 200e6 < report.memory_held() - before < 400e6
    assert report.peak_bytes() >= block.nbytes


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc: a child's peak holds its parent's"
)
def test_the_peak_of_a_child_is_its_own():
    block = np.ones(300 << 20, np.uint8)  # held by this process while the child begins
    code = "from morphvec.report import peak_bytes; print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < block.nbytes


def test_a_quiet_run_says_what_has_to_be_known():
    log = io.StringIO()
    Reporter(quiet=True, stream=log).insist("go on from here")
    assert log.getvalue() == "go on from here\n"


def test_a_stage_without_a_total_has_no_time_left(clock):
    log = io.StringIO()
    with Reporter(stream=log).stage("read", None, "lines") as progress:
        clock[0] += 8
        progress.advance(4)
    assert log.getvalue().splitlines()[0] == "read: 4 lines · 0.5/s · 1.23 GB"


def test_a_terminal_gets_one_live_line(clock):
    log = Terminal()
    with Reporter(stream=log).stage("x", 4, "things") as progress:
        for _ in range(2):
            clock[0] += 1
            progress.advance(1)
    assert log.getvalue().count("\r\x1b[2K") == 3
    assert log.getvalue().count("\n") == 1
    assert log.getvalue().endswith("\n")


def test_a_warning_does_not_hide_in_a_live_line(clock):
    log = Terminal()
    reporter = Reporter(stream=log)
    with reporter.stage("x", 4, "things") as progress:
        clock[0] += 1
        progress.advance(1)
        reporter.warn("look here")
    assert "\nmorphvec: warning: look here\n" in log.getvalue()


def test_an_error_inside_a_stage_leaves_its_last_line(clock):
    log = Terminal()

    def work():
        with Reporter(stream=log).stage("x", 4, "things") as progress:
            clock[0] += 1
            progress.advance(1)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        work()
    assert log.getvalue().endswith("\n")


def test_quiet_is_quiet_but_for_warnings():
    log = io.StringIO()
    reporter = Reporter(quiet=True, stream=log)
    reporter.note("nothing")
    with reporter.stage("x", 1) as progress:
        progress.advance(1)
    assert log.getvalue() == ""
    reporter.warn("something")
    assert log.getvalue() == "morphvec: warning: something\n"


def test_stderr_is_looked_up_when_it_is_written_to(monkeypatch):
    """A reporter made long ago writes to today's stderr, not to one that was closed meanwhile."""
    for _ in range(2):
        log = io.StringIO()
        monkeypatch.setattr(sys, "stderr", log)
        SILENT.warn("to whom it may concern")
        assert log.getvalue() == "morphvec: warning: to whom it may concern\n"
        log.close()


def test_results_go_to_stdout_and_errors_to_stderr(capsys):
    emit("a line")
    emit_json({"word": "हिन्दी", "score": 0.5})
    emit_error("VALUE; RULE; MEND")
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "a line"
    assert json.loads(out.splitlines()[1]) == {"word": "हिन्दी", "score": 0.5}
    assert "हिन्दी" in out
    assert err == "morphvec: error: VALUE; RULE; MEND\n"
    with pytest.raises(ValueError, match="not JSON compliant"):
        emit_json({"score": float("nan")})


def test_an_error_is_one_line_whatever_is_in_it():
    error = MorphvecError("a\nfile", "the\trule", "the  mend\n")
    assert str(error) == "a file; the rule; the mend"
    assert (error.value, error.rule, error.mend) == ("a\nfile", "the\trule", "the  mend\n")
    assert str(UnknownWordError("'x'", "not known", "check")) == "'x'; not known; check"
    assert isinstance(UnknownWordError("", "", ""), KeyError)
