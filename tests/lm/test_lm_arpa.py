"""ARPA files and model folders: what is written reads back bit for bit, what is damaged is refused with its line."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from ngram_texts import SMOOTHINGS, TEXT, WORDS, make, random_text

from morphvec.errors import ArtifactError, InputError, OptionError, OutputError
from morphvec.lm.arpa import read_arpa, write_arpa
from morphvec.lm.store import load, save
from morphvec.text.tokenize import Tokenizer

CHAINED = [name for name in SMOOTHINGS if name != "add-k"]
SMALL = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-99\t<s>\t-0.3
-0.7\ta\t-0.2
-0.9\tb
-1.5\t<unk>
-0.5\t</s>

\\2-grams:
-0.1\t<s> a
-0.4\ta b
-0.6\ta </s>

\\end\\
"""


def same(one, other):
    assert one.vocabulary.words == other.vocabulary.words
    for name in ("words", "begin", "logprob", "backoff", "levels"):
        mine, theirs = getattr(one.predictor, name), getattr(other.predictor, name)
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("smoothing", CHAINED)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_reading_what_was_written_gives_the_same_bits(smoothing, order, tmp_path) -> None:
    text, words = random_text(50, seed=1)
    model = make(text, words, tmp_path, held_out=text[:9], order=order, smoothing=smoothing)
    write_arpa(model, tmp_path / "m.arpa")
    back = read_arpa(str(tmp_path / "m.arpa"))
    same(model, back)
    assert back.score(text) == model.score(text)
    write_arpa(back, tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (tmp_path / "m.arpa").read_bytes()
    assert back.manifest["inputs"][0]["bytes"] == (tmp_path / "m.arpa").stat().st_size


def test_an_arpa_file_means_what_the_format_says(tmp_path) -> None:
    (tmp_path / "m.arpa").write_text("made by hand\n\n" + SMALL, encoding="utf-8")
    model = read_arpa(str(tmp_path / "m.arpa"))
    assert model.vocabulary.words == ("a", "b")
    assert model.order == 2

    def log10(history, word):
        return model.logprob(history, word) / math.log(10)

    assert log10(["<s>"], "a") == pytest.approx(-0.1)
    assert log10(["<s>"], "b") == pytest.approx(-0.3 - 0.9)
    assert log10(["a"], "zebra") == pytest.approx(-0.2 - 1.5)
    assert log10(["b"], "a") == pytest.approx(-0.7)
    assert log10(["<s>", "a", "b"], "</s>") == pytest.approx(-0.5)
    assert log10([], "<s>") == -math.inf
    found = model.score([["a", "b"]])[0].logprob / math.log(10)
    assert found == pytest.approx(-0.1 - 0.4 - 0.5)


def test_other_tools_forms_are_read(tmp_path) -> None:
    """Spaces for tabs, back-off weights left out or written as 0, no <unk>, <UNK>, -inf for 0, CRLF, no last LF."""
    text = SMALL.replace("\t", " ").replace("-0.9 b", "-0.9 b 0").replace("<unk>", "<UNK>")
    (tmp_path / "m.arpa").write_bytes(text.rstrip().replace("\n", "\r\n").encode())
    (tmp_path / "plain.arpa").write_text(SMALL)
    same(read_arpa(str(tmp_path / "plain.arpa")), read_arpa(str(tmp_path / "m.arpa")))
    bare = SMALL.replace("-1.5\t<unk>\n", "").replace("1=5", "1=4").replace("-99\t<s>", "-inf\t<s>")
    (tmp_path / "bare.arpa").write_text(bare)
    model = read_arpa(str(tmp_path / "bare.arpa"), Tokenizer())
    assert model.logprob([], "zebra") == -math.inf
    assert model.perplexity([["zebra"]]).perplexity == math.inf


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("\\data\\", "\\date\\", 1),
        ("ngram 2=3", "ngram 3=3", 3),
        ("ngram 2=3", "ngram 2=x", 3),
        ("ngram 2=3", "ngram 2=2", 15),
        ("ngram 2=3", "ngram 2=4", 17),
        ("ngram 1=5", "ngram 1=4", 10),
        ("ngram 1=5", "ngram 1=6", 12),
        ("-0.7\ta\t-0.2", "x\ta\t-0.2", 7),
        ("-0.7\ta\t-0.2", "nan\ta\t-0.2", 7),
        ("-0.7\ta\t-0.2", "0.7\ta\t-0.2", 7),
        ("-0.7\ta\t-0.2", "-0.7\ta\tinf", 7),
        ("-0.7\ta\t-0.2", "-0.7\ta\tx", 7),
        ("-0.7\ta\t-0.2", "-0.7", 7),
        ("-0.7\ta\t-0.2", "-0.7\ta\t-0.2\t1", 7),
        ("-0.9\tb", "-0.9\ta", 8),
        ("-0.4\ta b", "-0.4\ta zebra", 14),
        ("-0.4\ta b", "-0.4\ta b\t-0.1", 14),
        ("-0.4\ta b", "-0.1\t<s> a", 14),
        ("-0.4\ta b", "-0.4\tb", 14),
        ("\\2-grams:", "\\3-grams:", 12),
        ("\\end\\", "", 18),
        ("\\end\\", "end", 17),
    ],
)
def test_damage_is_refused_with_file_and_line(old, new, line, tmp_path) -> None:
    assert SMALL.count(old) == 1
    file = tmp_path / "m.arpa"
    file.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_arpa(str(file))
    assert f"m.arpa, line {line}:" in error.value.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "\n", "\\data\\\n", "\\data\\\n\\1-grams:\n\\end\\\n", SMALL[:60]])
def test_a_file_that_is_cut_off_is_refused(text, tmp_path) -> None:
    (tmp_path / "m.arpa").write_text(text)
    with pytest.raises(InputError, match="line"):
        read_arpa(str(tmp_path / "m.arpa"))
    with pytest.raises(InputError):
        read_arpa(str(tmp_path / "absent.arpa"))


def test_an_ngram_needs_its_first_words(tmp_path) -> None:
    text = SMALL.replace("2=3", "2=3\nngram 3=1").replace("\\end\\", "\\3-grams:\n-0.2\tb a b\n\n\\end\\")
    (tmp_path / "m.arpa").write_text(text)
    with pytest.raises(InputError, match="line 19"):
        read_arpa(str(tmp_path / "m.arpa"))


def test_models_without_back_off_form_are_not_written(tmp_path) -> None:
    text, words = random_text(60)
    for options in ({"smoothing": "add-k"}, {"ensemble": True}):
        model = make(text, words, tmp_path, held_out=text[:9], order=2, **options)
        with pytest.raises(OptionError, match="ARPA"):
            write_arpa(model, tmp_path / "m.arpa")
    spaced = make([["a b", "c"]], ["a b", "c"], tmp_path, order=2)
    with pytest.raises(OptionError, match="white space"):
        write_arpa(spaced, tmp_path / "m.arpa")
    assert not list(tmp_path.iterdir())
    model = make(TEXT, WORDS, tmp_path, order=2)
    write_arpa(model, tmp_path / "m.arpa")
    with pytest.raises(OutputError):
        write_arpa(model, tmp_path / "m.arpa")
    with pytest.raises(OutputError):
        write_arpa(model, tmp_path / "nowhere" / "m.arpa")


def test_the_kenlm_package_reads_our_files_to_equal_scores(tmp_path) -> None:
    kenlm = pytest.importorskip("kenlm")
    text, words = random_text(200, seed=2)
    for smoothing in ("modified-kneser-ney", "absolute", "interpolated"):
        model = make(text[:150], words, tmp_path, held_out=text[150:], order=4, smoothing=smoothing)
        write_arpa(model, tmp_path / f"{smoothing}.arpa")
        theirs = kenlm.Model(str(tmp_path / f"{smoothing}.arpa"))
        for sentence in [*text[150:], ["w1", "zebra", "w2"]]:
            expected = theirs.score(" ".join(sentence), bos=True, eos=True) * math.log(10)
            assert model.score([sentence])[0].logprob == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("ensemble", [False, True])
def test_a_folder_reads_back_to_the_same_model(smoothing, ensemble, tmp_path) -> None:
    text, words = random_text(60)
    held = [sentence for sentence in text[:9] if "w13" not in sentence]
    options = {"smoothing": smoothing, "ensemble": ensemble, "order": 3}
    model = make(text, words, tmp_path, held_out=held, **options)
    save(model, tmp_path / "lm")
    back = load(tmp_path / "lm")
    assert back.vocabulary.words == model.vocabulary.words
    assert back.vocabulary.tokenizer == model.vocabulary.tokenizer
    assert back.score(text) == model.score(text)
    assert back.next(["w1"], 99) == model.next(["w1"], 99)
    save(back, tmp_path / "again")
    for file in (tmp_path / "lm").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_damaged_folder_is_refused(tmp_path) -> None:
    from morphvec.artifact import save_arrays

    model = make(TEXT, WORDS, tmp_path, order=3)
    tables = model.predictor
    arrays = {name: getattr(tables, name) for name in ("words", "begin", "logprob", "backoff", "levels")}
    wrong = {
        "words": np.where(arrays["words"] == 3, 99, arrays["words"]).astype(np.int32),
        "begin": arrays["begin"][::-1].copy(),
        "logprob": np.full_like(arrays["logprob"], np.nan),
        "backoff": np.full_like(arrays["backoff"], np.inf),
        "levels": arrays["levels"] + 1,
    }
    save(model, tmp_path / "lm")
    file, manifest = tmp_path / "lm" / "ngrams.safetensors", tmp_path / "lm" / "manifest.json"
    for name, array in wrong.items():
        save_arrays(file, {**arrays, name: array})
        with pytest.raises(ArtifactError):
            load(tmp_path / "lm")
    save_arrays(file, {**arrays, "begin": arrays["begin"].astype(np.float64)})
    with pytest.raises(ArtifactError):
        load(tmp_path / "lm")
    save_arrays(file, arrays)
    assert load(tmp_path / "lm").order == 3

    document = json.loads(manifest.read_text())
    for change in (
        {"kind": "magic"},
        {"order": 4},
        {"words": 3},
        {"predictor": {}},
        {"tokenizer": {"name": "?"}},
    ):
        manifest.write_text(json.dumps({**document, **change}))
        with pytest.raises(ArtifactError):
            load(tmp_path / "lm")
