"""The examples run, and their main figures are what their text says."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested_here() -> None:
    tested = {
        "exercise_network",
        "logistic_regression",
        "attribute_matrix",
        "hypergradient",
        "finite_differences",
        "negative_sampling_is_pmi",
    }
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested


def test_exercise_network(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    figures = example("exercise_network").main([str(tmp_path / "network.svg")])
    assert figures["w12(2)"] == pytest.approx(0.96405, abs=5e-6)
    assert figures["w22(1)"] == pytest.approx(0.99928, abs=5e-6)
    assert figures["loss"] == pytest.approx(1.78706, abs=5e-6)
    assert figures["rows of W' that move"] == 6
    printed = capsys.readouterr().out
    assert "0.96405" in printed
    assert "0.99928" in printed
    labels = [item.text for item in ET.parse(tmp_path / "network.svg").iter() if item.tag.endswith("text")]
    assert labels.count("sigmoid") == 2
    assert {"W", "V"} <= set(labels)


def test_logistic_regression(capsys: pytest.CaptureFixture[str]) -> None:
    figures = example("logistic_regression").main()
    assert figures["first"] == pytest.approx(80 * np.log(2))
    assert figures["slide"] < figures["usual"] < 0.5 * figures["first"]  # σ(2x) walks four times as fast
    assert figures["doubled"] < 1e-9
    assert figures["network"] == pytest.approx(figures["usual"], rel=1e-10)
    np.testing.assert_allclose(figures["network weights"], figures["weights"], rtol=1e-9)
    assert "55.4518" in capsys.readouterr().out


def test_attribute_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    module = example("attribute_matrix")
    figures = module.main()
    by_hand = dict(zip(module.WORDS, figures["by hand"], strict=True))
    # students: academic, plural, a person → papers +1, are +1, standing +1, bill −1, is −1, built 0
    powers = np.exp([-1, -1, 1, 1, 0, 1])
    np.testing.assert_allclose(by_hand["students"], powers / powers.sum(), rtol=1e-12)
    is_, are = module.NEXT.index("is"), module.NEXT.index("are")
    for word in ("students", "colleges", "legislators"):
        assert by_hand[word][are] / by_hand[word][is_] == pytest.approx(np.exp(2))
    assert by_hand["schoolhouse"][are] == pytest.approx(by_hand["schoolhouse"][is_])
    assert by_hand["legislators"][module.NEXT.index("bill")] > by_hand["students"][module.NEXT.index("bill")]
    np.testing.assert_allclose(figures["learned"], figures["by hand"], atol=1e-3)
    assert abs(figures["excess"]) < 1e-6
    assert "legislators" in capsys.readouterr().out


def test_hypergradient(capsys: pytest.CaptureFixture[str]) -> None:
    figures = example("hypergradient").main(outer=6, rows=12, columns=8, steps=25)
    np.testing.assert_allclose(figures["autodiff"], figures["differences"], rtol=1e-6)
    assert np.abs(figures["autodiff"]).min() > 1e-4
    assert figures["path"][-1][2] < figures["path"][0][2]
    assert "ln learning rate" in capsys.readouterr().out


def test_hypergradient_of_its_own_size() -> None:
    module = example("hypergradient")
    ours, differences = module.compare(module.problem(), module.START)
    np.testing.assert_allclose(ours, differences, rtol=1e-6)


def test_finite_differences(capsys: pytest.CaptureFixture[str]) -> None:
    module = example("finite_differences")
    figures = module.main()
    h, one, two = np.array(figures["rows"]).T
    # Taylor's part of the error falls as h and as h², rounding's grows as 1/h.
    assert np.polyfit(np.log(h[1:6]), np.log(one[1:6]), 1)[0] == pytest.approx(1, abs=0.05)
    assert np.polyfit(np.log(h[1:4]), np.log(two[1:4]), 1)[0] == pytest.approx(2, abs=0.05)
    assert 1e-10 <= h[np.argmin(one)] <= 1e-7
    assert 1e-7 <= h[np.argmin(two)] <= 1e-5
    assert one[-1] > 1e4 * one.min()
    assert figures["autodiff"] < 1e-14 < two.min() < one.min()
    assert "two-sided" in capsys.readouterr().out


def test_finite_differences_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target: Any = tmp_path / "differences.png"
    example("finite_differences").main(["--plot", str(target)])
    assert target.read_bytes().startswith(b"\x89PNG")


def test_negative_sampling_is_pmi(capsys: pytest.CaptureFixture[str]) -> None:
    figures = example("negative_sampling_is_pmi").main()
    assert set(figures["paths"]) == {1, 5, 15}
    for gaps in figures["paths"].values():
        assert gaps[0] > 1
        assert gaps[-1] < 1e-9
        near = [gap for gap in gaps if 1e-7 < gap < 0.1]
        assert all(after < 2 * before**2 for before, after in pairwise(near))  # Newton: quadratic
    short = [figures["best"] - value for value, _ in figures["fits"].values()]
    assert all(less > more > 0 for less, more in pairwise(short))  # each dimension helps, and none gets above
    assert list(figures["fits"])[-1] == len(figures["words"])
    assert short[-1] < 1e-3
    assert "PMI − ln k" in capsys.readouterr().out
