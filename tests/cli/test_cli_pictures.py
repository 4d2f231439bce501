"""``map`` and ``plot``: what they write, print and refuse."""

from __future__ import annotations

import sys

import pytest
from cli_helpers import FAST, write


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A model of two languages."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("joint")
    lines = [[f"{n}\t{side}{n % 7} {side}{n % 5}x {side}und" for n in range(60)] for side in ("a", "b")]
    spa, por = (write(folder / f"{name}.tsv", rows) for name, rows in zip(("spa", "por"), lines, strict=True))
    arguments = [
        "train",
        f"spa={spa}",
        f"por={por}",
        "-o",
        str(folder / "m"),
        "--align-ids",
        *FAST,
        "--quiet",
    ]
    assert execute(arguments) == 0
    return folder / "m"


def test_a_map_says_what_it_keeps(cli, model, tmp_path):
    file = tmp_path / "map.svg"
    out = cli.done("map", model, "-o", file, "--words", 30, "--quiet")
    assert "30 words" in out
    assert "neighbour preservation" in out
    assert "neighbour preservation" in file.read_text(encoding="utf-8")
    first = file.read_bytes()
    cli.done("map", model, "-o", file, "--words", 30, "--quiet")
    assert file.read_bytes() == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.svg"]


def test_the_map_as_a_page_and_its_json(cli, model, tmp_path):
    file = tmp_path / "map.html"
    document = cli.json(
        "map", model, "-o", file, "--projection", "pca", "--neighbours", 3, "--colour", "frequency"
    )
    assert document["preservation"]["k"] == 3
    assert document["colour"] == "frequency"
    assert 0 <= document["preservation"]["share"] <= 1
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_pairs_are_drawn_by_pca_and_lost_ones_said(cli, model, tmp_path):
    pairs = write(tmp_path / "pairs.tsv", ["walk\twalked", "talk\ttalked", "jump\tjumped", "zzzz9\tqqqq9"])
    document = cli.json("map", model, "-o", tmp_path / "p.png", "--pairs", pairs)
    assert document["projection"] == "pca"
    assert document["parallel"]["pairs"] + document["pairs_left_out"] == 4
    assert -1 <= document["parallel"]["mean"] <= 1


def test_classes_come_from_a_table(cli, model, unimorph, tmp_path):
    document = cli.json(
        "map",
        model,
        "-o",
        tmp_path / "m.html",
        "--projection",
        "pca",
        "--colour",
        "class",
        "--unimorph",
        unimorph,
    )
    assert {group["name"] for group in document["groups"]} == {"V;PST", "V;PRS;V.PTCP", "V;3;PRS;SG"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["-o", "{}/a.gif"], "a.gif"),
        (["-o", "{}/no/a.png"], "no"),
        (["-o", "{}/a.html", "--projection", "umap"], "umap"),
        (["-o", "{}/a.html", "--colour", "red"], "red"),
        (["-o", "{}/a.html", "--words", "2"], "words"),
        (["-o", "{}/a.html", "--size", "huge"], "huge"),
        (["-o", "{}/a.html", "--colour", "cluster", "--clusters", "1"], "clusters"),
        (["-o", "{}/a.html", "--pairs", "x", "--word-list", "y"], "--pairs"),
        (["-o", "{}/a.html", "--pairs", "{}/absent.tsv"], "absent"),
        (["-o", "{}/a.html", "--language", "spa"], "spa"),
    ],
)
def test_what_a_map_refuses(cli, model, tmp_path, options, named):
    value, _, _ = cli.refused("map", model, "--quiet", *(option.format(tmp_path) for option in options))
    assert named in value
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named_before_any_work(cli, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _, rule, mend = cli.refused("map", model, "-o", tmp_path / "a.png")
    assert "view" in rule
    assert "pip install 'morphvec[view]'" in mend
    cli.refused("plot", "norms", model, "-o", tmp_path / "a.png")
    cli.done("map", model, "-o", tmp_path / "a.html", "--projection", "pca", "--quiet")


@pytest.mark.parametrize("kind", ["training", "norms", "angles", "spectrum"])
def test_plots_are_written_and_their_figures_printed(cli, model, tmp_path, kind):
    file = tmp_path / f"{kind}.svg"
    document = cli.json("plot", kind, model, "-o", file)
    assert document["plot"] == kind
    assert len(document) > 2
    assert file.read_bytes().startswith(b"<?xml")


def test_two_models_in_one_plot(cli, models, unimorph, tmp_path):
    document = cli.json("plot", "spectrum", *models, "-o", tmp_path / "s.svg")
    assert list(document["models"]) == ["m0", "m1"]
    document = cli.json("plot", "compactness", *models, "-o", tmp_path / "c.svg", "--unimorph", unimorph)
    assert document["models"]["m0"]["classes"] == 3
    assert "m1: 3 classes" in (tmp_path / "c.svg").read_text(encoding="utf-8")
    cli.refused("plot", "norms", *models, "-o", tmp_path / "n.svg")
    cli.refused("plot", "training", models[0], models[0], "-o", tmp_path / "t.svg")


def test_neighbours_between_languages(cli, joint, model, tmp_path):
    document = cli.json(
        "plot", "languages", joint, "-o", tmp_path / "l.svg", "--languages", "spa", "por", "--words", 4
    )
    assert [one["word"][0] for one in document["nearest"]] == ["a"] * 4
    assert [one["nearest"][0] for one in document["nearest"]] == ["b"] * 4
    cli.refused("plot", "languages", model, "-o", tmp_path / "x.svg")


@pytest.mark.parametrize("kind", ["compactness", "pie"])
def test_what_a_plot_refuses(cli, model, tmp_path, kind):
    value, _, _ = cli.refused("plot", kind, model, "-o", tmp_path / "a.svg")
    assert kind in value
