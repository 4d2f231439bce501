"""Paradigm completion and the collapse of classes: by hand, against naive twins, and what is counted."""

from __future__ import annotations

import json

import naive_paradigms as naive
import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model

from morphvec.embeddings.query import as_rows
from morphvec.errors import InputError, OptionError
from morphvec.evaluate import compare, evaluate, markdown_table, text_table
from morphvec.evaluate.collapse import compactness
from morphvec.evaluate.collapse import score as classes
from morphvec.evaluate.inflection import check, language_of
from morphvec.evaluate.intervals import mean_difference_interval, mean_interval
from morphvec.evaluate.paradigms import score
from morphvec.morphology.tables import Table, read_unimorph
from morphvec.rng import stream

METRICS = ["mrr", "p@1", "p@10"]


def table(rows, language="", source="t.tsv"):
    lemmas, forms, features = ([row[place] for row in rows] for place in range(3))
    return Table(language, lemmas, forms, features, source)


def by_name(outcomes):
    return {outcome.metric: outcome for outcome in outcomes}


def verbs(number=4):
    """``number`` verbs and their past forms, one constant offset apart; the third row is noise between them."""
    words, vectors = [], []
    for verb in range(number):
        stem = np.zeros(number + 2)
        stem[verb] = 1.0
        past = stem.copy()
        past[-1] = 1.0
        words += [f"v{verb}", f"v{verb}ed"]
        vectors += [stem, past]
    words.append("noise")
    vectors.append(np.eye(number + 2)[number])
    return FakeModel(words, np.array(vectors), counts=np.arange(len(words), 0, -1))


PAST = [(f"v{verb}", f"v{verb}ed", "V;PST") for verb in range(4)]


# ------------------------------------------------------------------------------------------- by hand


def test_an_offset_that_is_the_same_finds_every_form():
    found = by_name(score(verbs(), table(PAST)))
    assert list(found) == [*METRICS, *(f"lemma {m}" for m in METRICS), *(f"mean-offset {m}" for m in METRICS)]
    assert found["mrr"].values.tolist() == found["mean-offset p@1"].values.tolist() == [1.0] * 4
    # The lemma alone: its own past is at cosine 0.71, all else at 0, so that every baseline finds it as well.
    assert found["lemma mrr"].values.tolist() == [1.0] * 4
    assert (found["mrr"].total, found["mrr"].items.tolist()) == (4, [0, 1, 2, 3])


def test_ranks_by_hand():
    # Unit vectors in the plane, by their angle. b's offset from its lemma points up, and so does c's.
    angle = {"a": 0, "a2": 90, "b": 0, "b2": 60, "c": 0, "c2": 120, "x": 80, "y": 10}
    vectors = [[np.cos(np.radians(d)), np.sin(np.radians(d))] for d in angle.values()]
    model = FakeModel(list(angle), np.array(vectors) * 3.0)
    rows = [("a", "a2", "T"), ("b", "b2", "T"), ("c", "c2", "T")]
    found = by_name(score(model, table(rows)))
    # a: the mean of b2 and c2 is (0, 0.866), a + that offset = (1,0) + (-1, 0.866) points to 90°: a2 itself.
    # b: (a2 + c2)/2 = (-0.25, 0.933), at 105°: c2 (120°) and a2 (90°) at 15°, x at 25°, b2 at 45°.
    # c: (a2 + b2)/2 = (0.25, 0.933), at 75°: x (80°), then a2 and b2 at 15° each, then c2 at 45°.
    assert (1 / found["mean-offset mrr"].values).tolist() == [1, 4, 4]
    # a with twice its offset: at 120°, where c2 stands before a2.
    assert 1 / found["mrr"].values[0] == 2
    # by the lemma (0°), itself left out: two other lemmas at 0°, y 10°, b2 60°, x 80°, a2 90°, c2 120°
    assert (1 / found["lemma mrr"].values).round().tolist() == [6, 4, 7]


def test_the_lemma_is_a_candidate_where_it_is_right():
    model = verbs()
    rows = [
        *PAST,
        ("v0", "v0", "V;NFIN"),
        ("v1", "v1", "V;NFIN"),
        ("v2", "v2ed", "V;NFIN"),
        ("v2", "v2", "V;NFIN"),
    ]
    found = by_name(score(model, table(rows)))
    nfin = found["lemma mrr"].detail
    assert found["lemma p@1"].values.tolist() == [1.0] * 7
    assert nfin["form_differs"] == {"n": 4, "score": 1.0}
    # v0 with V;NFIN: offsets of v1 (0) and v2 (0 and one past) average to a third of a past: still nearest to v0
    assert by_name(score(model, table(rows)))["mean-offset p@1"].values.tolist() == [1.0] * 7


# ----------------------------------------------------------------------------------------- naive twins


def random_rows(seed, words, number):
    rng = np.random.default_rng(seed)
    return [
        (f"w{rng.integers(words // 2)}", f"w{rng.integers(words + 4)}", f"B{rng.integers(5)}")
        for _ in range(number)
    ]


@pytest.mark.parametrize("cells", [8_000_000, 90])
@pytest.mark.parametrize("listed", [None, ["w3", "w4", "w9", "w11", "nobody"]])
def test_ranks_are_the_naive_ones(monkeypatch, cells, listed):
    monkeypatch.setattr("morphvec.evaluate.ranks._CELLS", cells)
    model = random_model(5, [f"w{i}" for i in range(40)], dim=4)
    rows = random_rows(1, 40, 120)
    vectors = dict(zip(model.words, model.vectors.tolist(), strict=True))
    expected = naive.ranks(vectors, rows, listed)
    assert len(expected) > 20
    found = by_name(score(model, table(rows), lemmas=listed))
    for name in ("", "lemma", "mean-offset"):
        ranks = found[f"{name} mrr".strip()]
        asked = [(rows[item][0], rows[item][2]) for item in ranks.items]
        assert {(*one, name): round(1 / value) for one, value in zip(asked, ranks.values, strict=True)} == {
            key: rank for key, rank in expected.items() if key[2] == name
        }
        for k in (1, 10):
            assert found[f"{name} p@{k}".strip()].values.tolist() == (1 / ranks.values <= k + 0.5).tolist()


def test_classes_are_the_naive_ones():
    model = random_model(7, [f"w{i}" for i in range(40)], dim=3)
    rows = random_rows(2, 40, 150)
    vectors = dict(zip(model.words, model.vectors.tolist(), strict=True))
    found = by_name(classes(model, table(rows)))
    told = found["compactness"].detail["classes"]
    for number, (bundle, numbers) in enumerate(told.items()):
        pairs = sorted(
            {(a, b) for a, b, c in rows if c == bundle and a in vectors and b in vectors and a != b}
        )
        close = naive.compactness([vectors[form] for form in dict.fromkeys(form for _, form in pairs)])
        own, chance = naive.identity(vectors, pairs)
        assert numbers == pytest.approx(
            {"pairs": len(pairs), "compactness": close, "identity": own, "chance": chance}, abs=1e-6
        )
        assert [found[m].values[number] for m in ("compactness", "identity p@1", "chance")] == [
            numbers["compactness"],
            numbers["identity"],
            numbers["chance"],
        ]
    assert len(told) == 5
    assert [rows[item][2] for item in found["chance"].items] == list(told)


# ------------------------------------------------------------------------------------- what is counted


def test_every_question_is_counted_once():
    rows = [
        *PAST,
        ("v0", "v0ed", "V;PTCP"),  # syncretism: asked under both bundles
        ("v1", "v1ed", "V;PTCP"),
        ("v2", "v2ed", "V;PTCP"),
        ("V0", "V0ED", "V;PST"),  # the same question in capitals
        ("v0", "was v0ed", "V;PST"),  # a further form of a question that has one
        ("v0", "has v0ed", "V;PRF"),
        ("take off", "takes", "V;PST"),
        ("gone", "went", "V;PST"),
        ("v1", "went", "V;PRS"),
        ("v1", "unknown", "V;PRS"),
        ("v2", "noise", "V;PRS"),
        ("v3", "noise", "V;PRS"),
    ]
    found = by_name(score(verbs(), table(rows)))["mrr"]
    assert found.detail["skipped"] == {"multiword": 2, "unknown_lemma": 1, "unknown_form": 1, "few_pairs": 2}
    assert (found.total, len(found.values)) == (13, 7)
    assert found.total == len(found.values) + sum(found.detail["skipped"].values())
    assert found.items.tolist() == [0, 4, 1, 5, 2, 6, 3]
    assert (found.detail["lemmas"], found.detail["bundles"], found.detail["candidates"]) == (4, 2, 9)
    assert found.clusters.tolist() == [0, 0, 1, 1, 2, 2, 3]
    counts = verbs().counts
    for item, words, least in zip(found.items, found.words, found.counts, strict=True):
        keys = [found.keys[place] for place in words if place >= 0]
        assert keys == [word.lower() for word in rows[item][:2]]
        assert least == min(counts[verbs().key_to_index[key]] for key in keys)


def test_listed_lemmas_are_asked_and_do_not_teach():
    # The past of v3 lies elsewhere: where it teaches, the others' mean offset is bent.
    model = verbs(6)
    model.vectors[model.key_to_index["v3ed"]] = -3.0 * model.vectors[model.key_to_index["noise"]]
    rows = table([(f"v{verb}", f"v{verb}ed", "V;PST") for verb in range(6)])
    found = by_name(score(model, rows, lemmas=["V3", "v4", "nobody"]))["mrr"]
    assert found.items.tolist() == [3, 4]
    assert found.total == 2
    assert found.values[1] == 1.0
    assert found.values[0] < 0.5
    none = by_name(score(model, rows, lemmas=[f"v{verb}" for verb in range(5)]))["mrr"]
    assert (len(none.values), none.detail["skipped"]["few_pairs"]) == (0, 5)
    assert none.reason == "none of the 5 questions can be asked: few pairs 5"
    assert by_name(classes(model, rows))["compactness"].detail["classes"]["V;PST"]["pairs"] == 6


def test_languages_are_kept_apart():
    model = verbs()
    words = [f"eng:{word}" for word in model.words] + ["spa:v0", "spa:v0ed"]
    both = FakeModel(words, np.concatenate([model.vectors, model.vectors[:2]]), languages=("eng", "spa"))
    for given, language in ((table(PAST, "eng"), ""), (table(PAST), "eng")):
        found = by_name(score(both, given, language=language))["mrr"]
        assert found.values.tolist() == [1.0] * 4
        assert (found.detail["candidates"], found.detail["language"]) == (9, "eng")
    assert len(by_name(score(both, table(PAST, "spa")))["mrr"].values) == 0
    with pytest.raises(OptionError, match="LANG=PATH"):
        language_of(both, table(PAST))
    with pytest.raises(OptionError, match="the model has eng, spa"):
        check(both, table(PAST, "fin"), None)
    with pytest.raises(OptionError, match="no languages"):
        check(model, table(PAST, "eng"), None)
    single = FakeModel(words[:9], model.vectors, languages=("eng",))
    assert by_name(score(single, table(PAST)))["mrr"].detail["language"] == "eng"


def test_wrong_files_are_refused():
    with pytest.raises(InputError, match="none of its words"):
        check(verbs(), table([("x", "y", "N;PL")]), None)
    with pytest.raises(InputError, match=r"a list of lemmas \(2\), none of them in t\.tsv"):
        check(verbs(), table(PAST), ["x", "y"])
    check(verbs(), table([("x", "V0", "N;PL")]), ["X"])


# ------------------------------------------------------------------------------------------- collapse


def test_compactness_by_hand():
    right = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], dtype=np.float32)
    assert compactness(as_rows(right)) == pytest.approx((0 + 0 - 1) / 3)
    assert compactness(as_rows(np.ones((4, 1), dtype=np.float32))) == 1.0
    assert compactness(as_rows(np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32))) == 0.0


def collapsing(strength, number=8):
    """Verbs whose past forms are drawn to their centre: ``strength`` 1 leaves one point."""
    model = verbs(number)
    forms = [model.key_to_index[f"v{verb}ed"] for verb in range(number)]
    centre = model.vectors[forms].mean(axis=0)
    model.vectors[forms] += strength * (centre - model.vectors[forms])
    rows = [(f"v{verb}", f"v{verb}ed", "V;PST") for verb in range(number)]
    return model, table([*rows, *((a, a, "V;NFIN") for a, _, _ in rows), ("v0", "v1", "ODD")])


def test_a_collapse_is_seen():
    free, bound = (by_name(classes(*collapsing(strength))) for strength in (0.0, 1.0))
    assert free["compactness"].values.tolist() == pytest.approx([0.5])
    assert (free["identity p@1"].values[0], free["chance"].values[0]) == (1.0, 1 / 8)
    assert free["compactness"].detail["collapsed"] == 0
    assert free["compactness"].detail["collapsed_identity"] is None
    assert bound["compactness"].values[0] == pytest.approx(1.0)
    assert bound["identity p@1"].values[0] <= 1 / 4
    told = bound["compactness"].detail
    assert (told["collapsed"], list(told["classes"])) == (1, ["V;PST"])
    assert (told["collapsed_identity"], told["collapsed_chance"]) == (bound["identity p@1"].values[0], 1 / 8)
    assert bound["chance"].total == 3


def test_the_lemma_is_no_candidate_of_its_own_class():
    # every form is also the lemma of the next one
    rng = np.random.default_rng(0)
    model = FakeModel([f"w{i}" for i in range(6)], rng.standard_normal((6, 3)))
    ring = table([(f"w{i}", f"w{(i + 1) % 6}", "N") for i in range(6)])
    found = by_name(classes(model, ring))
    assert found["chance"].values[0] == pytest.approx(1 / 5)
    vectors = dict(zip(model.words, model.vectors.tolist(), strict=True))
    pairs = [(f"w{i}", f"w{(i + 1) % 6}") for i in range(6)]
    assert found["identity p@1"].values[0] == naive.identity(vectors, pairs)[0]


def test_no_class_says_why():
    outcomes = classes(verbs(), table(PAST))
    assert [len(outcome.values) for outcome in outcomes] == [0, 0, 0]
    assert outcomes[0].reason == "no bundle has 5 forms in the vocabulary with their lemmas"


# ------------------------------------------------------------------------------- clusters of lemmas


def test_clusters_are_drawn_whole():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    values = (rng.random(40)[cluster] + 0.3 * rng.random(len(cluster))) / 1.3
    dice = stream(9)
    plain = []
    for _ in range(4000):
        drawn = dice.integers(40, size=40)
        kept = np.concatenate([values[cluster == one] for one in drawn])
        plain.append(kept.mean())
    found = mean_interval(values, clusters=cluster, resamples=4000)
    np.testing.assert_allclose([found.low, found.high], np.percentile(plain, [2.5, 97.5]), atol=0.006)
    alone = mean_interval(values, resamples=4000)
    assert found.high - found.low > 1.5 * (alone.high - alone.low)
    back = mean_interval(values[::-1], clusters=cluster[::-1] * 7, resamples=4000)
    assert (back.low, back.high) == pytest.approx((found.low, found.high))


def test_clusters_of_one_are_items():
    values = np.random.default_rng(1).random(50)
    one = mean_interval(values, clusters=np.arange(50), seed=3)
    assert one == mean_interval(values, seed=3)
    difference = mean_difference_interval(values, values[::-1], clusters=np.arange(50), seed=3)
    assert difference == mean_difference_interval(values, values[::-1], seed=3)


# ---------------------------------------------------------------------------------- results and tables


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "eng.tsv"
    rows = [f"v{verb}\tv{verb}ed\tV;PST\n" for verb in range(8)]
    path.write_text("".join(rows) + "v9\tv9ed\tV;PST\nv1\thas v1ed\tV;PRF\n")
    return path


def test_results_are_the_contracts(file):
    model, _ = collapsing(0.2)
    results = evaluate(model, paradigms=[file], bootstrap=50)
    document = json.loads(json.dumps([result.as_json() for result in results], allow_nan=False))
    assert [(row["task"], row["metric"]) for row in document] == [
        *(("paradigms", f"{name}{metric}") for name in ("", "lemma ", "mean-offset ") for metric in METRICS),
        *(("classes", metric) for metric in ("compactness", "identity p@1", "chance")),
    ]
    first = document[0]
    assert (first["dataset"], first["n"], first["total"], first["coverage"]) == ("eng.tsv", 8, 10, 0.8)
    assert first["detail"]["answer"] == "model"
    assert all(
        row["unknown"] == "skip" and 0 <= row["low"] <= row["score"] <= row["high"] <= 1 for row in document
    )
    assert results == evaluate(model, paradigms=[read_unimorph(file)], bootstrap=50)
    assert results == evaluate(model, paradigms=[str(file)], bootstrap=50)


def test_lemmas_from_a_file_or_a_list(file, tmp_path):
    listed = tmp_path / "lemmas.txt"
    listed.write_text("v0\nv5\n")
    model, _ = collapsing(0.2)
    for lemmas in (listed, str(listed), ["v0", "v5"], ("V0", "v5", "v5")):
        results = evaluate(model, paradigms=[file], paradigm_lemmas=lemmas, bootstrap=0)
        assert (results[0].n, results[0].total) == (2, 2)


def test_paired_differences_draw_lemmas(file):
    one, _ = collapsing(0.0)
    two, _ = collapsing(1.0)
    rows = {(row.task, row.metric): row for row in compare(two, one, paradigms=[file])}
    p1 = rows["paradigms", "p@1"]
    assert (p1.a, p1.b, p1.n) == (0.125, 1.0, 8)
    assert p1.real
    assert p1.low <= p1.difference == -0.875 <= p1.high < 0
    assert rows["classes", "compactness"].difference == pytest.approx(0.5)
    same = compare(one, one, paradigms=[file])
    assert all(row.difference == 0.0 and not row.real for row in same)


def test_what_the_tables_say(file):
    bound, _ = collapsing(1.0)
    free, _ = collapsing(0.0)
    scored = [
        (name, evaluate(model, paradigms=[file], bootstrap=0)) for name, model in (("m", bound), ("f", free))
    ]
    notes = text_table(scored).split("\n\n")[1].split("\n")
    told = (
        "1 of 1 classes has collapsed: their members lie closer than a cosine of 0.95 on average, and lemmas find "
        "their own form in 12% of cases (blindly in 12%)"
    )
    assert f"m, classes eng.tsv: {told}" in notes
    assert "f, classes eng.tsv: none of 1 classes has collapsed" in notes
    assert "m, paradigms eng.tsv: not asked: 1 multiword, 1 unknown lemma" in notes
    lines = markdown_table(scored).split("\n")
    assert lines[2].startswith("| paradigms | eng.tsv | mrr | skip | 0.")
    assert lines[2].endswith(" 8/10 | 1.000 8/10 |")
    assert "- f, paradigms eng.tsv: not asked: 1 multiword, 1 unknown lemma" in lines


def test_bad_tables_and_lists_come_before_work(file, tmp_path):
    model, _ = collapsing(0.0)
    empty = tmp_path / "empty.tsv"
    empty.write_text("")
    for options in (
        {"paradigms": [empty]},
        {"paradigms": [tmp_path / "missing.tsv"]},
        {"paradigms": [f"eng={file}"]},
        {"paradigms": ["eng="]},
        {"paradigms": [table([("x", "y", "N")])]},
        {"paradigms": [file], "paradigm_lemmas": ["x"]},
        {"paradigms": [file], "paradigm_lemmas": []},
        {"paradigms": [file], "paradigm_lemmas": empty},
        {"paradigm_lemmas": ["v0"]},
        {"paradigm_lemmas": ["v0"], "similarity": [file]},
    ):
        with pytest.raises((OptionError, InputError)):
            evaluate(model, **options)
