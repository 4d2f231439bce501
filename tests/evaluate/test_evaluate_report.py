"""Results of a model, comparisons of two, and their tables."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model

from morphvec.errors import InputError, OptionError
from morphvec.evaluate import DictionarySet, compare, evaluate, markdown_table, read_similarity, text_table
from morphvec.report import Reporter

KEYS = ["task", "dataset", "metric", "score", "low", "high", "n", "total", "coverage", "unknown", "detail"]
COMPARED = ["task", "dataset", "metric", "a", "b", "difference", "low", "high", "n", "real"]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    similarity = tmp_path / "sim|ilarity.tsv"
    picks = [rng.choice(30, 2, replace=False) for _ in range(40)]
    similarity.write_text("".join(f"w{a}\tw{b}\t{rng.random():.2f}\n" for a, b in picks) + "w1\tnone\t3\n")
    analogy = tmp_path / "analogy.tsv"
    picks = [rng.choice(30, 4, replace=False) for _ in range(20)]
    analogy.write_text("".join(f"gram1\tw{a}\tw{b}\tw{c}\tw{d}\n" for a, b, c, d in picks))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"I01\tw{i}\tw{i + 1}/other\n" for i in range(0, 12, 2)))
    return words, {"similarity": [similarity], "analogy": [analogy], "pairs": [pairs]}


def composing(words, seed=0):
    return random_model(
        seed, words, parts={"none": np.ones(8)}, composes=True, counts=np.arange(len(words), 0, -1)
    )


def test_results_are_the_contracts(files):
    words, sets = files
    results = evaluate(composing(words), **sets)
    document = json.loads(json.dumps([result.as_json() for result in results], allow_nan=False))
    assert all(list(result) == KEYS for result in document)
    found = {(r["task"], r["metric"], r["unknown"]): r for r in document}
    assert list(found) == [
        ("similarity", "spearman", "skip"),
        ("similarity", "pearson", "skip"),
        ("similarity", "spearman", "compose"),
        ("similarity", "pearson", "compose"),
        ("analogy", "gram1", "skip"),
        ("analogy", "semantic", "skip"),
        ("analogy", "syntactic", "skip"),
        ("analogy", "all", "skip"),
        ("pairs", "I01", "skip"),
        ("pairs", "all", "skip"),
    ]
    skip, compose = found["similarity", "spearman", "skip"], found["similarity", "spearman", "compose"]
    assert (skip["n"], skip["total"], skip["coverage"]) == (40, 41, 40 / 41)
    assert compose["n"] == 41
    assert skip["low"] < skip["score"] < skip["high"]
    assert skip["dataset"] == "sim|ilarity.tsv"
    semantic = found["analogy", "semantic", "skip"]
    assert semantic["score"] is semantic["low"] is semantic["high"] is None
    assert (semantic["n"], semantic["total"], semantic["coverage"]) == (0, 0, 0.0)
    assert semantic["detail"]["reason"]
    assert found["pairs", "all", "skip"]["total"] == 30


def test_a_model_that_does_not_compose_has_one_row(files):
    words, sets = files
    results = evaluate(random_model(0, words), similarity=sets["similarity"])
    assert [(result.metric, result.unknown) for result in results] == [
        ("spearman", "skip"),
        ("pearson", "skip"),
    ]
    zero = evaluate(random_model(0, words), similarity=sets["similarity"], unknown="zero")
    assert [(result.unknown, result.n) for result in zero] == [("zero", 41)] * 2


def test_runs_repeat_and_the_seed_moves_the_interval_only(files):
    words, sets = files
    first, again, other = (evaluate(composing(words), **sets, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert [result.score for result in first] == [result.score for result in other]
    assert [result.low for result in first] != [result.low for result in other]
    bare = evaluate(composing(words), **sets, bootstrap=0)
    assert all(result.low is None and result.high is None for result in bare)
    assert [result.score for result in bare] == [result.score for result in first]


def test_few_draws_are_told(tmp_path):
    path = tmp_path / "few.tsv"
    path.write_text("a\tb\t1\na\tc\t1\nb\tc\t2\n")
    for result in evaluate(random_model(0, ["a", "b", "c"]), similarity=[path]):
        assert result.detail["draws"] < 1000
    path.write_text("a\tb\t1\na\tc\t1\n")
    for result in evaluate(random_model(0, ["a", "b", "c"]), similarity=[path]):
        assert (result.score, result.low, result.n) == (None, None, 2)
        assert "at least 3" in result.detail["reason"]


def test_bilingual_results():
    words = ["eng:a", "eng:b", "spa:c", "spa:d"]
    model = FakeModel(words, [[1, 0], [0, 1], [1, 0.1], [0.1, 1]], languages=("eng", "spa"))
    data = DictionarySet("dict.tsv", (("a", "c"), ("b", "d")))
    results = evaluate(model, bli=[("eng", "spa", data)])
    assert len(results) == 16
    assert {r.metric: r.score for r in results}["csls p@1"] == 1.0
    assert {r.task for r in results} == {"bli"}
    both = compare(model, model, bli=[("eng", "spa", data)])
    assert all(row.difference == 0.0 and not row.real for row in both)


def test_pairs_of_two_languages(tmp_path):
    words = ["eng:sun", "eng:moon", "eng:sea", "spa:sol", "spa:luna", "spa:sun"]
    vectors = [[1, 0], [0, 1], [1, 1], [1, 0.1], [0.3, 1], [-1, 0]]
    model = FakeModel(words, vectors, languages=("eng", "spa"))
    path = tmp_path / "pairs.tsv"
    path.write_text("sun\tsol\t9\nmoon\tluna\t8\nSea\tsol\t4\nspa:sun\tsun\t1\n", encoding="utf-8")
    across = evaluate(model, similarity=[f"eng:spa={path}"])[0]
    # cosines 0.995, 0.958, 0.774; the last pair carries its first language itself, and its second is spa:sun: 1
    assert (across.n, across.dataset) == (4, "pairs.tsv")
    assert across.score == pytest.approx(-0.2)  # ranks 4 3 2 1 of scores, 3 2 1 4 of cosines
    assert evaluate(model, similarity=[f"eng={path}"])[0].n == 1  # spa:sun eng:sun
    assert evaluate(model, similarity=[f"eng={path}"])[0].score is None
    assert evaluate(model, similarity=[str(path)], language="spa")[0].n == 2  # sun sol, spa:sun sun
    with pytest.raises(OptionError, match="language 'deu'"):
        evaluate(model, similarity=[f"eng:deu={path}"])


def test_bad_settings_and_files_come_before_work(files, tmp_path):
    words, sets = files
    model = random_model(0, words)
    for options in (
        {},
        {**sets, "unknown": "guess"},
        {**sets, "unknown": "compose"},
        {**sets, "restrict": 0},
        {**sets, "analogy_method": "x"},
        {**sets, "bootstrap": -1},
        {**sets, "seed": -1},
        {**sets, "language": "eng"},
        {"bli": [("eng", "spa", tmp_path / "missing")]},
    ):
        with pytest.raises((OptionError, InputError)):
            evaluate(model, **options)
    (tmp_path / "d.tsv").write_text("a\tb\n")
    with pytest.raises(OptionError, match="no languages"):
        evaluate(model, **sets, bli=[("eng", "spa", tmp_path / "d.tsv")])


def test_progress_is_told(files):
    words, sets = files
    stream = io.StringIO()
    evaluate(random_model(0, words), **sets, reporter=Reporter(stream=stream))
    assert "evaluate: 3 tests" in stream.getvalue()


def test_comparison_is_on_the_items_of_both(files):
    words, sets = files
    a, b = random_model(0, words), random_model(1, words[:25])
    rows = compare(a, b, **sets)
    for row in rows:
        assert list(row.as_json())[:10] == COMPARED
        if row.a is not None and row.b is not None:
            assert row.difference == row.a - row.b
            assert row.low <= row.difference <= row.high
            assert row.real == (row.low > 0 or row.high < 0)
    similarity = rows[0]
    alone, _ = evaluate(b, similarity=sets["similarity"])
    assert similarity.n == alone.n < 40
    assert similarity.b == alone.score
    back = compare(b, a, **sets)[0]
    assert back.difference == pytest.approx(-similarity.difference)
    semantic = {row.metric: row for row in rows}["semantic"]
    assert (semantic.a, semantic.difference, semantic.real, semantic.n) == (None, None, False, 0)
    json.dumps([row.as_json() for row in rows], allow_nan=False)


def test_a_real_difference_is_seen(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 10))
    words = [f"w{i}" for i in range(60)]
    good = FakeModel(words, vectors)
    path = tmp_path / "sim.tsv"
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    path.write_text(
        "".join(f"w{i}\tw{j}\t{unit[i] @ unit[j]}\n" for i in range(59) for j in (i + 1, (i + 7) % 60))
    )
    for row in compare(good, random_model(5, words), similarity=[path]):
        assert row.a == pytest.approx(1.0)
        assert row.real
        assert row.low > 0.5


def test_composed_rows_are_compared_where_both_compose(files):
    words, sets = files
    both = compare(composing(words), composing(words, 1), similarity=sets["similarity"])
    assert [row.unknown for row in both] == ["skip", "skip", "compose", "compose"]
    mixed = compare(composing(words), random_model(1, words), similarity=sets["similarity"])
    assert [row.unknown for row in mixed] == ["skip", "skip"]


def test_tables(files):
    words, sets = files
    one, two = evaluate(composing(words), **sets), evaluate(random_model(1, words), **sets)
    text = text_table([("first", one), ("第二", two)])
    lines = text.split("\n")
    assert lines[0].split()[-2:] == ["first", "第二"]
    assert f"{one[0].score:.3f} [{one[0].low:.3f}, {one[0].high:.3f}] 40/41" in lines[1]
    assert lines[3].rstrip().endswith("–")  # the second model has no row for compose
    assert "– first, analogy analogy.tsv semantic: the file has no section of this kind" in lines
    markdown = markdown_table([("first", one), ("a|b", two)]).split("\n")
    assert markdown[0].endswith("| first | a\\|b |")
    assert markdown[1] == "| --- | --- | --- | --- | --- | --- |"
    assert "sim\\|ilarity.tsv" in markdown[2]
    assert all(line.count(" | ") == 5 for line in markdown[2:10])


def test_a_name_cannot_break_a_table(files):
    words, sets = files
    results = [
        replace(result, dataset="a\nb\x1b[2J")
        for result in evaluate(random_model(0, words), analogy=sets["analogy"])
    ]
    text = text_table([("m\r", results)])
    assert "\x1b" not in text
    assert "a?b?[2J" in text


def test_sets_can_be_read_beforehand(files):
    words, sets = files
    model = random_model(0, words)
    ready = read_similarity(sets["similarity"][0])
    assert evaluate(model, similarity=[ready]) == evaluate(model, similarity=sets["similarity"])
