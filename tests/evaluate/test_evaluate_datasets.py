"""Test files: every form that is accepted, every refusal with its line, and the real files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from morphvec.errors import InputError
from morphvec.evaluate import datasets, read_analogies, read_dictionary, read_relations, read_similarity

READERS = [read_similarity, read_analogies, read_relations, read_dictionary]


def write(folder: Path, text: str, name: str = "set.tsv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "old\tnew\t1.58\nNew York\tcity\t9\n",
        "old\tnew\t1.58\r\nNew York\tcity\t9",
        "\ufeffold\tnew\t1.58\n\n  \nNew York\tcity\t9\n",
        "old,new,1.58\nNew York,city,9\n",
        'word1,word2,similarity\n"old","new",1.58\n"New York","city",9\n',
        "Word 1\tWord 2\tHuman (mean)\nold\tnew\t1.58\nNew York\tcity\t9\n",
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\nold\tnew\tA\t1.58\t2.7\nNew York\tcity\tN\t9\t1\n",
    ],
)
def test_similarity_forms(tmp_path, text):
    read = read_similarity(write(tmp_path, text))
    assert read.pairs == (("old", "new"), ("New York", "city"))
    assert read.scores.tolist() == [1.58, 9.0]
    assert read.name == "set.tsv"


def test_similarity_parted_by_spaces(tmp_path):
    read = read_similarity(
        write(tmp_path, "word1 word2 POS SimLex999\nold  new A 1.58\nsmart clever A 9.2\n")
    )
    assert read.pairs == (("old", "new"), ("smart", "clever"))
    assert read.scores.tolist() == [1.58, 9.2]


def test_a_pair_whose_first_word_is_word_is_no_header(tmp_path):
    assert read_similarity(write(tmp_path, "word\tterm\t8\nold\tnew\t2\n")).pairs[0] == ("word", "term")


def test_analogy_forms_are_equal(tmp_path):
    tabs = read_analogies(write(tmp_path, "family\tboy\tgirl\tson\tdaughter\ngram8\tcat\tcats\tdog\tdogs\n"))
    google = read_analogies(write(tmp_path, ": family\nboy girl son daughter\n: gram8\ncat cats dog dogs\n"))
    assert tabs.questions == google.questions
    assert [q.section for q in tabs.questions] == ["family", "gram8"]
    assert (tabs.questions[0].a, tabs.questions[0].d) == ("boy", "daughter")


def test_relations_and_dictionaries(tmp_path):
    relations = read_relations(write(tmp_path, "I01 noun\tcat\tcats\nE02 city\tOslo\tNorway/Norge/\n"))
    assert relations.rows[1].answers == ("Norway", "Norge")
    assert relations.rows[1].relation == "E02 city"
    assert read_dictionary(write(tmp_path, "house\tcasa grande\n dog  perro\n")).pairs == (
        ("house", "casa grande"),
        ("dog", "perro"),
    )


def test_remarks_before_the_pairs(tmp_path):
    text = "# The collection (http://example.org)\n# Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\n"
    read = read_similarity(write(tmp_path, text))
    assert (read.pairs, read.scores.tolist()) == ((("love", "sex"),), [6.77])
    tagged = read_similarity(write(tmp_path, "#love\tsex\t6.77\n#a\tb\t1\n"))
    assert tagged.pairs == (("#love", "sex"), ("#a", "b"))
    with pytest.raises(InputError, match="line 2"):
        read_similarity(write(tmp_path, "a\tb\t1\n# a remark among pairs\n"))


SIMLEX = (
    "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)\n"
    "old\tnew\tA\t1.58\t2.72\t2.81\t2\t7.25\t1\t0.41\nsmart\tintelligent\tA\t9.2\t1.75\t2.46\t1\t7.11\t1\t0.67\n"
)
WORDSIM = "Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n"
WORDSIM_SET = (
    "Word 1,Word 2,Human (mean),1,2,3,4\nlove,sex,6.77,9,6,8,8\nbook,paper,7.46,8,8,7,9\n"  # with each judge
)
MEN = "sun sunlight 50.000000\nautomobile car 50.000000\n"


@pytest.mark.parametrize(
    ("text", "pairs", "scores"),
    [
        (SIMLEX, [("old", "new"), ("smart", "intelligent")], [1.58, 9.2]),
        (WORDSIM, [("love", "sex"), ("tiger", "cat")], [6.77, 7.35]),
        (WORDSIM.replace(",", "\t"), [("love", "sex"), ("tiger", "cat")], [6.77, 7.35]),
        (WORDSIM_SET, [("love", "sex"), ("book", "paper")], [6.77, 7.46]),
        (MEN, [("sun", "sunlight"), ("automobile", "car")], [50.0, 50.0]),
    ],
)
def test_published_similarity_files_as_they_come(tmp_path, text, pairs, scores):
    for ending in ("\n", "\r\n"):
        read = read_similarity(write(tmp_path, text.replace("\n", ending)))
        assert list(read.pairs) == pairs
        assert read.scores.tolist() == scores


def test_a_published_similarity_file_that_is_torn_is_named(tmp_path):
    for text in (SIMLEX, WORDSIM, WORDSIM_SET, MEN):
        torn = text[: text.rstrip("\n").rindex("," if "," in text else "\t" if "\t" in text else " ")]
        with pytest.raises(InputError, match=f"line {text.count(chr(10))}: "):
            read_similarity(write(tmp_path, torn))


def test_published_questions_and_dictionaries_as_they_come(tmp_path):
    words = (
        ": capital-common-countries\nAthens Greece Baghdad Iraq\n: gram3-comparative\nbad worse big bigger \n"
    )
    read = read_analogies(write(tmp_path, words, "questions-words.txt"))
    assert [(q.section, q.d) for q in read.questions] == [
        ("capital-common-countries", "Iraq"),
        ("gram3-comparative", "bigger"),
    ]
    muse = read_dictionary(write(tmp_path, "the el\nthe la\nhouse  casa\nÉtat\testado\n", "en-es.txt"))
    assert muse.pairs == (("the", "el"), ("the", "la"), ("house", "casa"), ("État", "estado"))
    with pytest.raises(InputError, match="line 2: 'the el la'"):
        read_dictionary(write(tmp_path, "a b\nthe el la\n"))


def bats(folder):
    one, two = folder / "1_Inflectional_morphology", folder / "4_Lexicographic_semantics"
    one.mkdir(parents=True)
    two.mkdir()
    (one / "I01 [noun - plural_reg].txt").write_text("album\talbums\nbox\tboxes\n")
    (two / "L01 [hypernyms - animals].txt").write_text("cat\tfeline/animal/big_cat\r\ndog  canine/animal\r\n")
    (folder / "metadata.json").write_text("{}")
    (one / "._I01 [noun - plural_reg].txt").write_bytes(b"\x00\x05\x16\x07")
    return one, two


def test_a_folder_of_relations(tmp_path):
    one, two = bats(tmp_path / "BATS_3.0")
    read = read_relations(tmp_path / "BATS_3.0")
    assert read.name == "BATS_3.0"
    assert [(row.relation, row.word, row.answers) for row in read.rows] == [
        ("I01 [noun - plural_reg]", "album", ("albums",)),
        ("I01 [noun - plural_reg]", "box", ("boxes",)),
        ("L01 [hypernyms - animals]", "cat", ("feline", "animal", "big_cat")),
        ("L01 [hypernyms - animals]", "dog", ("canine", "animal")),
    ]
    alone = read_relations(one / "I01 [noun - plural_reg].txt")
    assert alone.rows == read.rows[:2]
    bad = two / "L02 [hypernyms - misc].txt"
    for text, line in (("a\tb\nc\n", 2), ("a\tb\nr\tc\td\n", 2), ("a\tb\nc\t/\n", 2), ("a b c d\n", 1)):
        bad.write_text(text)
        with pytest.raises(InputError) as caught:
            read_relations(tmp_path / "BATS_3.0")
        assert str(caught.value).startswith(f"{bad}, line {line}: ")
    bad.write_text("")
    with pytest.raises(InputError, match="holds no rows"):
        read_relations(tmp_path / "BATS_3.0")
    bad.rename(two / "I01 [noun - plural_reg].txt")
    with pytest.raises(InputError, match="a relation is named after its file"):
        read_relations(tmp_path / "BATS_3.0")


def test_gzip_is_told_by_its_bytes(tmp_path):
    path = tmp_path / "odd-name"
    path.write_bytes(gzip.compress(b"a\tb\n") + gzip.compress(b"c\td\n"))
    assert read_dictionary(path).pairs == (("a", "b"), ("c", "d"))


@pytest.mark.parametrize(
    ("reader", "text", "line"),
    [
        (read_similarity, "a\tb\t1\na\tb\n", 2),
        (read_similarity, "a\tb\t1\n\na\tb\t1\t2\n", 3),
        (read_similarity, "a\tb\tmuch\n", 1),
        (read_similarity, "words\tb\tmuch\n", 1),
        (read_similarity, "a\tb\t1\na\tb\tnan\n", 2),
        (read_similarity, "a\tb\t1\na\tb\tinf\n", 2),
        (read_similarity, "a\tb\t1\na\t\t2\n", 2),
        (read_similarity, "a b 1\na b c 1\n", 2),
        (read_similarity, "word1\tword2\tscore\na\tb\n", 2),
        (read_analogies, "a b c d\n", 1),
        (read_analogies, "s\ta\tb\tc\td\ns\ta\tb\tc\n", 2),
        (read_analogies, ": s\na b c d\na b c d e\n", 3),
        (read_analogies, ": s\na b c d\n:\n", 3),
        (read_relations, "r\ta\tb\nr\ta\n", 2),
        (read_relations, "r\ta\t/\n", 1),
        (read_relations, "r a b\n", 1),
        (read_relations, "a\n", 1),
        (read_dictionary, "a\tb\na b c\n", 2),
        (read_dictionary, "a\tb\tc\n", 1),
        (read_dictionary, "a\n", 1),
    ],
)
def test_a_bad_line_is_named(tmp_path, reader, text, line):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert str(caught.value).count("; ") >= 2
    assert "\n" not in str(caught.value)


GOOD = {
    read_similarity: b"a\tb\t1\n",
    read_analogies: b"s\ta\tb\tc\td\n",
    read_relations: b"r\ta\tb\n",
    read_dictionary: b"a\tb\n",
}
SPOILT = {
    "empty": (lambda good: b"", "no rows"),
    "blank": (lambda good: b"\n \r\n", "no rows"),
    "not UTF-8": (lambda good: good + b"\xff\xfe\n", "line 2, byte 1: 0xFF"),
    "a picture": (lambda good: b"\x89PNG\r\n\x1a\n\x00\x00", "line 1, byte 1: 0x89"),
    "NUL": (lambda good: good * 2 + b"a\x00b\tc\n", "line 3, byte 2: NUL"),
    "cut gzip": (lambda good: gzip.compress(good * 1000)[:-12], "must be whole"),
    "altered gzip": (lambda good: gzip.compress(good)[:-8] + b"\x01" * 8, "must be whole"),
    "long line": (lambda good: b"a" * 1_000_001, "line 1: over 1,000,000 bytes"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", list(SPOILT))
def test_files_that_are_no_test_sets(tmp_path, reader, kind):
    spoil, says = SPOILT[kind]
    path = tmp_path / "set"
    path.write_bytes(GOOD[reader])
    reader(path)
    path.write_bytes(spoil(GOOD[reader]))
    with pytest.raises(InputError, match=says):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_missing_files_and_folders(tmp_path, reader):
    with pytest.raises(InputError, match="no such file"):
        reader(tmp_path / "nothing")
    with pytest.raises(InputError, match="has no .txt files" if reader is read_relations else "is a folder"):
        reader(tmp_path)


def test_a_compressed_bomb_stops_early(tmp_path, monkeypatch):
    assert datasets._MAX_FILE == 512_000_000
    monkeypatch.setattr(datasets, "_MAX_FILE", 5_000_000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress((b" " * 99_999 + b"\n") * 60, 1))
    with pytest.raises(InputError, match=r"line 51: over 5,000,000 bytes"):
        read_dictionary(path)


# ------------------------------------------------------------------------------------------- real files

DATA = os.environ.get("MORPHVEC_DATA")
real = pytest.mark.skipif(not DATA, reason="MORPHVEC_DATA is not set: the real test files are not here")

SIMILARITY = {
    "deu_simlex999": 999,
    "deu_ws353": 350,
    "eng_mc30": 30,
    "eng_men3000": 3000,
    "eng_mturk287": 287,
    "eng_rg65": 65,
    "eng_rw": 2034,
    "eng_simlex999": 999,
    "eng_ws353": 353,
    "eng_ws353_rel": 252,
    "eng_ws353_sim": 203,
    "est_estsimlex999": 999,
    "tur_anlamver": 500,
    "tur_wordsimtr_syntactic": 140,
    "xling_semeval17_de-es": 956,
    "xling_semeval17_en-de": 914,
    "xling_semeval17_en-es": 978,
}
ANALOGY = {"eng_google": 19544, "por_lx4w": 17558, "tur_inflectional": 29667, "tur_semantic": 3296}
MUSE = {"en-es": 112580, "en-et": 32748, "en-hu": 42868, "en-pt": 108696, "en-sv": 82372, "es-pt": 107363}


@real
def test_every_real_file_has_its_count():
    folder = Path(DATA or "")
    found = {
        path.name: len(read_similarity(path).pairs) for path in sorted((folder / "similarity").glob("*.tsv"))
    }
    assert found == {f"{name}.tsv": n for name, n in SIMILARITY.items()}
    found = {
        path.name: len(read_analogies(path).questions) for path in sorted((folder / "analogy").glob("*.gz"))
    }
    assert found == {f"{name}.tsv.gz": n for name, n in ANALOGY.items()}
    assert len(read_relations(folder / "analogy" / "eng_bats_inflectional.tsv").rows) == 500
    found = {path.name: len(read_dictionary(path).pairs) for path in sorted((folder / "bli").iterdir())}
    expected = {f"muse_{name}.tsv.gz": n for name, n in MUSE.items()}
    for name in ("de-fi", "de-tr", "en-de", "en-fi", "en-tr", "tr-fi"):
        expected |= {f"xling_{name}.test.tsv": 2000, f"xling_{name}.train.tsv": 5000}
    assert found == expected


@real
def test_the_google_sections():
    read = read_analogies(Path(DATA or "") / "analogy" / "eng_google.tsv.gz")
    sections = list(dict.fromkeys(question.section for question in read.questions))
    assert len(sections) == 14
    assert sum(question.section.startswith("gram") for question in read.questions) == 10675
