"""``morphvec explore``: the address, a port in use, what is missing, Ctrl-C."""

from __future__ import annotations

import json
import sys
import urllib.request

import pytest
from cli_helpers import INTERRUPT, start

from morphvec.view.serve import listen


def test_it_serves_until_ctrl_c(models):
    running = start("explore", *models, "--port", "0", "--no-browser")
    address = running.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{address}api/models", timeout=30) as answer:
        found = json.load(answer)["models"]
    assert [one["name"] for one in found] == ["m0", "m1"]
    running.send_signal(INTERRUPT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert err.splitlines() == ["Ctrl-C ends it", "ended"]


def test_a_port_in_use(cli, model):
    with listen(0) as taken:
        port = taken.getsockname()[1]
        value, rule, mend = cli.refused("explore", model, "--port", port, "--no-browser")
    assert value.startswith(f"port {port}: ")
    assert "port of its own" in rule
    assert "--port" in mend


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(cli, model, port):
    cli.refused("explore", model, "--port", port)


def test_a_model_that_is_none(cli, tmp_path):
    cli.refused("explore", tmp_path / "nothing", "--no-browser")


def test_without_the_extra_it_says_what_to_install(cli, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "morphvec.view.serve", raising=False)
    value, rule, mend = cli.refused("explore", model, "--no-browser")
    assert "uvicorn" in value
    assert "extra explore" in rule
    assert "pip install 'morphvec[explore]'" in mend
