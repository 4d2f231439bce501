from __future__ import annotations

import gc
import gzip
import itertools
import math
import pickle
import random
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphvec.errors import InputError, MissingExtraError, OptionError, OutputError
from morphvec.morphology import (
    MorphModel,
    Segmentation,
    read_morphs,
    read_segmentation,
    train_morphs,
    write_morphs,
)


def write(folder, content, name="file.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ------------------------------------------------------------------------------------- lists


def test_both_spellings_of_a_segmentation(tmp_path):
    text = "flies\tfly|s\t100\nflies\tfly @@s\n\nunkind\tun @@kind\t010\nwalks\twalk s\ntuzumab\t|tu|zumab\nset\tset\n"
    found = read_segmentation(write(tmp_path, text), "eng")
    assert (found.language, len(found)) == ("eng", 5)
    assert found.words == ["flies", "unkind", "walks", "tuzumab", "set"]  # equal rows once
    assert found.morphemes == [("fly", "s"), ("un", "kind"), ("walk", "s"), ("tu", "zumab"), ("set",)]


def test_two_analyses_of_a_word_are_two_rows(tmp_path):
    found = read_segmentation(write(tmp_path, "leaves\tleaf|s\nleaves\tleave|s\n"))
    assert found.morphemes == [("leaf", "s"), ("leave", "s")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("word", "1 column"),
        ("a\tb\t000\tc", "4 columns"),
        ("\tb", "one of them empty"),
        ("a\t\t000", "one of them empty"),
        ("a\t|", "no morpheme in '|'"),
        ("a\t@@ @@", "no morpheme"),
    ],
)
def test_errors_of_segmentations_name_the_line(tmp_path, row, problem):
    with pytest.raises(InputError, match=r"file\.txt, line 2: ") as caught:
        read_segmentation(write(tmp_path, f"a\tb\n{row}\n"))
    assert problem in str(caught.value)


def test_columns_of_a_segmentation_go_together():
    with pytest.raises(ValueError, match="parallel"):
        Segmentation("", ["a"], [], "t")


# ------------------------------------------------------------------------------------- models in text

MODEL = "# Output from Morfessor\n3 walk + ed\n2 walk\n\n5 talk + s\n1 s + ed + s\n"


def test_a_model_is_counts_of_morphs(tmp_path):
    model = read_morphs(write(tmp_path, MODEL), "eng")
    assert model.language == "eng"
    assert model.morphs == {"ed": 4, "s": 7, "talk": 5, "walk": 5}
    assert model.lines == ((3, ("walk", "ed")), (2, ("walk",)), (5, ("talk", "s")), (1, ("s", "ed", "s")))
    assert model.total == 21 + 11  # morphs, and one boundary a word


def test_a_lexicon_is_read_as_words_of_one_morph(tmp_path):
    lexicon = read_morphs(write(tmp_path, "5 walk\n4 ed\n"))
    by_hand = MorphModel("", {"walk": 5, "ed": 4}, "hand")
    assert lexicon.morphs == {"ed": 4, "walk": 5}
    assert lexicon.total == by_hand.total == 18


@pytest.mark.parametrize("content", [MODEL, "5 walk\n4 ed\n2 + + a\n1 #x\n"])
def test_what_is_written_is_read_again(tmp_path, content):
    model = read_morphs(write(tmp_path, content))
    path = tmp_path / "again.txt"
    write_morphs(path, model)
    again = read_morphs(path)
    assert (again.morphs, again.lines, again.total) == (model.morphs, model.lines, model.total)
    write_morphs(path, MorphModel("", {"b": 1, "a": 2}, "hand"), overwrite=True)
    assert path.read_text() == "1 b\n2 a\n"
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_file_is_not_overwritten_unasked(tmp_path):
    model = MorphModel("", {"a": 2}, "hand")
    path = write(tmp_path, "mine")
    with pytest.raises(OutputError, match="exists; a file is never overwritten unasked"):
        write_morphs(path, model)
    with pytest.raises(OutputError, match="is a folder"):
        write_morphs(tmp_path, model, overwrite=True)
    with pytest.raises(OutputError, match="does not exist"):
        write_morphs(tmp_path / "no" / "file", model)
    with pytest.raises(InputError, match="the morph 'a b'; a morph holds no space"):
        write_morphs(path, MorphModel("", {"a b": 2}, "hand"), overwrite=True)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "row",
    ["walk + ed", "0 walk", "-1 walk", "1.5 walk", "2", "2 walk +", "2 walk ed", "² a", "9" * 16 + " a"],
)
def test_errors_of_models_name_the_line(tmp_path, row):
    with pytest.raises(InputError, match=r"file\.txt, line 3: ") as caught:
        read_morphs(write(tmp_path, f"# comment\n1 a + b\n{row}\n"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pickled_model_is_never_read(tmp_path, protocol, pack):
    name = "model.bin.gz" if pack is gzip.compress else "model.bin"
    path = write(tmp_path, pack(pickle.dumps({"a": 1}, protocol)), name)
    with pytest.raises(InputError, match=r"is a pickled model; a pickle can run code and is never read"):
        read_morphs(path)


@pytest.mark.parametrize("morphs", [{}, {"": 1}, {"a": 0}])
def test_a_model_has_morphs_with_counts(morphs):
    with pytest.raises(InputError, match="a morph model of"):
        MorphModel("", morphs, "hand")


# ------------------------------------------------------------------------------------- cutting words


def test_the_cheapest_path_by_hand():
    """N = 2·100. walked whole: ln 200. walk + ed: 2 ln 200 − ln 60 − ln 30 = ln 22.2."""
    model = MorphModel("", {"walk": 60, "ed": 30, "walked": 1, "w": 9}, "hand")
    assert model.segment("walked") == ("walk", "ed")
    assert model.segment("walk") == ("walk",)
    assert model.segment("") == ()
    often = MorphModel("", {"walk": 60, "ed": 30, "walked": 10}, "hand")  # ln 20 for the whole word
    assert often.segment("walked") == ("walked",)


def test_equal_costs_take_the_longest_last_morph():
    model = MorphModel("", {"a": 1, "aa": 1}, "hand")
    assert model.segment("aaa") == ("a", "aa")


def test_unknown_stretches_are_one_morpheme_each():
    model = MorphModel("", {"walk": 5, "ed": 4, "a": 1}, "hand")
    assert model.segment("xyz") == ("xyz",)
    assert model.segment("xywalkz") == ("xy", "walk", "z")
    assert model.segment("rewalked") == ("re", "walk", "ed")
    assert model.segment("x" * 3000) == ("x" * 3000,)
    rare = MorphModel(
        "", {"abc": 1, "z": 10**9}, "hand"
    )  # a known morph, however rare, before an unknown letter
    assert rare.segment("abc") == ("abc",)


MORPHS = st.dictionaries(st.text("ab", min_size=1, max_size=3), st.integers(1, 9), min_size=1, max_size=5)


@given(MORPHS, st.text("abc", max_size=7))
def test_segments_are_the_best_of_all(morphs, word):
    """Against every way to cut: fewest unknown letters, then the least cost; joined they are the word."""
    model = MorphModel("", morphs, "hand")
    found = model.segment(word)
    assert "".join(found) == word

    def price(parts):
        strange = sum(len(part) for part in parts if part not in morphs)
        return strange, sum(math.log(model.total / morphs[part]) for part in parts if part in morphs)

    ways = []
    for cuts in itertools.product((False, True), repeat=max(len(word) - 1, 0)):
        places = [0, *(place + 1 for place, cut in enumerate(cuts) if cut), len(word)]
        ways.append(price([word[a:b] for a, b in itertools.pairwise(places)] if word else []))
    strange, cost = price(found)
    assert strange == min(ways)[0]
    assert cost == pytest.approx(min(ways)[1])
    assert not any(a not in morphs and b not in morphs for a, b in itertools.pairwise(found))


# ------------------------------------------------------------------------------------- the library

WORDS = [
    stem + ending
    for stem in (
        "walk",
        "talk",
        "jump",
        "call",
        "look",
        "open",
        "pull",
        "push",
        "wait",
        "turn",
        "help",
        "play",
    )
    for ending in ("", "s", "ed", "ing", "er", "ers")
]
COUNTS = [3 + place % 7 for place in range(len(WORDS))]


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "morfessor", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'morphvec\[morfessor\]'"):
        train_morphs(WORDS, COUNTS)


def test_training_needs_words_and_a_known_dampening():
    with pytest.raises(OptionError, match="dampening='half'"):
        train_morphs(WORDS, COUNTS, dampening="half")
    with pytest.raises(ValueError, match="1 counts for 2 words"):
        train_morphs(["a", "b"], [1])


@pytest.mark.parametrize("dampening", ["ones", "log", "none"])
def test_training_finds_the_endings_and_follows_its_seed(dampening):
    pytest.importorskip("morfessor")
    state = random.getstate()
    model = train_morphs(WORDS, COUNTS, "eng", 3, dampening=dampening)
    assert random.getstate() == state
    assert model.language == "eng"
    assert sum(count for count, _ in model.lines) == {"ones": len(WORDS), "none": sum(COUNTS)}.get(
        dampening, sum(round(math.log2(count + 1)) for count in COUNTS)
    )
    assert {"".join(parts) for _, parts in model.lines} == set(WORDS)
    again = train_morphs(WORDS[::-1], COUNTS[::-1], "eng", 3, dampening=dampening)
    assert again.lines == model.lines
    if dampening == "ones":
        assert model.segment("walking") == ("walk", "ing")
        assert model.segment("playing") == ("play", "ing")


def test_words_that_a_line_cannot_hold_are_left_out():
    pytest.importorskip("morfessor")
    model = train_morphs(["new york", "walk", "walks", "#x"], [1, 1, 1, 1])
    assert {"".join(parts) for _, parts in model.lines} == {"walk", "walks", "#x"}
    with pytest.raises(InputError, match="no words"):
        train_morphs(["new york"], [1])


UNSEEN = ["walkedtalker", "helpingsing", "opens", "erserser", "pushplaywaited", "sxqs"]


def by_letter(model, word):
    """Our morphs, unknown stretches letter by letter as the library leaves them."""
    return [
        piece for part in model.segment(word) for piece in ([part] if part in model.morphs else list(part))
    ]


def test_viterbi_agrees_with_the_library(tmp_path):
    """On what it trained itself, and on what it reads back from the file that we write."""
    library = pytest.importorskip("morfessor")
    ours = train_morphs(WORDS, COUNTS, seed=1)
    path = tmp_path / "model.txt"
    write_morphs(path, ours)
    theirs = library.BaselineModel()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its reader leaves the file open
        theirs.load_segmentations(library.MorfessorIO(encoding="utf-8").read_segmentation_file(str(path)))
        gc.collect()
    assert dict(theirs.get_constructions()) == ours.morphs
    for word in WORDS:
        assert tuple(theirs.viterbi_segment(word, addcount=0)[0]) == ours.segment(word)
    for word in UNSEEN:
        assert theirs.viterbi_segment(word, addcount=0)[0] == by_letter(ours, word)


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=5))
def test_viterbi_agrees_on_any_words_of_known_morphs(words):
    library = pytest.importorskip("morfessor")
    counts = {"a": 5, "b": 2, "c": 1, "ab": 3, "bc": 3, "abc": 1, "caa": 2, "bbb": 4}
    theirs = library.BaselineModel()
    theirs.load_segmentations((count, morph, (morph,)) for morph, count in counts.items())
    ours = MorphModel("", counts, "hand")
    for word in words:
        assert tuple(theirs.viterbi_segment(word, addcount=0)[0]) == ours.segment(word)


def test_their_own_text_files_are_read(tmp_path):
    library = pytest.importorskip("morfessor")
    theirs = library.BaselineModel()
    theirs.load_data([(count, word) for word, count in zip(WORDS, COUNTS, strict=True)])
    theirs.train_batch()
    io = library.MorfessorIO(encoding="utf-8")
    io.write_segmentation_file(str(tmp_path / "s.txt"), theirs.get_segmentations())
    io.write_lexicon_file(str(tmp_path / "l.txt"), ((morph, n) for morph, n in theirs.get_constructions()))
    io.write_binary_model_file(str(tmp_path / "m.bin"), theirs)
    segmented, lexicon = read_morphs(tmp_path / "s.txt"), read_morphs(tmp_path / "l.txt")
    assert segmented.morphs == lexicon.morphs == dict(theirs.get_constructions())
    for word in [*WORDS, *UNSEEN]:
        assert theirs.viterbi_segment(word, addcount=0)[0] == by_letter(segmented, word)
    with pytest.raises(InputError, match="pickled"):
        read_morphs(tmp_path / "m.bin")
