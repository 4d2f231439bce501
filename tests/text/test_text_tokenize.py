from __future__ import annotations

import re
import unicodedata
from collections import Counter

import naive_text as naive
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from text_helpers import HOSTILE, NAMES, PLACES, TEXT

from morphvec.errors import InputError, OptionError
from morphvec.kernels.tokens import CODE, JOINER, NEEDS_FOLD, WORD
from morphvec.text import Tokenizer
from morphvec.text.codepoints import CodePoints
from morphvec.text.folding import LONGEST_RUN, is_boundary, second_parts

ALL = [chr(code) for code in range(0x110000)]
_TABLES: dict[tuple[str, bool], CodePoints] = {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ng'ombe wangu!", ["ng'ombe", "wangu"]),
        ("o\u0323\u0300re\u0323\u0301", ["ọ̀rẹ́"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("P'unchaw p’unchaw pʼunchaw", ["p'unchaw", "p’unchaw", "pʼunchaw"]),
        ("col·lega COL\u0387LEGA", ["col·lega", "col·lega"]),
        ("'tis the dogs' rock''n''roll ʻokina", ["tis", "the", "dogs", "rock", "n", "roll", "okina"]),
        ("x-ray 3.14 a_b 2² Ⅷ", ["x", "ray", "3", "14", "a", "b", "2²", "ⅷ"]),
        ("H\u0331 \u1e96", ["ẖ", "ẖ"]),
        ("ΟΔΥΣΣΕΥΣ Σ", ["οδυσσευς", "σ"]),
        ("STRASSE Straẞe", ["strasse", "straße"]),
        ("", []),
        ("' ’ - ·", []),
    ],
)
def test_the_unicode_tokenizer(text, words) -> None:
    assert Tokenizer().tokens(text) == [unicodedata.normalize("NFC", word) for word in words]


def test_hyphens_join_when_asked() -> None:
    assert Tokenizer(join_hyphen=True).tokens("x-ray -a b- c--d e‐f") == ["x-ray", "a", "b", "c", "d", "e‐f"]


@pytest.mark.parametrize("language", ["tur", "tr", "aze", "az", "azj", "azb", "TUR"])
def test_turkic_languages_have_a_dotless_i(language) -> None:
    assert Tokenizer().tokens("DIŞ İzmir I\u0307zmir", language) == ["dış", "izmir", "izmir"]
    assert Tokenizer("whitespace").fold("I\u0307 I", language) == "i ı"
    assert Tokenizer(case="keep").fold("I İ", language) == "I İ"


def test_other_languages_lower_as_unicode_says() -> None:
    assert Tokenizer().fold("I İ", "fin") == "i i\u0307"
    assert Tokenizer(case="keep").tokens("Paris PARIS") == ["Paris", "PARIS"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": "words"},
        {"name": ""},
        {"name": "regex:"},
        {"name": "regex:("},
        {"name": "regex:[[a]"},
        {"case": "upper"},
        {"name": "letters", "join_hyphen": True},
    ],
)
def test_a_tokenizer_that_does_not_exist_is_refused(options) -> None:
    with pytest.raises(OptionError):
        Tokenizer(**options)


def test_a_pattern_gives_its_matches_and_none_that_break_a_line() -> None:
    assert Tokenizer("regex:[a-z]*").tokens("Ab1c\r\nd") == ["ab", "c", "d"]
    assert Tokenizer("regex:(a)(b)").tokens("abab") == ["ab", "ab"]
    assert Tokenizer("regex:.+$").tokens("a b\r\nc") == ["a b", "c"]
    for text in ("a\tb", "a\rb"):
        with pytest.raises(InputError, match="tab, LF or CR"):
            Tokenizer("regex:a.b").tokens(text)


def test_a_token_of_a_megabyte_is_refused() -> None:
    for name in NAMES:
        assert len(Tokenizer(name).tokens("中" * 333_333)) == 1  # 999,999 bytes
        with pytest.raises(InputError, match="1 MB"):
            Tokenizer(name).tokens("中" * 333_334)


@settings(deadline=None)  # the first text of a plane builds its table
@given(
    TEXT, st.sampled_from(NAMES), st.sampled_from(["lower", "keep"]), st.booleans(), st.sampled_from(PLACES)
)
def test_tokens_equal_the_slow_twin(text, name, case, hyphen, language) -> None:
    hyphen = hyphen and name == "unicode"
    tokenizer = Tokenizer(name, case, hyphen)
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    expected = [word for line in lines for word in naive.tokens(line, name, case, hyphen, language)]
    if any(set(word) & set("\t\r") for word in expected):
        with pytest.raises(InputError):
            tokenizer.tokens(text, language)
    else:
        assert tokenizer.tokens(text, language) == expected


@settings(deadline=None)  # the first text of a plane builds its table
@given(TEXT, st.sampled_from(PLACES))
def test_folding_twice_changes_nothing(text, language) -> None:
    tokenizer = Tokenizer()
    folded = tokenizer.fold(text, language)
    assert tokenizer.fold(folded, language) == folded
    assert unicodedata.is_normalized("NFC", folded)


# ----------------------------------------------------------------------------------- the table for the kernel


@pytest.mark.parametrize("name", ["unicode", "whitespace", "letters"])
@pytest.mark.parametrize("turkic", [False, True])
def test_the_table_says_of_every_code_point_what_the_tokenizer_says(name, turkic) -> None:
    tokenizer, language = Tokenizer(name), "tur" if turkic else ""
    table = CodePoints(tokenizer, turkic=turkic)
    planes = (0, 1, 2, 14) if name == "unicode" and not turkic else (0, 1)
    for code in range(0, 0x110000, 1 << 10):
        if code >> 16 in planes:
            table.fill(code)
    for plane in planes:
        codes = range(plane << 16, (plane + 1) << 16)
        for code, entry in zip(codes, table.entries[codes.start : codes.stop].tolist(), strict=True):
            character = chr(code)
            if entry & NEEDS_FOLD or 0xD800 <= code < 0xE000:
                continue
            assert chr(entry & CODE) == tokenizer.fold(character, language)
            word = naive.tokens(character, name, language=language) != []
            assert bool(entry & WORD) == word
            assert bool(entry & JOINER) == (name == "unicode" and character in naive.JOINERS)


def test_characters_that_melt_into_the_one_before_lie_in_planes_0_and_1() -> None:
    pairs = [unicodedata.decomposition(character).split() for character in ALL]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    assert seconds <= second_parts()
    for syllable in ("각", "가", "힣"):
        assert set(unicodedata.normalize("NFD", syllable)[1:]) <= second_parts()


def test_only_the_dotted_capital_i_changes_its_length_in_lower_case() -> None:
    assert [character for character in ALL if len(character.lower()) != 1] == ["İ"]


@settings(deadline=None)  # the first text of a plane builds its table
@given(TEXT, st.sampled_from(["unicode", "whitespace", "letters"]), st.sampled_from(PLACES))
def test_text_without_a_needs_fold_character_folds_one_by_one(text, name, language) -> None:
    tokenizer = Tokenizer(name)
    table = _table(name, bool(language))
    for character in text:
        table.fill(ord(character))
    entries = [int(table.entries[ord(c)]) for c in text]
    plain = "".join(c for c, entry in zip(text, entries, strict=True) if not entry & NEEDS_FOLD)
    assert "".join(chr(int(table.entries[ord(c)]) & CODE) for c in plain) == tokenizer.fold(plain, language)


def _table(name: str, turkic: bool) -> CodePoints:
    return _TABLES.setdefault((name, turkic), CodePoints(Tokenizer(name), turkic=turkic))


# ------------------------------------------------------------------------------------------ where to cut text


@settings(deadline=None)  # the first text of a plane builds its table
@given(TEXT, st.sampled_from(NAMES), st.sampled_from(PLACES))
@example("ΑΣ'Α", "unicode", "")
@example("Α.Σ", "unicode", "")
@example("I\u0307", "letters", "tur")
@example("가\u11a8", "unicode", "")
def test_text_cut_at_a_boundary_folds_as_in_one_piece(text, name, language) -> None:
    tokenizer = Tokenizer(name)
    whole = tokenizer.fold(text, language)
    for cut in range(1, len(text)):
        if text[cut - 1] in "\n " or is_boundary(text, cut):
            assert tokenizer.fold(text[:cut], language) + tokenizer.fold(text[cut:], language) == whole


def test_ordinary_text_has_boundaries() -> None:
    for text in ("ab", "中文", "아름", "да", "a1", ",b", "。中", "a.b", "e\u0301e"):
        assert is_boundary(text, len(text) - 1)
    for text in ("aΣ", "Σa", "Σ.a", "a\u0301", "a'", "가\u11a8", ".a"):
        assert not is_boundary(text, len(text) - 1)


def test_a_long_run_of_marks_is_folded_piece_by_piece() -> None:
    # Putting 390,000 alternating marks in order at once takes many minutes: that this ends is half of the test.
    text = "a" + "\u0316\u0300\u0f73" * 130_000 + " ΑΣ"
    folded = Tokenizer().fold(text)
    assert folded.endswith(" ας")
    apart = Counter(part for character in folded[:-3] for part in unicodedata.normalize("NFD", character))
    assert apart == {"a": 1, "\u0316": 130_000, "\u0300": 130_000, "\u0f71": 130_000, "\u0f72": 130_000}


def test_short_runs_of_marks_are_ordinary_nfc() -> None:
    text = "xa" + "\u0316\u0300" * (LONGEST_RUN // 2 - 1) + "b" * LONGEST_RUN
    assert Tokenizer(case="keep").fold(text) == unicodedata.normalize("NFC", text)


def test_the_hostile_alphabet_meets_every_rule() -> None:
    for wanted in ("Σ", "İ", "\u0307", "\u11a8", "\u0345", "\r", "\n", "😀"):
        assert wanted in HOSTILE
    assert re.search(r"\s", HOSTILE)
