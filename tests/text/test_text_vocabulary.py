from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from morphvec.artifact import load_manifest, verify, write_manifest, writing
from morphvec.errors import ArtifactError, InputError, OptionError
from morphvec.report import SILENT
from morphvec.text import Corpus, Source, Tokenizer, Vocabulary, scan


@pytest.fixture
def scanned(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()

    def make(*sentences: str, tokenizer: Tokenizer | None = None):
        corpus = Corpus((), tokenizer or Tokenizer(), sentences=[sentence.split() for sentence in sentences])
        return scan(corpus, folder=folder, units=False, reporter=SILENT)

    return make


def rows(vocabulary: Vocabulary) -> list[tuple[str, int]]:
    return list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))


def test_words_by_falling_count_ties_by_code_point(scanned) -> None:
    vocabulary = Vocabulary.from_scan(scanned("z b é a Z 😀 \uffff a", "b once"), 1, None)
    assert rows(vocabulary) == [
        ("a", 2), ("b", 2), ("Z", 1), ("once", 1), ("z", 1), ("é", 1), ("\uffff", 1), ("😀", 1)
    ]  # fmt: skip
    assert (vocabulary.tokens, vocabulary.types, len(vocabulary)) == (10, 8, 8)
    assert vocabulary.index["Z"] == 2


def test_the_order_of_the_text_does_not_matter(scanned) -> None:
    words = [f"w{n % 37}" for n in range(200)]
    expected = rows(Vocabulary.from_scan(scanned(" ".join(words)), 3, 20))
    random.Random(5).shuffle(words)
    assert rows(Vocabulary.from_scan(scanned(" ".join(words)), 3, 20)) == expected
    assert len(expected) == 20


def test_the_cut_says_what_was_there_before(scanned) -> None:
    found = scanned("a a a b b c c d")
    vocabulary = Vocabulary.from_scan(found, 2, None)
    assert (rows(vocabulary), vocabulary.tokens, vocabulary.types) == ([("a", 3), ("b", 2), ("c", 2)], 8, 4)
    assert rows(Vocabulary.from_scan(found, 1, 2)) == [("a", 3), ("b", 2)]
    assert rows(Vocabulary.from_scan(found, 1, 100))[-1] == ("d", 1)


def test_a_vocabulary_without_words_is_refused(scanned) -> None:
    with pytest.raises(InputError) as caught:
        Vocabulary.from_scan(scanned("a b c", "a"), 50, None)
    assert str(caught.value) == (
        "min_count=50 leaves 0 of 3 words, 0 of 4 tokens; vectors need at least two words; "
        "lower min_count or give more text"
    )
    with pytest.raises(InputError, match=r"leaves 1 of 3 words, 2 of 4 tokens"):
        Vocabulary.from_scan(scanned("a b c", "a"), 2, None)
    with pytest.raises(InputError, match=r"leaves 1 of 1 words.*; give more text"):
        Vocabulary.from_scan(scanned("a a"), 1, None)
    for min_count, max_vocab in ((0, None), (-1, None), (1, 1), (1, 0), (1, 2**31)):
        with pytest.raises(OptionError):
            Vocabulary.from_scan(scanned("a b"), min_count, max_vocab)


def two_languages(tmp_path: Path) -> Vocabulary:
    (tmp_path / "a.txt").write_text("mar a:b", encoding="utf-8")
    sources = tuple(Source(str(tmp_path / "a.txt"), language) for language in ("spa", "por"))
    corpus = Corpus(sources, Tokenizer("whitespace"))
    return Vocabulary.from_scan(scan(corpus, folder=tmp_path, units=False, reporter=SILENT), 1, None)


def test_keys_and_languages(tmp_path, scanned) -> None:
    vocabulary = two_languages(tmp_path)
    assert vocabulary.words == ("por:a:b", "por:mar", "spa:a:b", "spa:mar")
    assert [vocabulary.language_of(row) for row in range(4)] == ["por", "por", "spa", "spa"]
    assert vocabulary.key("mar", "spa") == "spa:mar"
    assert vocabulary.key("spa:mar") == "spa:mar"
    with pytest.raises(OptionError, match="por, spa"):
        vocabulary.key("mar", "fin")
    plain = Vocabulary.from_scan(scanned("a b"), 1, None)
    assert (plain.key("a"), plain.language_of(0)) == ("a", "")
    with pytest.raises(OptionError, match="leave the language out"):
        plain.key("a", "fin")


@pytest.mark.parametrize("with_languages", [False, True])
def test_a_saved_vocabulary_comes_back(tmp_path, scanned, with_languages) -> None:
    tokenizer = Tokenizer("regex:[a-z ]+", "keep")
    words = scanned("b a\x85c \u2028 x x", tokenizer=tokenizer)
    made = two_languages(tmp_path) if with_languages else Vocabulary.from_scan(words, 1, None)
    with writing(tmp_path / "V") as folder:
        made.save(folder)
        write_manifest(folder, "vocabulary", made.manifest_fields())
    manifest = load_manifest(tmp_path / "V", "vocabulary")
    back = Vocabulary.from_parts(tmp_path / "V", manifest)
    assert rows(back) == rows(made)
    assert (back.tokens, back.types, back.tokenizer, back.languages) == (
        made.tokens, made.types, made.tokenizer, made.languages
    )  # fmt: skip
    assert verify(tmp_path / "V", "vocabulary") == []
    assert json.loads(json.dumps(made.manifest_fields())) == made.manifest_fields()


FIELDS = {
    "words": 2,
    "tokens": 9,
    "types": 3,
    "languages": [],
    "tokenizer": {"name": "letters", "case": "lower"},
}


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a\t3\nb\tx\n", {}),
        ("a\t3\nb\n", {}),
        ("a\t3\n\t2\n", {}),
        ("a\t3\na\t2\n", {}),
        ("a\t2\nb\t3\n", {}),
        ("a\t3\nb\t-2\n", {}),
        ("a\t3\nb\t99999999999999999999\n", {}),
        ("a\t1\t3\nb\t2\n", {}),
        ("a\r\t3\nb\t2\n", {}),
        ("a\t3\n", {}),
        ("a\t8\nb\t2\n", {}),
        ("a\t3\nb\t2\n", {"types": 1}),
        ("a\t3\nb\t2\n", {"words": "many"}),
        ("a\t3\nb\t2\n", {"languages": 5}),
        ("a\t3\nb\t2\n", {"languages": ["fin"]}),
        ("a\t3\nb\t2\n", {"tokenizer": {"name": "none"}}),
        ("a\t3\nb\t2\n", {"tokenizer": ["letters"]}),
        ("a\t3\nb\t2\n", {"tokenizer": {"name": 5}}),
    ],
)
def test_a_damaged_vocabulary_is_refused(tmp_path, text, changes) -> None:
    (tmp_path / "vocab.tsv").write_bytes(b"a\t3\nb\t2\n")
    assert rows(Vocabulary.from_parts(tmp_path, FIELDS)) == [("a", 3), ("b", 2)]
    (tmp_path / "vocab.tsv").write_bytes(text.encode())
    with pytest.raises(ArtifactError):
        Vocabulary.from_parts(tmp_path, FIELDS | changes)


def test_missing_fields_are_refused(tmp_path) -> None:
    (tmp_path / "vocab.tsv").write_bytes(b"a\t3\nb\t2\n")
    for name in FIELDS:
        with pytest.raises(ArtifactError):
            Vocabulary.from_parts(tmp_path, {key: value for key, value in FIELDS.items() if key != name})
