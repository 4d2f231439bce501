"""Bands by frequency, items with constrained words, summaries over models."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model
from naive_evaluate import pearson, spearman
from scipy.stats import t as student_t

from morphvec.errors import ArtifactError, OptionError
from morphvec.evaluate import (
    AnalogySet,
    DictionarySet,
    Outcome,
    RelationSet,
    SimilaritySet,
    evaluate,
    markdown_table,
    read_constrained,
    summarise,
    text_table,
)
from morphvec.evaluate.datasets import Question, RelatedWord
from morphvec.evaluate.intervals import correlation_interval, mean_interval
from morphvec.evaluate.measure import BANDS, apart, bands, measure
from morphvec.morphology.tables import Table

WORDS = [f"w{i}" for i in range(40)]
COUNTS = np.array([20000, 10000, 9999, 1000, 999, 100, 99, 10, 9, 1] * 4)


def hits(values, counts=None, words=None, clusters=None):
    return Outcome(
        "analogy",
        "set",
        "all",
        "skip",
        len(values) + 1,
        np.arange(len(values)),
        np.array(values, dtype=float),
        clusters=clusters,
        counts=None if counts is None else np.array(counts),
        words=None if words is None else np.array(words),
        keys=WORDS,
    )


def model(seed=0, counts=COUNTS, words=WORDS, **options):
    return random_model(seed, words, counts=counts, **options)


# ------------------------------------------------------------------------------------------------- bands


def test_bands_part_the_items_at_powers_of_ten():
    counts = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 10**9]
    found = bands(hits([1.0] * 11, counts), bootstrap=0, seed=0)
    assert {name: band["n"] for name, band in found.items()} == {
        "unseen": 1,
        "<10": 2,
        "10-99": 2,
        "100-999": 2,
        "1000-9999": 2,
        ">=10000": 2,
    }
    assert list(found) == [name for name, _, _ in BANDS]
    assert list(bands(hits([1.0, 0.0], [5, 12000]), bootstrap=0, seed=0)) == ["<10", ">=10000"]
    assert bands(hits([1.0]), bootstrap=0, seed=0) is None
    assert bands(hits([], []), bootstrap=0, seed=0) == {}


def test_a_band_is_the_test_on_its_items_alone():
    rng = np.random.default_rng(0)
    values, clusters = rng.integers(0, 2, 60).astype(float), np.repeat(np.arange(20), 3)
    outcome = hits(values, np.repeat([5, 50], 30), clusters=clusters)
    found = bands(outcome, bootstrap=200, seed=3)
    for name, part in (("<10", slice(30)), ("10-99", slice(30, 60))):
        alone = mean_interval(values[part], clusters=clusters[part], resamples=200, seed=3)
        assert found[name] == {
            "n": 30,
            "score": values[part].mean(),
            "low": alone.low,
            "high": alone.high,
        }
    gold = rng.standard_normal(60)
    for metric, naive in (("spearman", spearman), ("pearson", pearson)):
        graded = replace(outcome, metric=metric, values=rng.standard_normal(60), gold=gold, clusters=None)
        band = bands(graded, bootstrap=100, seed=1)["10-99"]
        x, y = graded.values[30:], gold[30:]
        assert band["score"] == pytest.approx(naive(list(x), list(y)), abs=1e-12)
        interval = correlation_interval(metric, x, y, resamples=100, seed=1)
        assert (band["low"], band["high"]) == (interval.low, interval.high)


def test_a_band_too_small_for_a_correlation_stays_with_its_n():
    outcome = replace(hits([0.1, 0.2, 0.3], [5, 5, 50]), metric="spearman", gold=np.arange(3.0))
    found = bands(outcome, bootstrap=10, seed=0)
    assert found["<10"] == {"n": 2, "score": None, "low": None, "high": None}
    assert measure(outcome, bootstrap=10, seed=0).score == 1.0


def least(words, answers=()):
    """The rule by its words: of several answers the most frequent one, then the rarest of all."""
    of = dict(zip(WORDS, COUNTS.tolist(), strict=True))
    return min([of[word] for word in words] + ([max(of[word] for word in answers)] if answers else []))


def expected_bands(items):
    found = {}
    for count in items:
        name = next(name for name, low, high in BANDS if low <= count and (high is None or count <= high))
        found[name] = found.get(name, 0) + 1
    return found


def sizes(result):
    return {name: band["n"] for name, band in result.detail["bands"].items()}


def test_each_task_goes_by_its_rarest_word():
    rng = np.random.default_rng(1)
    picks = [tuple(WORDS[i] for i in rng.choice(40, 4, replace=False)) for _ in range(50)]
    pairs = SimilaritySet("s", tuple((a, b) for a, b, _, _ in picks), rng.random(50))
    questions = AnalogySet("a", tuple(Question(("gram1", "family")[len(q[0]) % 2], *q) for q in picks))
    results = {(r.task, r.metric): r for r in evaluate(model(), similarity=[pairs], analogy=[questions])}
    for metric in ("spearman", "pearson"):
        assert sizes(results["similarity", metric]) == expected_bands(least(p[:2]) for p in picks)
    assert sizes(results["analogy", "all"]) == expected_bands(least(p) for p in picks)
    totals = {metric for (task, metric), r in results.items() if task == "analogy" and "bands" in r.detail}
    assert totals == {"semantic", "syntactic", "all"}
    assert not any("bands" in r.detail for r in evaluate(model(counts=None), similarity=[pairs]))


def test_one_of_several_answers_is_enough():
    rows = (
        RelatedWord("r", "w0", ("w8", "w1")),  # 20000; the most frequent answer 10000
        RelatedWord("r", "w3", ("w9", "none")),  # 1000; 1
        RelatedWord("r", "w10", ("w13",)),  # 20000; 1000
    )
    result = {r.metric: r for r in evaluate(model(), pairs=[RelationSet("p", rows)])}["all"]
    # Six questions a : b :: c : ?; b is the first answer of a's row that is known.
    first = {"w0": "w8", "w3": "w9", "w10": "w13"}
    answers = {"w0": ["w8", "w1"], "w3": ["w9"], "w10": ["w13"]}
    expected = [least([a, first[a], c], answers[c]) for a in first for c in first if a != c]
    assert sizes(result) == expected_bands(expected)
    (alone,) = (
        r
        for r in evaluate(model(), pairs=[RelationSet("p", rows)], analogy_method="pair-average")
        if r.metric == "all"
    )
    assert sizes(alone) == expected_bands(least([c], answers[c]) for c in first)


def test_dictionaries_and_tables_have_bands():
    words = [f"{language}:{word}" for language in ("eng", "spa") for word in WORDS]
    both = random_model(0, words, counts=np.concatenate([COUNTS, COUNTS]), languages=("eng", "spa"))
    data = DictionarySet("d", (("w0", "w9"), ("w0", "w1"), ("w4", "w1"), ("w7", "w8")))
    for result in evaluate(both, bli=[("eng", "spa", data)], bootstrap=0):
        if "spelled" not in result.metric:
            assert sizes(result) == {">=10000": 1, "100-999": 1, "<10": 1}
    table = Table("", ["w0", "w2", "w4"], ["w1", "w3", "w9"], ["PL"] * 3, "t.tsv")
    for result in evaluate(model(), paradigms=[table], bootstrap=0):
        if result.task == "paradigms":
            assert sizes(result) == {">=10000": 1, "1000-9999": 1, "<10": 1}
        else:
            assert "bands" not in result.detail


# ------------------------------------------------------------------------------------------- constrained


def test_constrained_items_are_set_apart():
    outcome = hits([1, 0, 1, 1], words=[[0, 1], [2, 3], [4, -1], [5, 0]])
    found = apart(outcome, {"w0", "w3", "elsewhere"}, bootstrap=50, seed=2)
    touched, others = np.array([1.0, 0.0, 1.0]), np.array([1.0])
    for part, values in ((found, touched), (found["without"], others)):
        interval = mean_interval(values, resamples=50, seed=2)
        assert (part["n"], part["score"]) == (len(values), values.mean())
        assert (part["low"], part["high"]) == (interval.low, interval.high)
    assert (found["words"], found["words_total"]) == (["w0", "w3"], 2)
    none = apart(outcome, frozenset(), bootstrap=0, seed=0)
    assert (none["n"], none["score"], none["words"]) == (0, None, [])
    assert none["without"]["score"] == 0.75
    assert apart(hits([1.0]), {"w0"}, bootstrap=0, seed=0) is None


def test_twenty_words_are_listed():
    outcome = hits([1.0] * 20, words=np.arange(40).reshape(20, 2))
    found = apart(outcome, set(WORDS), bootstrap=0, seed=0)
    assert (found["words"], found["words_total"], found["n"]) == (WORDS[:20], 40, 20)
    assert found["without"] == {"n": 0, "score": None, "low": None, "high": None}


def test_every_task_says_which_items_are_constrained():
    pairs = SimilaritySet("s", tuple((WORDS[i], WORDS[i + 1]) for i in range(20)), np.arange(20.0))
    questions = AnalogySet("a", tuple(Question("x", *WORDS[i : i + 4]) for i in range(20)))
    related = RelationSet(
        "p", tuple(RelatedWord("r", WORDS[i], (WORDS[i + 20], WORDS[39])) for i in range(5))
    )
    table = Table("", WORDS[:3], WORDS[3:6], ["PL"] * 3, "t.tsv")
    told = {"w5", "w39"}
    results = evaluate(
        model(),
        similarity=[pairs],
        analogy=[questions],
        pairs=[related],
        paradigms=[table],
        constrained=told,
        bootstrap=0,
    )
    found = {(r.task, r.metric): r.detail.get("constrained") for r in results}
    assert found["similarity", "spearman"]["n"] == found["similarity", "pearson"]["n"] == 2
    assert found["analogy", "all"]["n"] == found["analogy", "x"]["n"] == 4
    assert found["pairs", "all"]["n"] == 20  # any right answer counts, and w39 is right for all
    assert found["pairs", "all"]["words"] == ["w39"]
    assert found["paradigms", "mrr"]["n"] == 1
    assert found["classes", "compactness"] is None
    for result in results:
        split = result.detail.get("constrained")
        if split is not None and result.task != "similarity" and result.n:
            total = sum(p["n"] * (p["score"] or 0) for p in (split, split["without"]))
            assert split["n"] + split["without"]["n"] == result.n
            assert total / result.n == pytest.approx(result.score)
    assert not any("constrained" in r.detail for r in evaluate(model(), similarity=[pairs], bootstrap=0))
    json.dumps([r.as_json() for r in results], allow_nan=False)


def test_dictionary_items_have_languages():
    words = [f"{language}:{word}" for language in ("eng", "spa") for word in WORDS]
    both = random_model(0, words, languages=("eng", "spa"))
    data = DictionarySet("d", (("w0", "w9"), ("w9", "w1"), ("w7", "w8")))
    for told, n in ((["eng:w9"], 1), (["spa:w9", "spa:w8"], 2), (["w9"], 0)):
        for result in evaluate(both, bli=[("eng", "spa", data)], constrained=told, bootstrap=0):
            if "spelled" not in result.metric:
                assert result.detail["constrained"]["n"] == n


def test_the_list_of_a_folder(tmp_path):
    def folder(name, **files):
        place = tmp_path / name
        place.mkdir()
        parts = {}
        for stem, text in files.items():
            (place / f"{stem}.tsv").write_text(text)
            parts[f"{stem}.tsv"] = {"bytes": len(text.encode())}
        manifest = {"format": "morphvec", "format_version": 1, "noun": "model", "parts": parts}
        (place / "manifest.json").write_text(json.dumps(manifest))
        return place

    assert read_constrained(folder("old", analyses="x\ty\tz\n")) is None
    place = folder(
        "new", constrained="walk\toffset,parts\nran\tlemma\n", analyses="walks\twalk\tPL\n", vocab="no\t1\n"
    )
    assert read_constrained(place) == read_constrained(str(place)) == {"walk", "ran", "walks"}
    with pytest.raises(ArtifactError, match="a line begins with a word"):
        read_constrained(folder("torn", constrained="walk\toffset\n\tlemma\n"))
    with pytest.raises(ArtifactError):
        read_constrained(tmp_path / "nowhere")


# ------------------------------------------------------------------------------------- summaries, tables


PAIRS = SimilaritySet("s.tsv", tuple((WORDS[i], WORDS[39 - i]) for i in range(20)), np.arange(20.0))


def scored(seeds, told=None, bootstrap=0):
    return [
        (f"m{seed}", evaluate(model(seed), similarity=[PAIRS], constrained=told, bootstrap=bootstrap))
        for seed in seeds
    ]


def test_a_summary_is_mean_and_spread():
    found = scored(range(4))
    summaries, left_out = summarise(found)
    assert left_out == []
    assert [(one.metric, one.models, one.n) for one in summaries] == [("spearman", 4, 20), ("pearson", 4, 20)]
    scores = [results[0].score for _, results in found]
    mean = sum(scores) / 4
    sd = math.sqrt(sum((score - mean) ** 2 for score in scores) / 3)
    first = summaries[0]
    assert (first.mean, first.sd) == (pytest.approx(mean), pytest.approx(sd))
    reach = student_t.ppf(0.975, 3) * sd / 2
    assert (first.low, first.high) == (pytest.approx(mean - reach), pytest.approx(mean + reach))
    assert list(first.as_json()) == [
        *("task", "dataset", "metric", "unknown", "mean", "sd", "low", "high", "models", "n")
    ]
    with pytest.raises(OptionError, match="at least two"):
        summarise(found[:1])


def test_only_what_all_models_have_is_summarised():
    found = scored(range(2))
    (name, results), other = found
    results[0] = replace(results[0], score=None, detail={"reason": "none"})
    summaries, left_out = summarise([(name, results), other])
    assert [one.metric for one in summaries] == ["pearson"]
    assert left_out == [("similarity", "s.tsv", "spearman", "skip")]
    summaries, left_out = summarise([(name, results[1:]), other])
    assert ([one.metric for one in summaries], len(left_out)) == (["pearson"], 1)
    text = text_table([(name, results), other], summary=True)
    assert "– similarity s.tsv spearman skip: not every model has this score" in text.split("\n")


def test_a_table_of_means():
    found = scored(range(3))
    one = summarise(found)[0][0]
    lines = text_table(found, summary=True).split("\n")
    assert lines[0].split() == ["task", "dataset", "metric", "unknown", "words", "mean", "sd", "models", "n"]
    assert lines[1].split()[4:] == [f"{one.mean:.3f}", f"{one.sd:.3f}", "3", "20"]
    assert "sd: the standard deviation over m0, m1, m2" in lines
    markdown = markdown_table(found, summary=True, bands=True).split("\n")
    assert markdown[0] == "| task | dataset | metric | unknown words | mean | sd | models | n |"
    assert any(line.startswith("| similarity | s.tsv | spearman, count <10 | skip | ") for line in markdown)


def metrics(found, **options):
    table = markdown_table(found, **options).split("\n\n")[0].split("\n")
    return [line.split(" | ")[2] for line in table[2:]]


def test_bands_and_parts_are_rows_where_asked_for():
    found = scored([0, 1], told={"w0", "w3"}, bootstrap=20)
    result = found[0][1][0]
    plain = text_table(found).split("\n")
    assert [line.split()[2] for line in plain[1:3]] == ["spearman", "pearson"]
    assert "m1, similarity s.tsv (skip): 2 of 20 items touch constrained words" in plain
    with_bands = text_table(found, bands=True).split("\n")
    rows = [line for line in with_bands if "spearman, count" in line]
    assert len(rows) == len(result.detail["bands"]) == 3
    band = result.detail["bands"]["<10"]
    assert f"{band['score']:.3f} [{band['low']:.3f}, {band['high']:.3f}] {band['n']}/20" in rows[0]
    assert metrics(found, apart=True)[:3] == [
        "spearman",
        "spearman, constrained",
        "spearman, without constrained",
    ]
    split = text_table(found, apart=True).split("\n")
    assert "– 2/20" in split[2]  # two pairs have no correlation
    assert not any(line.startswith("– m0") for line in split)  # its n says why
    without = result.detail["constrained"]["without"]
    assert f"{without['score']:.3f} [{without['low']:.3f}, {without['high']:.3f}] 18/20" in split[3]


def test_rows_that_only_a_later_model_has_stand_by_their_score():
    few = FakeModel(WORDS, model(3).vectors, counts=np.full(40, 5))
    found = [("few", evaluate(few, similarity=[PAIRS], bootstrap=0)), *scored([0])]
    assert metrics(found, bands=True) == [
        f"{metric}{band}"
        for metric in ("spearman", "pearson")
        for band in ("", ", count <10", ", count 10-99", ", count 100-999")
    ]
