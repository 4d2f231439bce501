from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from embedding_models import KEYS, analysed, bytes_of, composed, fields_of, plain
from hypothesis import given, settings
from hypothesis import strategies as st

import morphvec as mv
from morphvec.artifact import open_arrays, save_arrays, verify
from morphvec.embeddings import Embeddings
from morphvec.errors import ArtifactError, InputError, MorphvecError, OutputError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.pieces import Analyser
from morphvec.rng import stream

MODELS = {
    "plain": plain,
    "composed": composed,
    "languages": lambda: composed(KEYS, ("eng", "spa")),
    "analysed": lambda: analysed(rarity=0.25),
    "analysed, no n-grams, languages": lambda: analysed(("eng", "spa"), None),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_bit_for_bit(tmp_path, name):
    model = MODELS[name]()
    model.save(tmp_path / "M")
    found = mv.load(tmp_path / "M")
    assert found.words == model.words
    assert found.features == model.features
    assert (found.tokenizer, found.languages, found.composes) == (
        model.tokenizer,
        model.languages,
        model.composes,
    )
    assert isinstance(found.vectors, np.memmap)
    assert found.vectors.dtype == np.float32
    assert found.vectors.tobytes() == model.vectors.tobytes()
    assert (found.counts is None) == (model.counts is None)
    if model.composes:
        assert isinstance(found.parts.vectors, np.memmap)
        assert found.counts.tolist() == model.counts.tolist()
        assert (found.contexts is None) == (model.contexts is None)
        assert model.contexts is None or found.contexts.tobytes() == model.contexts.tobytes()
        assert found.parts.vectors.tobytes() == model.parts.vectors.tobytes()
        assert found.parts.names == model.parts.names
        assert (found.parts.words, found.parts.ngrams) == (model.words, model.parts.ngrams)
        assert (found.parts.weights, found.parts.rarity) == (model.parts.weights, model.parts.rarity)
        assert (found.parts.composition != model.parts.composition).nnz == 0
        one, other = found.parts.analyser, model.parts.analyser
        assert (one.listed, one.segmented) == (other.listed, other.segmented)
        assert (one.affixes, one.induced) == (other.affixes, other.induced)
        assert [(morphs.language, morphs.morphs, morphs.total) for morphs in one.morphs] == [
            (morphs.language, morphs.morphs, morphs.total) for morphs in other.morphs
        ]
        for word in ("walking", "walk", "walked", "talk", "seaside", "unwalk"):
            language = model.languages[0] if model.languages else ""
            assert found.known_parts(word, language) == model.known_parts(word, language)
            if not model.known_parts(word, language):
                continue
            assert np.array_equal(found.vector_for(word, language), model.vector_for(word, language))
    assert found.neighbors(model.words[0], 4) == model.neighbors(model.words[0], 4)
    assert verify(tmp_path / "M", "model") == []


@pytest.mark.parametrize("name", MODELS)
def test_saving_what_was_loaded_writes_the_same_bytes(tmp_path, name):
    MODELS[name]().save(tmp_path / "one")
    mv.load(tmp_path / "one").save(tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_words_of_any_letters_come_back(tmp_path):
    words = ["a b", "tab\there", "cr\rhere", "\u2028", "\u00a0", "हिन्दी", "𐐀", "<x>", '"', "own\tx", "ngram"]
    Embeddings(words, np.eye(len(words)), counts=np.arange(len(words))).save(tmp_path / "M")
    assert mv.load(tmp_path / "M").words == tuple(words)


@pytest.mark.parametrize("word", ["line\nfeed", "half \ud800"])
def test_a_word_that_no_text_file_holds_is_refused(tmp_path, word):
    with pytest.raises(OutputError, match="has no line feed and is Unicode text"):
        Embeddings(["a", word], np.eye(2)).save(tmp_path / "M")
    assert not (tmp_path / "M").exists()


@pytest.mark.parametrize("part", ["contexts", "parts"])
def test_no_number_that_is_not_finite_is_written(tmp_path, part):
    model = composed()
    (model.contexts if part == "contexts" else model.parts.vectors)[0, 0] = np.nan
    with pytest.raises(OutputError, match=f"{part} hold numbers that are not finite"):
        model.save(tmp_path / "M")
    assert not (tmp_path / "M").exists()


def test_a_model_is_not_overwritten_unasked(tmp_path):
    plain().save(tmp_path / "M")
    before = bytes_of(tmp_path / "M")
    with pytest.raises(OutputError, match="--overwrite"):
        composed().save(tmp_path / "M")
    assert bytes_of(tmp_path / "M") == before
    opened = mv.load(tmp_path / "M")
    composed().save(tmp_path / "M", overwrite=True)
    assert mv.load(tmp_path / "M").composes
    assert opened.vectors.tobytes() == plain().vectors.tobytes()  # who has the old one open keeps it


def lines_of(folder, name, change):
    lines = (folder / name).read_text(encoding="utf-8").split("\n")
    change(lines)
    text = "\n".join(lines).encode()
    (folder / name).write_bytes(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][name]["bytes"] = len(text)
    (folder / "manifest.json").write_text(json.dumps(manifest))


DAMAGE = {
    "a word too many": lambda f: lines_of(f, "vocab.tsv", lambda lines: lines.insert(0, "more\t7")),
    "a word too few": lambda f: lines_of(f, "vocab.tsv", lambda lines: lines.pop(0)),
    "a word twice": lambda f: lines_of(f, "vocab.tsv", lambda lines: lines.__setitem__(1, lines[0])),
    "a count that is none": lambda f: lines_of(
        f, "vocab.tsv", lambda lines: lines.__setitem__(1, "walks\tmany")
    ),
    "a count beyond int64": lambda f: lines_of(
        f, "vocab.tsv", lambda lines: lines.__setitem__(1, "x\t" + "9" * 30)
    ),
    "a part too few": lambda f: lines_of(f, "parts.tsv", lambda lines: lines.pop(3)),
    "a part of another kind": lambda f: lines_of(
        f, "parts.tsv", lambda lines: lines.__setitem__(0, "ngram\tx")
    ),
    "another dim": lambda f: fields_of(f, dim=4),
    "another number of words": lambda f: fields_of(f, words=3),
    "words that are no number": lambda f: fields_of(f, words="seven"),
    "no tokenizer": lambda f: fields_of(f, tokenizer=None),
    "an unknown tokenizer": lambda f: fields_of(f, tokenizer={"name": "magic"}),
    "no languages": lambda f: fields_of(f, languages=None),
    "three lengths of n-grams": lambda f: fields_of(f, ngrams=[2, 3, 4]),
    "lengths that are no numbers": lambda f: fields_of(f, ngrams=["a", "b"]),
    "another noun": lambda f: fields_of(f, noun="counts"),
    "no weights of parts": lambda f: fields_of(f, part_weights=[1.0]),
    "a weight that is none": lambda f: fields_of(f, part_weights={"ngrams": "much"}),
    "a weight below 0": lambda f: fields_of(f, part_weights={"ngrams": -1.0}),
    "a weight of nothing": lambda f: fields_of(f, part_weights={"stems": 1.0}),
    "a rarity that is none": lambda f: fields_of(f, part_rarity="much"),
    "a rarity below 0": lambda f: fields_of(f, part_rarity=-0.5),
    "n-grams beyond all length": lambda f: fields_of(f, ngrams=[2, 10**9]),
    "analyses that are not there": lambda f: fields_of(f, part_weights={"lemma": 1.0}),
}
ANALYSED_DAMAGE = {
    "a part of no kind": lambda f: lines_of(f, "parts.tsv", lambda lines: lines.__setitem__(-2, "stem\tx")),
    "a part twice": lambda f: lines_of(f, "parts.tsv", lambda lines: lines.__setitem__(-2, lines[-3])),
    "a lemma without its affix": lambda f: lines_of(
        f, "analyses.tsv", lambda lines: lines.insert(0, "walked\twalk")
    ),
    "a word without morphemes": lambda f: lines_of(
        f, "segments.tsv", lambda lines: lines.insert(0, "walked")
    ),
    "a rule of five columns": lambda f: lines_of(
        f, "rules.tsv", lambda lines: lines.insert(0, "listed\t\tsuffix\ted\t")
    ),
    "a rule of another source": lambda f: lines_of(
        f, "rules.tsv", lambda lines: lines.insert(0, "guessed\t\tsuffix\ted\t\tx")
    ),
    "an infix": lambda f: lines_of(f, "rules.tsv", lambda lines: lines.insert(0, "listed\t\tinfix\ted\t\tx")),
    "a morph before its model": lambda f: lines_of(f, "morphs.tsv", lambda lines: lines.pop(0)),
    "a morph twice": lambda f: lines_of(f, "morphs.tsv", lambda lines: lines.append("\ted\t7")),
    "a model without morphs": lambda f: lines_of(f, "morphs.tsv", lambda lines: lines.insert(0, "\t\t3")),
    "a morph without a count": lambda f: lines_of(f, "morphs.tsv", lambda lines: lines.append("\ted")),
    "a morph of no number": lambda f: lines_of(
        f, "morphs.tsv", lambda lines: lines.__setitem__(1, "\ted\tmany")
    ),
    "a morph that no word has": lambda f: lines_of(
        f, "morphs.tsv", lambda lines: lines.__setitem__(-1, "\twalk\t0")
    ),
}


@pytest.mark.parametrize("name", [*DAMAGE, *ANALYSED_DAMAGE])
def test_a_model_at_odds_with_itself_is_one_clear_error(tmp_path, name):
    (composed() if name in DAMAGE else analysed()).save(tmp_path / "M")
    {**DAMAGE, **ANALYSED_DAMAGE}[name](tmp_path / "M")
    with pytest.raises(ArtifactError) as caught:
        mv.load(tmp_path / "M").known_parts("walked")
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module", params=["composed", "analysed"])
def saved(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("saved") / "M"
    MODELS[request.param]().save(folder)
    return folder, bytes_of(folder)


def test_an_open_model_does_not_see_what_takes_its_place(tmp_path):
    analysed().save(tmp_path / "M")
    opened = mv.load(tmp_path / "M")
    analysed(ngrams=(2, 2), k=5).save(tmp_path / "M", overwrite=True)
    assert opened.known_parts("walked") == analysed().known_parts("walked")
    assert np.array_equal(opened.vector_for("walked"), analysed().vector_for("walked"))


def test_what_unseen_words_need_lies_in_files_with_hashes(tmp_path):
    analysed().save(tmp_path / "M")
    manifest = json.loads((tmp_path / "M" / "manifest.json").read_text())
    files = {"analyses.tsv", "segments.tsv", "rules.tsv", "morphs.tsv"}
    assert files < manifest["parts"].keys()
    composed().save(tmp_path / "N")
    assert not files & {file.name for file in (tmp_path / "N").iterdir()}


def test_a_model_of_the_first_release_has_ngrams_of_weight_one(tmp_path):
    composed().save(tmp_path / "M")
    file = tmp_path / "M" / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["part_weights"]
    file.write_text(json.dumps(manifest))
    assert np.array_equal(mv.load(tmp_path / "M").vector_for("walking"), composed().vector_for("walking"))


@pytest.mark.parametrize("name", ["a\nb", "half \ud800"])
def test_a_part_that_no_line_holds_is_refused(tmp_path, name):
    model = analysed()
    parts = replace(model.parts, names=(*model.parts.names[:-1], ("affix", name)))
    model.parts = parts
    with pytest.raises(OutputError, match="a part's name has no tab, no line feed"):
        model.save(tmp_path / "M")
    rule = AffixRule("suffix", "ed", "", f"{name}\t")
    model.parts = replace(analysed().parts, told=Analyser(affixes=(rule,)))
    with pytest.raises(OutputError, match="a part's name has no tab, no line feed"):
        model.save(tmp_path / "M")
    assert not (tmp_path / "M").exists()


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_any_byte_changed_anywhere_is_found_or_refused(saved, data):
    """Whatever byte is altered: verify finds it unless it lies in the manifest, and load never fails in its own way."""
    folder, contents = saved
    name = data.draw(st.sampled_from(sorted(set(contents) - {"log.jsonl"})))
    place = data.draw(st.integers(0, len(contents[name]) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != contents[name][place]))
    altered = bytearray(contents[name])
    altered[place] = value
    try:
        (folder / name).write_bytes(bytes(altered))
        assert name == "manifest.json" or verify(folder, "model")
        # an altered number may be huge, or none: loading checks no hash
        with contextlib.suppress(MorphvecError), np.errstate(all="ignore"):
            model = mv.load(folder)
            model.neighbors(model.words[0], 3)
            model.neighbors("walked", 3)
    finally:
        (folder / name).write_bytes(contents[name])


# ------------------------------------------------------------------------------------------------ biases


def biased(**changes):
    given = {
        "contexts": stream(2).standard_normal((3, 6)).astype(np.float32),
        "biases": (stream(3).standard_normal(40), stream(4).standard_normal(3)),
        **changes,
    }
    return Embeddings([f"w{row}" for row in range(40)], plain().vectors, **given)


def test_biases_come_back_bit_for_bit(tmp_path):
    model = biased()
    model.save(tmp_path / "M")
    assert {"vector_biases", "context_biases"} < open_arrays(tmp_path / "M" / "vectors.safetensors").keys()
    found = mv.load(tmp_path / "M")
    for there, here in zip(found.biases, model.biases, strict=True):
        assert isinstance(there, np.memmap)
        assert (there.dtype, there.tobytes()) == (np.float32, here.tobytes())
    found.save(tmp_path / "again")
    assert bytes_of(tmp_path / "M") == bytes_of(tmp_path / "again")
    plain().save(tmp_path / "P")
    assert mv.load(tmp_path / "P").biases is None


@pytest.mark.parametrize(
    "biases",
    [
        (np.zeros(39), np.zeros(3)),
        (np.zeros(40), np.zeros(4)),
        (np.zeros((40, 1)), np.zeros(3)),
        (np.zeros(40), np.full(3, np.nan)),
        (np.full(40, np.inf), np.zeros(3)),
    ],
)
def test_biases_that_do_not_fit_are_refused(biases):
    with pytest.raises(InputError, match="one finite number for each row"):
        biased(biases=biases)
    assert biased(contexts=None, biases=(np.zeros(40), np.zeros(9))).biases[1].shape == (9,)


def test_no_bias_that_is_not_finite_is_written(tmp_path):
    model = biased()
    model.biases[1][0] = np.nan
    with pytest.raises(OutputError, match="context_biases hold numbers that are not finite"):
        model.save(tmp_path / "M")


@pytest.mark.parametrize(
    "change",
    [
        {"vector_biases": None},
        {"context_biases": None},
        {"vector_biases": np.zeros(39, np.float32)},
        {"context_biases": np.zeros(4, np.float32)},
        {"context_biases": np.zeros((3, 1), np.float32)},
        {"vector_biases": np.zeros(40)},
        {"vector_biases": np.full(40, np.nan, np.float32)},
    ],
)
def test_damaged_biases_are_one_clear_error(tmp_path, change):
    biased().save(tmp_path / "M")
    file = tmp_path / "M" / "vectors.safetensors"
    arrays = {**{name: np.array(array) for name, array in open_arrays(file).items()}, **change}
    save_arrays(file, {name: array for name, array in arrays.items() if array is not None})
    manifest = json.loads((tmp_path / "M" / "manifest.json").read_text())
    manifest["parts"][file.name]["bytes"] = file.stat().st_size
    (tmp_path / "M" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="biases"):
        mv.load(tmp_path / "M")


def test_words_that_training_was_told_of_are_kept(tmp_path):
    told = {"a": ("offset", "parts"), "b\tc": ("class",)}
    made = Embeddings(["a", "b\tc", "d"], np.eye(3), constrained=told)
    made.save(tmp_path / "m")
    assert Embeddings.load(tmp_path / "m").constrained == told
    plain = Embeddings(["a"], np.ones((1, 2)))
    plain.save(tmp_path / "p")
    assert Embeddings.load(tmp_path / "p").constrained is None
    assert not (tmp_path / "p" / "constrained.tsv").exists()
