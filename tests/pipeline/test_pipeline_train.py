from __future__ import annotations

import errno
import json

import numpy as np
import pytest
from pipeline_corpora import STEMS, TOPICS, parallel, table_rows, two_topics, verbs, write

import morphvec as mv
from morphvec.artifact import LOG, sha256_array, sha256_file, verify
from morphvec.embeddings import store
from morphvec.errors import BudgetError, InputError, MorphvecError, OptionError, OutputError
from morphvec.pipeline.train import train, train_to

SMALL = {"min_count": 2, "dim": 8, "epochs": 3, "ngram_min_types": 2, "ngrams": "2-4"}


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != LOG}


# ---------------------------------------------------------------------------------------------- what is learnt


@pytest.mark.parametrize(
    "options",
    [
        {"parts": "own"},
        {"parts": "own", "smoothing": 1.0, "power": 1.0},
        {"parts": "own", "weight": "constant", "window_weight": "flat", "power": 0.5},
        {"ridge": 0.1, "ngrams": "3-5", "ngram_min_types": 1},  # no n-gram lies in words of both topics
    ],
)
def test_words_of_one_topic_are_neighbours(options):
    """Two topics that never meet: the five nearest words of a word are the rest of its topic, beyond doubt."""
    vectors = mv.train(two_topics(), **{**SMALL, "dim": 2, "epochs": 10, **options})
    for topic, other in (TOPICS, TOPICS[::-1]):
        for word in topic:
            found = vectors.most_similar(word, topn=11)
            assert {name for name, _ in found[:5]} == set(topic) - {word}
            assert {name for name, _ in found[5:]} == set(other)
            assert found[4][1] > found[5][1] + 0.1


def test_parallel_text_becomes_one_space(tmp_path):
    """Verse ids alone, two languages: the nearest word of the other language is the translation."""
    vectors = mv.train(
        parallel(tmp_path), format="tsv", features="ids", parts="own", dim=8, epochs=8, min_count=3
    )
    pairs = zip(
        ["casa", "mesa", "rio", "sol", "lua", "flor", "pão", "vinho", "mar", "céu"],
        ["house", "table", "river", "sun", "moon", "flower", "bread", "wine", "sea", "sky"],
        strict=True,
    )
    for por, eng in pairs:
        assert vectors.neighbors(f"por:{por}", 1, among="eng")[0][0] == f"eng:{eng}"
        assert vectors.neighbors(eng, 1, language="eng", among="por")[0][0] == f"por:{por}"


def test_offset_constraints_make_offsets_alike_and_strength_says_how_much(tmp_path):
    corpus, table = write(tmp_path / "c.txt", verbs()), write(tmp_path / "t.tsv", table_rows())
    spread = []
    for strength in (0, 10, 10_000):
        given = {"unimorph": table, "constraint": f"offset:{strength}", "cg_steps": 40, "ridge": 5.0}
        vectors = mv.train(corpus, **{**SMALL, **given})
        # in the factors themselves the offsets meet; the output map is linear, so it keeps that
        d = np.stack([vectors[stem + "ed"] - vectors[stem] for stem in STEMS])
        spread.append(np.linalg.norm(d - d.mean(axis=0)) / np.linalg.norm(d.mean(axis=0)))
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 0.05


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_vectors_of_known_words_are_composed_of_the_parts_that_are_served(corpora, power):
    """What an unseen word is made of lives in the space of the vectors, whatever the output map."""
    corpus, table = corpora
    found = mv.train(corpus, unimorph=table, power=power, **SMALL)
    scale = np.abs(found.vectors).max()
    composed = found.parts.composition.astype(np.float64) @ found.parts.vectors
    np.testing.assert_allclose(composed, found.vectors, atol=1e-5 * scale)


def test_an_unseen_form_lies_near_its_relatives(tmp_path):
    corpus = write(tmp_path / "c.txt", [line for line in verbs() if "pulling" not in line.split()])
    vectors = mv.train(corpus, min_count=1, dim=12, ngram_min_types=2)
    assert "pulling" not in vectors
    unseen = vectors.vector_for("pulling")
    assert unseen.shape == (12,)
    near = [word for word, _ in vectors.most_similar("pulling", topn=5)]
    assert any(word.startswith("pull") for word in near) or any(word.endswith("ing") for word in near)


# ---------------------------------------------------------------------------------------------- the same bits


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return write(folder / "c.txt", verbs()), write(folder / "t.tsv", table_rows())


@pytest.mark.parametrize("options", [{"threads": 2}, {"threads": 4}, {"threads": 1, "memory": 64 << 20}])
def test_threads_and_memory_change_no_byte_of_a_model(tmp_path, corpora, options):
    corpus, table = corpora
    train_to(tmp_path / "one", corpus, threads=1, unimorph=table, **SMALL)
    train_to(tmp_path / "two", corpus, unimorph=table, **SMALL, **options)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_gives_other_vectors_of_the_same_quality(corpora):
    one, two = (train(corpora[0], seed=seed, **{**SMALL, "epochs": 20}) for seed in (0, 1))
    assert not np.array_equal(one.model.vectors, two.model.vectors)
    assert one.log[-1]["total"] == pytest.approx(two.log[-1]["total"], rel=0.01)


def test_sentences_and_files_are_one_corpus(tmp_path):
    lines = [" ".join(sentence) for sentence in two_topics(50)]
    by_file = mv.train(write(tmp_path / "c.txt", lines), tokenizer="whitespace", **SMALL)
    by_list = mv.train(two_topics(50), tokenizer="whitespace", **SMALL)
    assert by_file.words == by_list.words
    assert np.array_equal(by_file.vectors, by_list.vectors)


# ---------------------------------------------------------------------------------------------- the folder


def test_the_folder_holds_what_the_contract_says(tmp_path, corpora):
    corpus, table = corpora
    trained = train_to(tmp_path / "M", corpus, unimorph=table, **SMALL)
    folder = tmp_path / "M"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["format"], manifest["format_version"]) == ("morphvec", 1)
    assert (manifest["method"], manifest["dim"], manifest["languages"]) == ("token-feature", 8, [])
    assert manifest["words"] == len(trained.model.words)
    assert set(manifest["objective"]) == {"total", "fit", "unobserved", "classes", "ridge"}
    assert set(manifest["objective"]["classes"]) == {"offset"}
    parts = manifest["objective"]
    assert parts["total"] == pytest.approx(
        parts["fit"] + parts["unobserved"] + parts["classes"]["offset"] + parts["ridge"]
    )
    assert set(manifest["parts"]) == {file.name for file in folder.iterdir()} - {LOG, "manifest.json"}
    for name, part in manifest["parts"].items():
        assert part == {"bytes": (folder / name).stat().st_size, "sha256": sha256_file(folder / name)}
    vectors = mv.load(folder).vectors
    assert (
        manifest["vectors_sha256"]
        == sha256_array(np.asarray(vectors))
        == trained.model.manifest["vectors_sha256"]
    )
    rows = [line.split("\t") for line in (folder / "vocab.tsv").read_text().splitlines()]
    assert [row[0] for row in rows] == list(trained.model.words)
    order = [(-int(count), word) for word, count in rows]
    assert order == sorted(order)
    log = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    assert [entry["epoch"] for entry in log[2:]] == [1, 2, 3]
    assert log[-1]["total"] == parts["total"]
    assert (folder / "vectors.safetensors").stat().st_mode & 0o777 == (
        folder / "vocab.tsv"
    ).stat().st_mode & 0o777


@pytest.mark.parametrize("output", ["c", "w+c", "concat"])
def test_other_outputs(output):
    given = {**SMALL, "parts": "own", "power": 0.5}
    plain = mv.train(two_topics(), **given)
    found = mv.train(two_topics(), output=output, **given)
    w, c = plain.vectors, plain.contexts
    wanted = {"c": c, "w+c": w + c, "concat": np.concatenate([w, c], axis=1)}[output]
    assert np.array_equal(found.vectors, wanted)
    assert not found.composes
    with pytest.raises(OptionError, match="the one feature block is window"):
        mv.train(two_topics(), output=output, features="window,ngrams", **given)


def test_vectors_times_contexts_is_what_was_factorised():
    """Nothing is lost on the way out: with every dimension and little ridge the matrix itself comes back."""
    counts = mv.count(two_topics(), min_count=1)
    target = mv.weigh(counts, unobserved=1.0, weight="constant").matrix.toarray()
    for power in (0.0, 0.5, 1.0):
        found = mv.train(
            two_topics(), min_count=1, parts="own", dim=12, power=power, unobserved=1.0, weight="constant",
            ridge=1e-6, epochs=60,
        )  # fmt: skip
        order = [found.words.index(word) for word in counts.words]
        assert order == list(range(12))
        np.testing.assert_allclose(found.vectors @ found.contexts.T, target, atol=5e-3)


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"dimm": 5}, OptionError, "did you mean 'dim'"),
        ({"min_count": 10**6}, InputError, "min_count=1000000 leaves 0 of"),
        ({"dim": 0}, OptionError, "dim=0"),
        ({"dim": "many"}, OptionError, "dim='many'; it is of type int"),
        ({"dim": 5.5}, OptionError, "dim=5.5; it is of type int"),
        ({"window": True}, OptionError, "window=True"),
        ({"ridge": "x"}, OptionError, "ridge='x'; it is of type float | None"),
        ({"parts": 3}, OptionError, "parts=3"),
        ({"epochs": 0}, OptionError, "epochs=0"),
        ({"cg_tol": -1}, OptionError, "cg_tol=-1"),
        ({"seed": -1}, OptionError, "seed=-1"),
        ({"min_count": 0}, OptionError, "min_count=0"),
        ({"max_vocab": 1}, OptionError, "max_vocab=1"),
        ({"threads": 0}, OptionError, "threads=0"),
        ({"memory": 1000}, OptionError, "at least 64M"),
        ({"method": "cbow"}, OptionError, "method='cbow'"),
        ({"features": "ngrams", "ngrams": "none"}, OptionError, "no feature block is left"),
        ({"parts": "ngrams", "ngrams": "none"}, OptionError, "add own to --parts"),
        ({"constraint": ["offset:1", "offset:2"]}, OptionError, "given once"),
        ({"constraint": "offset"}, InputError, "pass --unimorph"),
        ({"unimorph": "/no/such/table.tsv"}, InputError, "is not a file"),
        ({"features": "ids"}, InputError, "ids"),
        ({"dim": 4000, "memory": 64 << 20, "epochs": 1}, BudgetError, "--memory allows"),
        ({"shift": 1e9}, InputError, "positive association"),
        ({"tokenizer": "words"}, OptionError, "tokenizer"),
    ],
)
def test_bad_options_are_one_clear_line(options, error, text):
    sentences = [*two_topics(), [f"w{number}" for number in range(2000)]]
    with pytest.raises(error) as caught:
        mv.train(sentences, **{**SMALL, "min_count": 1, **options})
    assert isinstance(caught.value, MorphvecError)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "corpus",
    [[], [[]], [["one"]], [["one"], ["two"]], [["same", "same"]]],
    ids=["none", "empty", "one", "apart", "same"],
)
def test_too_little_text_is_one_clear_line(corpus):
    with pytest.raises(InputError):
        mv.train(corpus, min_count=1)


def test_a_full_disk_keeps_the_earlier_model(tmp_path, corpora, monkeypatch):
    train_to(tmp_path / "M", corpora[0], **SMALL)
    before = {file.name: file.read_bytes() for file in (tmp_path / "M").iterdir()}

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    for part in ("save_arrays", "save_lines", "write_manifest"):
        with monkeypatch.context() as patch:
            patch.setattr(store, part, full)
            with pytest.raises(
                OutputError, match="No space left on device; what stood there before is unchanged"
            ):
                train_to(tmp_path / "M", corpora[0], overwrite=True, **{**SMALL, "dim": 3})
        assert {file.name: file.read_bytes() for file in (tmp_path / "M").iterdir()} == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["M"]
    assert verify(tmp_path / "M", "model") == []
    train_to(tmp_path / "M", corpora[0], overwrite=True, **{**SMALL, "dim": 3})
    assert mv.load(tmp_path / "M").vector_size == 3
