"""morphvec explain: the document of the contract, tables for people, and the cells of an association."""

from __future__ import annotations

import pytest

from morphvec import load


def check(told):
    assert list(told) == ["a", "b", "dot", "cosine", "parts", "features", "rest"]
    assert all(list(part) == ["a", "b", "share"] for part in told["parts"])
    assert all(list(item) == ["block", "feature", "share"] for item in told["features"])
    assert sum(part["share"] for part in told["parts"]) == pytest.approx(told["dot"], abs=1e-5)
    assert sum(item["share"] for item in told["features"]) + told["rest"] == pytest.approx(
        told["dot"], abs=1e-5
    )


def test_the_document(cli, model):
    told = cli.json("explain", model, "walked", "talked")
    check(told)
    similar = cli.json("similarity", model, "walked", "talked")
    assert (told["dot"], told["cosine"]) == (similar["dot"], similar["cosine"])
    assert {"own", "ked>", "<wal"} <= {part["a"] for part in told["parts"]}
    assert 0 < len(told["features"]) <= 20
    assert {item["block"] for item in told["features"]} == {"window"}
    unseen = cli.json("explain", model, "walkeding", "TALKED", "-n", "0")
    check(unseen)
    assert unseen["a"] == "walkeding"
    assert len(unseen["features"]) == len(load(model).features)
    assert unseen["rest"] == pytest.approx(0, abs=1e-6)


def test_for_people(cli, model):
    out = cli.done("explain", model, "walked", "talked", "-n", "3")
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("walked and talked: cosine ")
    assert ["By", "parts"] in lines
    assert ["By", "features"] in lines
    shares = [float(line[-1].rstrip("%")) for line in lines if line and line[-1].endswith("%")]
    assert len(shares) == 2 * 4
    assert sum(shares[:4]) == pytest.approx(100, abs=0.3)
    assert sum(shares[4:]) == pytest.approx(100, abs=0.3)


def test_markup_in_words_is_printed_as_it_is(cli, tmp_path):
    (tmp_path / "v.txt").write_text("[red]x[/red] 1 2\n[bold] 2 1\n")
    cli.done("import", tmp_path / "v.txt", "-o", tmp_path / "m", "--from", "glove")
    out = cli.done("explain", tmp_path / "m", "[red]x[/red]", "[bold]")
    assert out.startswith("[red]x[/red] and [bold]: cosine 0.8000, dot 4")
    assert "neither parts nor feature vectors" in out


def test_by_the_cells_of_an_association(cli, corpus, tmp_path):
    V, C, A, M = (tmp_path / name for name in "VCAM")
    cli.done("vocab", corpus, "-o", V, "--min-count", "1", "--quiet")
    cli.done("count", corpus, "--vocab", V, "-o", C, "--quiet")
    cli.done("weigh", C, "-o", A, "--quiet")
    fit = [
        "--dim",
        "8",
        "--parts",
        "own",
        "--ridge",
        "0.001",
        "--epochs",
        "60",
        "--cg-steps",
        "30",
        "--quiet",
    ]
    cli.done("fit", A, "-o", M, *fit)
    told = cli.json("explain", M, "walked", "talked", "--association", A, "-n", "0")
    check(told)
    # free rows near their fixed point: the cells tell nearly all
    assert abs(told["rest"]) < 0.02 * told["dot"]
    assert {item["feature"] for item in told["features"][:5]} & {"time2", "who2"}
    value, rule, _ = cli.refused("explain", M, "walked", "talked", "--association", V)
    assert "vocabulary" in value + rule
