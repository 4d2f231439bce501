"""The commands of lm: what they print, what they write, what they refuse."""

from __future__ import annotations

import io
import json
import math

import pytest
from cli_helpers import files, process, sentences, write

LINES = [
    "The cat sat on the mat.",
    "",
    "the dog sat on the cat",
    "  ",
    "a dog and a cat",
    "the mat",
    "sat",
    "the cat sat",
]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write(tmp_path_factory.mktemp("text") / "text.txt", LINES)


@pytest.fixture
def lm(cli, text, tmp_path):
    cli.done("lm", "train", text, "-o", tmp_path / "lm", "--vocab-size", 7, "--quiet")
    return tmp_path / "lm"


def test_train_says_what_it_made(cli, text, tmp_path) -> None:
    made = cli.json("lm", "train", text, "-o", tmp_path / "lm", "--order", 2, "--vocab-size", 7)
    assert made == {"model": str(tmp_path / "lm"), "order": 2, "words": 7, "tokens": 23}
    manifest = json.loads((tmp_path / "lm" / "manifest.json").read_text())
    assert manifest["noun"] == "language model"
    assert (manifest["kind"], manifest["order"], manifest["sentences"]) == ("ngram", 2, 6)
    assert manifest["config"]["smoothing"] == "modified-kneser-ney"
    assert manifest["inputs"][0]["name"] == "text.txt"
    assert set(manifest["parts"]) == {"words.txt", "ngrams.safetensors"}
    words = (tmp_path / "lm" / "words.txt").read_text().split()
    assert words == ["the", "cat", "sat", "a", "dog", "mat", "on"]  # by falling count, ties by code point
    code, out, err = cli("lm", "train", text, "-o", tmp_path / "other")
    assert (code, out) == (0, f"{tmp_path / 'other'}: order 3, 8 words from 23 tokens\n")
    assert "2-grams:" in err


def test_progress_is_silent_when_asked(cli, text, tmp_path) -> None:
    code, _, err = cli("lm", "train", text, "-o", tmp_path / "lm", "--quiet")
    assert (code, err) == (0, "")


def test_perplexity_and_scores_agree(cli, lm, tmp_path) -> None:
    asked = write(tmp_path / "asked.txt", ["the cat sat", "", "A zebra sat on the zebra!"])
    found = cli.json("lm", "perplexity", lm, asked)
    scores = cli.json("lm", "score", lm, asked)["sentences"]
    assert [one["text"] for one in scores] == ["the cat sat", "A zebra sat on the zebra!"]
    assert [(one["tokens"], one["oov"]) for one in scores] == [(4, 0), (7, 2)]
    assert set(found) == {"perplexity", "nats_per_token", "tokens", "oov"}
    assert (found["tokens"], found["oov"]) == (11, 2)
    assert found["nats_per_token"] == pytest.approx(-sum(one["logprob"] for one in scores) / 11)
    assert found["perplexity"] == pytest.approx(math.exp(found["nats_per_token"]))
    lines = cli.done("lm", "score", lm, asked).splitlines()
    assert lines[1].split("\t")[1:] == ["7", "2", "A zebra sat on the zebra!"]
    assert cli.done("lm", "perplexity", lm, asked).startswith(f"perplexity {found['perplexity']:.4f}")


def test_texts_come_in_every_format(cli, lm, tmp_path, monkeypatch) -> None:
    plain = write(tmp_path / "a.txt", ["the cat sat", "a dog"])
    expected = cli.json("lm", "score", lm, plain)
    write(tmp_path / "b.tsv", ["1\tthe cat sat", "2\ta dog"])
    (tmp_path / "c.txt").write_bytes("\ufeffthe cat sat\r\na dog".encode())
    for name in ("b.tsv", "c.txt"):
        assert cli.json("lm", "score", lm, tmp_path / name) == expected
        assert cli.json("lm", "perplexity", lm, tmp_path / name) == cli.json("lm", "perplexity", lm, plain)
    stdin = io.TextIOWrapper(io.BytesIO(plain.read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert cli.json("lm", "score", lm, "-") == expected


def test_a_regular_expression_may_tokenize_too(cli, text, tmp_path) -> None:
    cli.done("lm", "train", text, "-o", tmp_path / "lm", "--tokenizer", "regex:[a-z]+", "--order", 2)
    found = cli.json("lm", "score", tmp_path / "lm", text)["sentences"]
    assert [one["text"] for one in found] == [line for line in LINES if line.strip()]


def test_next_words(cli, lm) -> None:
    found = cli.json("lm", "next", lm, "<s>", "THE", "-n", 3)
    assert found["history"] == "<s> THE"
    assert [set(one) for one in found["next"]] == [{"word", "p"}] * 3
    whole = cli.json("lm", "next", lm, "<s> the", "-n", 100)["next"]
    assert whole[:3] == found["next"]
    assert len(whole) == 9  # seven words, <unk> and </s>
    assert sum(one["p"] for one in whole) == pytest.approx(1)
    assert cli.json("lm", "next", lm, "")["next"]
    assert len(cli.done("lm", "next", lm, "the", "-n", 2).splitlines()) == 2


def test_samples_have_a_seed(cli, lm) -> None:
    found = cli.json("lm", "sample", lm, "-n", 4, "--seed", 7)
    assert len(found["texts"]) == 4
    assert cli.json("lm", "sample", lm, "-n", 4, "--seed", 7) == found
    assert cli.json("lm", "sample", lm, "-n", 4, "--seed", 8) != found
    assert cli.done("lm", "sample", lm, "-n", 4, "--seed", 7) == "".join(f"{one}\n" for one in found["texts"])


def test_rescoring_is_bayes_rule(cli, lm, tmp_path) -> None:
    lists = write(
        tmp_path / "lists.tsv",
        [
            "one\t-2.0\tcat the sat",
            "two\t-1\tthe mat",
            "one\t-2.5\tthe cat sat",
            "",
            "two\t-9\tmat mat mat mat",
        ],
    )
    asked = write(tmp_path / "asked.txt", ["cat the sat", "the cat sat"])
    priors = [one["logprob"] for one in cli.json("lm", "score", lm, asked)["sentences"]]
    found = cli.json("lm", "rescore", lm, lists, "--weight", 0.5)
    assert found["weight"] == 0.5
    assert [one["id"] for one in found["lists"]] == ["one", "two"]
    first = found["lists"][0]
    assert first["best"] == first["candidates"][0]["text"] == "the cat sat"
    for one, observation, prior in zip(first["candidates"], (-2.5, -2.0), reversed(priors), strict=True):
        assert one["observation"] == observation
        assert one["prior"] == pytest.approx(prior)
        assert one["score"] == pytest.approx(observation + 0.5 * prior)
    assert cli.done("lm", "rescore", lm, lists) == "one\tthe cat sat\ntwo\tthe mat\n"
    assert cli.done("lm", "rescore", lm, lists, "--weight", 0) == "one\tcat the sat\ntwo\tthe mat\n"


def test_what_is_impossible_is_null(cli, text, tmp_path) -> None:
    cli.done("lm", "train", text, "-o", tmp_path / "lm", "--smoothing", "ml")
    asked = write(tmp_path / "asked.txt", ["zebra", "the cat sat"])
    scores = cli.json("lm", "score", tmp_path / "lm", asked)["sentences"]
    assert scores[0]["logprob"] is None
    assert scores[1]["logprob"] < 0
    found = cli.json("lm", "perplexity", tmp_path / "lm", asked)
    assert (found["perplexity"], found["nats_per_token"], found["oov"]) == (None, None, 1)
    assert "infinite" in cli.done("lm", "perplexity", tmp_path / "lm", asked)
    lists = write(tmp_path / "lists.tsv", ["a\t-1\tzebra", "a\t-5\tthe cat sat"])
    (ranked,) = cli.json("lm", "rescore", tmp_path / "lm", lists)["lists"]
    assert ranked["best"] == "the cat sat"
    assert ranked["candidates"][1]["score"] is None


@pytest.mark.parametrize("smoothing", ["ml", "add-k", "interpolated", "absolute", "kneser-ney"])
@pytest.mark.parametrize("ensemble", ["--ensemble", "--no-ensemble"])
def test_every_smoothing_trains(cli, corpus, tmp_path, smoothing, ensemble) -> None:
    cli.done("lm", "train", corpus, "-o", tmp_path / "lm", "--smoothing", smoothing, ensemble)
    whole = cli.json("lm", "next", tmp_path / "lm", "walked", "-n", 1000)["next"]
    assert sum(one["p"] for one in whole) == pytest.approx(1)


def test_held_out_lines_are_not_counted(cli, corpus, tmp_path) -> None:
    asked = ("lm", "train", corpus, "--smoothing", "interpolated", "-o")
    assert cli.json(*asked, tmp_path / "one")["tokens"] == 950  # 190 of 200 lines of 5 words
    more = write(tmp_path / "more.txt", sentences(20, seed=3))
    assert cli.json(*asked, tmp_path / "two", "--held-out", more)["tokens"] == 1000
    manifest = json.loads((tmp_path / "two" / "manifest.json").read_text())
    assert (manifest["sentences"], manifest["held_out_sentences"]) == (200, 20)
    assert [entry["name"] for entry in manifest["inputs"]] == ["corpus.txt", "more.txt"]


def test_threads_and_memory_change_no_byte(cli, corpus, tmp_path) -> None:
    cli.done("lm", "train", corpus, "-o", tmp_path / "one", "--threads", 1)
    cli.done("lm", "train", corpus, "-o", tmp_path / "two", "--threads", 3, "--memory", "64M")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_arpa_there_and_back(cli, lm, tmp_path) -> None:
    asked = write(tmp_path / "asked.txt", ["the cat sat", "a zebra"])
    cli.done("lm", "export", lm, "-o", tmp_path / "lm.arpa")
    made = cli.json("lm", "import", tmp_path / "lm.arpa", "-o", tmp_path / "back", "--tokenizer", "unicode")
    assert made == {"model": str(tmp_path / "back"), "order": 3, "words": 7}
    assert cli.json("lm", "score", tmp_path / "back", asked) == cli.json("lm", "score", lm, asked)
    cli.refused("lm", "export", lm, "-o", tmp_path / "lm.arpa")
    assert cli.json("lm", "export", lm, "-o", tmp_path / "lm.arpa", "--overwrite")["order"] == 3


def test_a_language_decides_about_the_dotless_i(cli, tmp_path) -> None:
    write(tmp_path / "tur.txt", ["ILIK IRMAK", "ILIK"])
    cli.done("lm", "train", f"tur={tmp_path / 'tur.txt'}", "-o", tmp_path / "lm")
    assert "ılık" in (tmp_path / "lm" / "words.txt").read_text(encoding="utf-8").split()
    assert cli.json("lm", "perplexity", tmp_path / "lm", tmp_path / "tur.txt")["oov"] == 0
    assert cli.json("lm", "score", tmp_path / "lm", tmp_path / "tur.txt")["sentences"][1]["oov"] == 0
    folded = cli.json("lm", "next", tmp_path / "lm", "ılık")["next"]
    assert cli.json("lm", "next", tmp_path / "lm", "ILIK")["next"] == folded
    assert "ırmak" in [one["word"] for one in folded[:2]]


def test_an_order_beyond_every_sentence_is_lowered_and_said(cli, text, tmp_path) -> None:
    code, out, err = cli("lm", "train", text, "-o", tmp_path / "lm", "--order", 12, "--json", "--quiet")
    assert (code, json.loads(out)["order"]) == (0, 8)  # six words and two marks
    assert err.startswith("morphvec: warning: order 12:")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--order", 0], "order=0"),
        (["--order", -3], "order=-3"),
        (["--order", 17], "order=17"),
        (["--smoothing", "magic"], "smoothing=magic"),
        (["--kind", "magic"], "kind=magic"),
        (["--vocab-size", 1], "vocab_size=1"),
        (["--min-count", 0], "min_count=0"),
        (["--min-count", 99], "min_count=99"),
        (["--smoothing", "add-k", "--add-k", 0], "add_k=0"),
        (["--discount", 0.5], "discount=0.5"),
        (["--smoothing", "absolute", "--discount", 2], "discount=2"),
        (["--held-out", "{text}"], "held-out"),
        (["--tokenizer", "magic"], "magic"),
        (["--threads", 0], "threads=0"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_bad_options_are_one_line(cli, text, tmp_path, options, part) -> None:
    options = [str(option).format(text=text) for option in options]
    line = "; ".join(cli.refused("lm", "train", text, "-o", tmp_path / "lm", "--quiet", *options))
    assert part in line
    assert not (tmp_path / "lm").exists()


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("", []),
        ("\n\n \n", []),
        ("word word\nword\n", []),
        ("one line alone\n", ["--smoothing", "interpolated"]),
        ("a <s> b\n", ["--tokenizer", "whitespace"]),
    ],
)
def test_bad_text_is_one_line(cli, tmp_path, content, options) -> None:
    (tmp_path / "text.txt").write_text(content)
    cli.refused("lm", "train", tmp_path / "text.txt", "-o", tmp_path / "lm", "--quiet", *options)
    assert not (tmp_path / "lm").exists()


def test_unknown_marks_in_a_text_are_unknown_words(cli, tmp_path) -> None:
    write(tmp_path / "text.txt", ["the <unk> sat", "the cat"])
    cli.done("lm", "train", tmp_path / "text.txt", "-o", tmp_path / "lm", "--tokenizer", "whitespace")
    assert "<unk>" not in (tmp_path / "lm" / "words.txt").read_text()
    assert cli.json("lm", "perplexity", tmp_path / "lm", tmp_path / "text.txt")["oov"] == 1


def test_bad_questions_are_one_line(cli, lm, text, corpus, tmp_path) -> None:
    empty = write(tmp_path / "empty.txt", ["", "..."])
    for arguments in (
        ("perplexity", lm, empty, "--quiet"),
        ("score", lm, empty),
        ("score", lm, tmp_path / "absent.txt"),
        ("score", text, text),
        ("perplexity", tmp_path, text),
        ("next", lm, "the", "-n", 0),
        ("sample", lm, "-n", 0),
        ("sample", lm, "--seed", -1),
        ("rescore", lm, empty),
        ("rescore", lm, text, "--weight", -1),
        ("export", lm, "-o", tmp_path / "no" / "where.arpa"),
        ("import", text, "-o", tmp_path / "made"),
        ("train", f"en={text}", f"fi={corpus}", "-o", tmp_path / "made", "--quiet"),
        ("train", text, "-o", lm),
    ):
        cli.refused("lm", *arguments)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("line", ["a\tx\tthe cat", "a\tnan\tthe cat", "a\t-1", "\t-1\tthe cat", "a -1 the"])
def test_a_bad_list_names_its_line(cli, lm, tmp_path, line) -> None:
    lists = write(tmp_path / "lists.tsv", ["a\t-1\tthe cat", "", line])
    value, _, _ = cli.refused("lm", "rescore", lm, lists)
    assert value.startswith("lists.tsv, line 3:")


def test_marks_inside_a_candidate_are_refused(cli, lm, tmp_path) -> None:
    lists = write(tmp_path / "lists.tsv", ["a\t-1\tthe </s> cat"])
    cli.refused("lm", "rescore", lm, lists)


def test_the_commands_are_in_the_help_and_run_as_a_process(lm, text) -> None:
    shown = process("lm", "--help")
    assert shown.returncode == 0
    for name in ("train", "perplexity", "score", "next", "sample", "rescore", "export", "import"):
        assert name in shown.stdout
    done = process("lm", "perplexity", lm, text, "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tokens"] == 29
