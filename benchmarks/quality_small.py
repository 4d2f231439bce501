"""Single Bibles for ``quality.py``, whole and in part: paradigms, absent and rare words, similarity on all pairs."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import machine
from quality_runs import (
    COST,
    Results,
    Run,
    Setting,
    cost,
    remove,
    spread,
    together,
    train,
    train_peer,
    within,
)

LANGUAGES = ("fin", "tur", "spa", "hun", "deu", "est", "swa", "por", "eng")
SHARES = {
    "fin": (30, 10),
    "tur": (30, 10),
    "spa": (30, 10),
    "hun": (30, 10),
}  # percent of the verses, beside all
EVERY_METHOD = ("fin", "tur")  # the others have those of MAIN
MAPPED_LANGUAGES = ("spa", "por", "eng", "hun")  # quality_pairs maps these models of whole Bibles
MAPPED_METHODS = ("own", "default", "gensim", "fasttext")
EPOCHS = 20  # of the peers, on texts this small
HANDS = 2  # as quality_items has them; it is not imported, which keeps this process small
TABLE = "--unimorph {table} --hold-out {held_out}"
SMALL = "--max-vocab 10000"

# In the order of a run: a peer stands between ours.
METHODS: dict[str, tuple[str, str | None]] = {  # name → label, options of train; None: a peer
    "prefix": ("longest prefix, no vectors", None),
    "own": ("token-feature, words whole (`--parts own`)", "--parts own"),
    "gensim": (f"gensim SGNS, {EPOCHS} epochs", None),
    "default": ("**the defaults**, no table", ""),
    "fasttext": (f"fastText, {EPOCHS} epochs", None),
    "table": ("**the defaults**, UniMorph, lemmas held out", TABLE),
    "cbow": (f"gensim CBOW, {EPOCHS} epochs", None),
    "sgns": (f"sgns, {EPOCHS} epochs", f"--method sgns --epochs {EPOCHS}"),
    "svd": ("svd (PPMI-SVD)", "--method svd"),
    "glove": ("glove (als)", "--method glove --solver als"),
    "lsa": ("lsa, tf-idf", "--method lsa --association tf-idf"),
    "smf": ("smf", "--method smf"),
    "ppmi": ("ppmi", "--method ppmi"),
    "token-token-10k": ("token-token, 10,000 words", f"--method token-token {SMALL}"),
    "skipgram-10k": ("skipgram (full softmax), 10,000 words", f"--method skipgram {SMALL}"),
}
MAIN = ("prefix", "own", "gensim", "default", "fasttext", "table", "cbow")
TRAIN = ["--tokenizer", "whitespace", "--min-count", "3"]
SIZE = ["--min-count", "3", "--dim", "100"]


def runs(setting: Setting, seed: int) -> Iterator[Run]:
    """The runs of a seed: the methods of each corpus before the next corpus."""
    if seed >= setting.seeds:
        return
    for language in LANGUAGES:
        for share in (100, *SHARES.get(language, ())):
            for method in METHODS:
                if method in MAIN or (language in EVERY_METHOD and share == 100):
                    work = functools.partial(measure, setting, language, share, method, seed)
                    yield Run(corpus_name(language, share), method, seed, work)


def corpus_name(language: str, share: int) -> str:
    """``fin`` for the whole, ``fin-30`` for a part."""
    return language if share == 100 else f"{language}-{share}"


def items(verb: str, *arguments: str | Path) -> machine.Finished:
    """``quality_items.py`` in a process of its own."""
    return machine.timed([sys.executable, machine.HERE / "quality_items.py", verb, *arguments])


def prepared(setting: Setting, language: str, share: int, seed: int) -> Path:
    """The folder with the text and what is asked, made where there is none."""
    folder = setting.out / "texts" / f"{corpus_name(language, share)}-{seed}"
    if not (folder / "items.json").exists():
        items("prepare", language, str(share), str(seed), folder)
    return folder


def model_folder(setting: Setting, language: str, method: str, seed: int) -> Path:
    """Where the model of a whole Bible is, for those that ``quality_pairs`` maps."""
    return setting.out / "models" / f"{language}-{method}-{seed}"


def fit(
    setting: Setting, language: str, share: int, method: str, seed: int
) -> tuple[list[Path], dict[str, Any]]:
    """Train: the model folders (one for each hand where a table is held out), and what it took."""
    folder = prepared(setting, language, share, seed)
    model = model_folder(setting, corpus_name(language, share), method, seed)
    model.parent.mkdir(parents=True, exist_ok=True)
    text, options = folder / "text.txt", METHODS[method][1]
    if options is None:
        unseen = ["--unseen", folder / "unseen.txt", "--unseen-out", folder / f"{method}-unseen.vec"]
        more = unseen if method == "fasttext" else []
        found = train_peer(method, text, model, ["--epochs", str(EPOCHS), *SIZE, *more], seed)
        return [model], found
    dim = [] if method == "ppmi" else ["--dim", "100"]
    if "{held_out}" not in options:
        return [model], train([text], model, [*TRAIN, *dim, *options.split()], seed)
    models = [model.with_name(f"{model.name}-{hand}") for hand in range(HANDS)]
    parts = []
    for hand, each in enumerate(models):
        fields = {"table": folder / "table.tsv", "held_out": folder / f"hold-{hand}.txt"}
        words = [word.format(**fields) for word in options.split()]
        parts.append(train([text], each, [*TRAIN, *dim, *words], seed))
    all_of_them = together(parts)
    mean = {name: all_of_them[name] / HANDS for name in ("seconds", "cpu_seconds")}
    return models, {**all_of_them, **mean}


def measure(setting: Setting, language: str, share: int, method: str, seed: int) -> dict[str, Any]:
    """Train and ask; models that will be mapped to other languages are kept."""
    folder = prepared(setting, language, share, seed)
    if method == "prefix":
        return {
            "seconds": None,
            "cpu_seconds": None,
            "peak_bytes": None,
            "scores": items("prefix", folder).json,
        }
    models, found = fit(setting, language, share, method, seed)
    vectors = folder / f"{method}-unseen.vec"
    composed = ["--unseen", vectors] if vectors.exists() else []
    scores = items("ask", folder, *models, *composed).json
    vectors.unlink(missing_ok=True)
    if share < 100 or language not in MAPPED_LANGUAGES or method not in MAPPED_METHODS:
        remove(*models)
    return {**found, "scores": scores}


def read_took(file: Path) -> dict[str, Any]:
    """What the training of a finished run took."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {name: found[name] for name in ("seconds", "cpu_seconds", "peak_bytes", "report")}


CORPORA = tuple(
    corpus_name(language, share) for language in LANGUAGES for share in (100, *SHARES.get(language, ()))
)
ANSWERS = ("mrr", "p@10", "mean-offset mrr", "lemma mrr")
COMPARED = {  # what the claim rests on: label → (method, answer) less (method, answer)
    "the defaults − fastText": (("default", "mrr"), ("fasttext", "mrr")),
    "the defaults − fastText's mean offset": (("default", "mrr"), ("fasttext", "mean-offset mrr")),
    "the defaults − their lemma": (("default", "mrr"), ("default", "lemma mrr")),
    "the defaults − their mean offset": (("default", "mrr"), ("default", "mean-offset mrr")),
    "with a table, held out − fastText": (("table", "mrr"), ("fasttext", "mrr")),
    "with a table, held out − the defaults": (("table", "mrr"), ("default", "mrr")),
}


def page(results: Results) -> list[str]:
    """The lines of docs/results/small-text.md."""
    return [
        "# Small text: single Bibles",
        "",
        '    MORPHVEC_DATA=… make bench-quality ARGS="--part small --pages docs"',
        "",
        "Made by `benchmarks/quality.py`. One Bible a language (est: the New Testament), window contexts, words met three times, "
        f"100 dimensions, otherwise each method's defaults; the peers at {EPOCHS} epochs. Each seed deals the lemmas, "
        "draws the words that are asked about, and starts the methods. Scores ×100; ± is half the range over seeds, brackets are "
        "95% by bootstrap over lemmas (paradigms) or words, seeds pooled. Whole processes; of the rows with a table, which train once "
        "for each half of the lemmas, the mean. Basque and Quechua are left out: their tables know 68 and 340 of the words.",
        "",
        results.conditions(*CORPORA),
        "",
        *_paradigms(results),
        *_differences(results),
        *_words(results),
        *_similarity(results),
    ]


def _table(
    results: Results, corpora: Sequence[str], cells: Callable[[list[dict[str, Any]]], list[str] | None]
) -> list[list[str]]:
    """A row for each corpus and method that has what ``cells`` shows."""
    rows = []
    for corpus in corpora:
        for method, (label, _) in METHODS.items():
            runs = results.of(corpus, method)
            shown = cells(runs) if runs else None
            if shown is not None:
                rows.append([corpus, label, *shown])
    return rows


def _paradigms(results: Results) -> list[str]:
    def cells(runs: list[dict[str, Any]]) -> list[str] | None:
        found = [run["scores"]["paradigms"] for run in runs]
        asked = [one for one in found if one is not None and one["items"]]  # a tenth of a text may have none
        if not asked:
            return None
        scores = [spread([mean(one["values"][name]) for one in asked]) for name in ANSWERS]
        n = f"{len(asked[0]['items'])} of {len(set(asked[0]['clusters']))} lemmas"
        return [*scores, n, *cost(runs)]

    header = ["text", "vectors", *ANSWERS, "n", *COST]
    whole = [name for name in CORPORA if "-" not in name]
    parts = [name for name in CORPORA if "-" in name]
    return [
        "## Paradigm completion",
        "",
        "Given a lemma and a bundle of features, rank all words of the text; a form that the table lists is right. Lemmas are held out "
        "by halves: a model with a table was told nothing of the lemmas that it is asked about, and the other half gives the mean "
        "offsets, for every method alike. `mrr` and `p@10` are of lemma + 2 × mean offset (`evaluate --paradigms`), "
        "`mean-offset` of lemma + mean offset, `lemma` of the lemma alone.",
        "",
        machine.table(header, _table(results, whole, cells)),
        "",
        "### Less text",
        "",
        "Ten and thirty percent of the verses, drawn by the seed.",
        "",
        "![Paradigm completion against the size of the text](../figures/quality_small.svg)",
        "",
        machine.table(header, _table(results, parts, cells)),
        "",
    ]


def _differences(results: Results) -> list[str]:
    """Paired on the same questions, by bootstrap over lemmas."""
    whole = tuple(name for name in CORPORA if "-" not in name)
    rows = []
    for name, corpora in {"**whole Bibles**": whole, **{corpus: (corpus,) for corpus in CORPORA}}.items():
        for label, (one, other) in COMPARED.items():
            found = difference(results, corpora, one, other)
            if found is not None:
                rows.append([name, label, within(found, "+"), str(found["n"])])
    return [
        "### Paired differences of the mrr",
        "",
        "On the same questions, seeds pooled; a lemma is drawn with all its questions.",
        "",
        machine.table(["text", "difference", "mrr", "n"], rows),
        "",
    ]


def difference(
    results: Results, corpora: Sequence[str], one: tuple[str, str], other: tuple[str, str]
) -> dict[str, Any] | None:
    """The mean of one (method, answer) less another on the questions that both were asked; None where there are none."""
    import numpy as np

    from morphvec.evaluate.intervals import mean_interval

    values, clusters = [], []
    names: dict[tuple[str, int], int] = {}  # a lemma is one cluster in all seeds
    for corpus in corpora:
        others = {run["seed"]: run["scores"]["paradigms"] for run in results.of(corpus, other[0])}
        for run in results.of(corpus, one[0]):
            mine, theirs = run["scores"]["paradigms"], others.get(run["seed"])
            if theirs is None:
                continue
            known = dict(zip(theirs["items"], theirs["values"][other[1]], strict=True))
            asked = zip(mine["items"], mine["clusters"], mine["values"][one[1]], strict=True)
            for item, cluster, value in asked:
                if item in known:
                    values.append(value - known[item])
                    clusters.append(names.setdefault((corpus, cluster), len(names)))
    if not values:
        return None
    found = mean_interval(np.array(values), clusters=np.array(clusters))
    assert found is not None
    return {"score": mean(values), "low": found.low, "high": found.high, "n": len(values)}


def _hits(runs: list[dict[str, Any]], name: str) -> str:
    """The share of hits over all seeds, with its interval."""
    import numpy as np

    from morphvec.evaluate.intervals import mean_interval

    lists = [run["scores"][name] for run in runs]
    if None in lists:
        return "–"
    values = np.array([value for one in lists for value in one], dtype=np.float64)
    found = mean_interval(values)
    if found is None:
        return "–"
    return f"{within({'score': float(values.mean()), 'low': found.low, 'high': found.high})}"


def _words(results: Results) -> list[str]:
    def cells(runs: list[dict[str, Any]]) -> list[str] | None:
        counted = [len(runs[0]["scores"][name] or []) for name in ("absent", "rare")]
        shown = [_hits(runs, name) for name in ("absent", "rare")]
        return None if shown == ["–", "–"] else [*shown, " and ".join(map(str, counted)), str(len(runs))]

    header = ["text", "vectors", "absent words", "rare words", "n a seed", "seeds"]
    return [
        "## Absent and rare words",
        "",
        "Absent: forms of the UniMorph table that the text does not have at all; rare: words that it has three to five times. "
        "A hit: one of the ten nearest words is the lemma or another form of it. Spelling alone goes far here, so the words with the longest common prefix, "
        "for their length, stand beside the vectors. Methods without parts have no vectors for absent words.",
        "",
        machine.table(header, _table(results, CORPORA, cells)),
        "",
    ]


def _similarity(results: Results) -> list[str]:
    """Each set, and all of a method's sets pooled by their pairs."""
    sets = {
        name: corpus
        for corpus in CORPORA
        for run in results.of(corpus, "default")[:1]
        for name in run["scores"]["similarity"]
        if "-" not in corpus
    }
    if not sets:
        return []
    rows = []
    for method in ("own", "gensim", "fasttext", "default", "table"):
        cells, every = [], []
        for name, corpus in sets.items():
            runs = results.of(corpus, method)
            found = [run["scores"]["similarity"].get(name) for run in runs]
            if not found or None in found or any(one["score"] is None for one in found):
                cells.append("–")
                continue
            score = mean(one["score"] for one in found)
            cells.append(f"{spread([one['score'] for one in found])} (n = {found[0]['n']})")
            every.append((found[0]["n"], score, found[0]["high"] - found[0]["low"]))
        pooled = "–"
        if len(every) == len(sets):
            total = sum(n for n, _, _ in every)
            score = sum(n * one for n, one, _ in every) / total
            half = sum((n * width / 2) ** 2 for n, _, width in every) ** 0.5 / total
            pooled = within({"score": score, "low": score - half, "high": score + half}) + f", n = {total}"
        rows.append([METHODS[method][0], *cells, pooled])
    return [
        "## Similarity on all pairs",
        "",
        "Spearman ×100. Few words of these sets occur in a Bible: where the method composes words, all pairs are scored with composed "
        "vectors; the others have the pairs of known words. Pooled: the mean of the sets weighted by their pairs, with an interval from theirs.",
        "",
        machine.table(["vectors", *(name.removesuffix(".tsv") for name in sets), "pooled"], rows),
        "",
    ]
