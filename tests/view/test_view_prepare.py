"""Which words a map shows, how they are grouped, and the map as plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.sparse import csr_array
from view_models import blobs, cities, two_languages, with_affixes

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError, OptionError
from morphvec.morphology.tables import ClassList, Table
from morphvec.view import groups
from morphvec.view.prepare import MapOptions, choose, choose_pairs, shown, word_map

PCA = MapOptions(projection="pca")


def test_the_most_frequent_words_are_the_first():
    model = blobs()
    assert choose(model, 5).words == model.words[:5]
    assert choose(model, 5, skip=3).words == model.words[3:8]
    assert choose(model, 10_000).words == model.words
    assert choose(model, 2).counts.tolist() == model.counts[:2].tolist()


def test_of_one_language_only_its_words():
    chosen = choose(two_languages(), 7, language="por")
    assert chosen.words == tuple(f"por:p{number}" for number in range(7))


def test_points_have_the_cosines_of_the_vectors():
    model = blobs()
    chosen = choose(model, 10)
    for a in range(10):
        for b in range(10):
            assert chosen.points[a] @ chosen.points[b] == pytest.approx(
                model.similarity(model.words[a], model.words[b]), abs=1e-6
            )


def test_a_sparse_model_is_drawn_like_its_dense_twin():
    dense = blobs()
    sparse = Embeddings(dense.words, csr_array(dense.vectors), counts=dense.counts)
    maps = [word_map(model, choose(model, 40), PCA) for model in (dense, sparse)]
    assert (maps[0].near == maps[1].near).all()
    assert np.allclose(maps[0].places, maps[1].places, atol=1e-5)


def test_given_words_once_each_folded_and_what_is_missing():
    chosen = choose(blobs(), ["W0x1", "w0x1", "w3x2", "nothing"])
    assert chosen.words == ("w0x1", "w3x2")
    assert chosen.missing == ("nothing",)


def test_a_bare_word_is_shown_in_every_language_that_has_it():
    model = two_languages()
    assert set(choose(model, ["p3"]).words) == {"spa:p3", "por:p3"}
    assert choose(model, ["p3"], language="spa").words == ("spa:p3",)
    assert choose(model, ["por:p3"]).words == ("por:p3",)


def test_an_unseen_word_is_composed():
    model = with_affixes()
    model.parts.analyser.listed["walk77ed"] = (("walk0", "V;PST"),)
    chosen = choose(model, ["walk0", "walk77ed"])
    assert chosen.rows.tolist() == [0, -1]
    assert chosen.counts.tolist() == [30, -1]
    expected = model.vector_for("walk77ed")
    assert chosen.points[0] @ chosen.points[1] == pytest.approx(
        model.similarity("walk0", "walk77ed"), abs=1e-6
    )
    assert np.linalg.norm(expected) > 0


def test_nothing_chosen_is_refused():
    with pytest.raises(OptionError, match="--words"):
        choose(blobs(), 0)
    with pytest.raises(OptionError, match="--skip"):
        choose(blobs(), 5, skip=48)
    with pytest.raises(InputError, match="nothing"):
        choose(blobs(), ["nothing", "at all"])
    with pytest.raises(OptionError, match="por, spa"):
        choose(two_languages(), 5, language="fin")


# ---------------------------------------------------------------------------------------------- groups


def test_classes_are_the_affixes_among_the_parts():
    model = with_affixes()
    classes = groups.affix_classes(model)
    assert {name: rows.tolist() for name, rows in classes.items()} == {
        "V;PST": list(range(10, 20)),
        "V;3;SG": list(range(20, 30)),
    }
    drawn = word_map(model, choose(model, 25), PCA)
    assert drawn.grouping.kind == "class"
    assert drawn.grouping.names == ("V;PST", "V;3;SG")
    assert drawn.grouping.of.tolist() == [-1] * 10 + [0] * 10 + [1] * 5


def test_a_word_of_several_classes_stands_in_the_largest_and_small_ones_are_one():
    rows = np.arange(10)
    classes = {"big": [0, 1, 2, 3], "small": [3, 4], "tiny": [5], "outside": [77]}
    found = groups.by_class(classes, rows, most=2)
    assert found.names == ("big", "small", groups.REST)
    assert found.of.tolist() == [0, 0, 0, 0, 1, 2, -1, -1, -1, -1]
    assert found.sizes() == [4, 1, 1]


def test_classes_from_a_table_and_a_list():
    model = with_affixes()
    table = Table("", ["walk0", "walk1"], ["walk0ed", "walk1ed"], ["V;PST", "V;PST"], "t.tsv")
    listed = ClassList(["legs", "legs", "V;PST"], ["walk3", "walk4", "walk5ed"], "c.tsv")
    found = groups.told_classes(model, [table], [listed])
    assert {name: rows.tolist() for name, rows in found.items()} == {"V;PST": [10, 11, 15], "legs": [3, 4]}


def test_clusters_find_the_groups():
    model = blobs()
    drawn = word_map(model, choose(model), MapOptions(projection="pca", colour="cluster", clusters=4))
    groups_of = {word[:2]: set() for word in model.words}
    for word, number in zip(drawn.words, drawn.grouping.of.tolist(), strict=True):
        groups_of[word[:2]].add(number)
    assert sorted(map(len, groups_of.values())) == [1, 1, 1, 1]
    assert drawn.grouping.sizes() == [12] * 4
    again = word_map(model, choose(model), MapOptions(projection="pca", colour="cluster", clusters=4))
    assert again.grouping.names == drawn.grouping.names


def test_more_clusters_than_points_are_refused_and_equal_points_are_not():
    with pytest.raises(OptionError, match="--clusters"):
        word_map(blobs(), choose(blobs(), 5), MapOptions(projection="pca", colour="cluster", clusters=6))
    same = Embeddings(["a", "b", "c", "d"], np.ones((4, 3), np.float32))
    drawn = word_map(same, choose(same), MapOptions(projection="pca", colour="cluster", clusters=3))
    assert sum(drawn.grouping.sizes()) == 4


def test_auto_is_language_then_class_then_cluster():
    kinds = [
        word_map(model, choose(model), PCA).grouping.kind
        for model in (two_languages(), with_affixes(), blobs())
    ]
    assert kinds == ["language", "class", "cluster"]


def test_languages_have_bare_labels():
    model = two_languages()
    drawn = word_map(model, choose(model, 10), PCA)
    assert drawn.labels == tuple(word.partition(":")[2] for word in drawn.words)
    assert set(drawn.grouping.names) == {"spa", "por"}


def test_frequency_is_a_value():
    model = blobs()
    drawn = word_map(model, choose(model, 10), MapOptions(projection="pca", colour="frequency"))
    assert drawn.grouping.values == pytest.approx(np.log10(model.counts[:10]))


@pytest.mark.parametrize("colour", ["class", "language", "frequency"])
def test_a_colour_that_the_model_cannot_give_is_refused(colour):
    model = cities()
    with pytest.raises(OptionError, match=colour):
        word_map(model, choose(model), MapOptions(projection="pca", colour=colour))


def test_an_unknown_colour_is_refused():
    with pytest.raises(OptionError, match="rainbow"):
        MapOptions(colour="rainbow")


# ---------------------------------------------------------------------------------------------- pairs


def test_pairs_are_joined_and_said_to_be_parallel():
    model = cities()
    pairs = [(f"country{n}", f"capital{n}") for n in range(6)]
    chosen, places, lost = choose_pairs(model, [*pairs, ("country0", "atlantis"), ("country1", "country1")])
    assert lost == 2
    assert len(chosen.words) == 12
    drawn = word_map(model, chosen, PCA, pairs=places)
    named = [tuple(drawn.words[end] for end in pair) for pair in drawn.pairs.tolist()]
    assert named == pairs
    assert drawn.parallel.left_out > 0.8
    assert drawn.parallel.shuffled < drawn.parallel.left_out - 0.1
    offsets = drawn.places[drawn.pairs[:, 1]] - drawn.places[drawn.pairs[:, 0]]
    assert (offsets.mean(axis=0) >= 0).all()
    assert (offsets[:, 0] > 0).all()


def test_words_of_lost_pairs_are_not_shown():
    chosen, places, lost = choose_pairs(cities(), [("country0", "capital0"), ("country1", "nowhere")])
    assert chosen.words == ("country0", "capital0")
    assert places.tolist() == [[0, 1]]
    assert lost == 1


def test_no_pair_left_is_refused():
    with pytest.raises(InputError, match="country0"):
        choose_pairs(cities(), [("country0", "nowhere")])


# ---------------------------------------------------------------------------------------------- data


def test_the_map_as_json_is_finite_columns_of_one_length():
    model = with_affixes()
    drawn = word_map(model, choose(model), PCA)
    document = json.loads(json.dumps(drawn.as_json(), allow_nan=False))
    points = document["points"]
    assert {len(points[name]) for name in ("word", "label", "count", "x", "y", "group", "near", "kept")} == {
        30
    }
    assert document["preservation"]["k"] == 10
    assert max(map(abs, points["x"] + points["y"])) == 1.0
    assert document["groups"] == [{"name": "V;3;SG", "words": 10}, {"name": "V;PST", "words": 10}]


def test_labels_are_fit_to_be_shown():
    assert shown("a\tb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(shown("x" * 100)) == 40
    assert shown("हिन्दी") == "हिन्दी"
