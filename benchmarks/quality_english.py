"""E17 for ``quality.py``: every method and peer at 105 MB of English; see ``e17.py`` for text and scores."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import e17
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
    took,
    train,
    train_peer,
    within,
)

EPOCHS, GLOVE_EPOCHS = 5, 25  # of the peers
TABLE = "--unimorph {unimorph}"
SMALL = "--max-vocab 10000"  # for what costs the square of the vocabulary
GLOVE, SVDS = "glove-c", "svds"

# In the order of a run: a peer stands between ours, so that a machine that slows down slows both.
METHODS: dict[str, tuple[str, str | None]] = {  # name → label, options of train; None: a peer
    "als": ("token-feature, words whole (`--parts own`)", "--parts own"),
    "gensim": (f"gensim SGNS, {EPOCHS} epochs", None),
    "default": ("**the defaults**, no table: rules found in the text", ""),
    "cbow": (f"gensim CBOW, {EPOCHS} epochs", None),
    "table": ("the defaults, UniMorph `eng`", TABLE),
    "fasttext": (f"fastText 3–6, {EPOCHS} epochs", None),
    "table-held-out": (
        "**the defaults**, UniMorph, all test words held out",
        f"{TABLE} --hold-out {{held_out}}",
    ),
    "sgns": ("sgns", "--method sgns"),
    SVDS: ("PPMI-SVD by scipy `svds`, on our counts", None),
    "svd": ("svd (PPMI-SVD)", "--method svd"),
    "ppmi": ("ppmi", "--method ppmi"),
    GLOVE: (f"GloVe in C, {GLOVE_EPOCHS} iterations", None),
    "glove": ("glove (AdaGrad)", "--method glove"),
    "glove-als": ("glove (als)", "--method glove --solver als"),
    "lsa": ("lsa, tf-idf", "--method lsa --association tf-idf"),
    "smf": ("smf", "--method smf"),
    "als-10k": ("token-feature, words whole", f"--parts own {SMALL}"),
    "token-token-10k": ("token-token", f"--method token-token {SMALL}"),
    "sgns-10k": ("sgns", f"--method sgns {SMALL}"),
    "skipgram-10k": ("skipgram (full softmax)", f"--method skipgram {SMALL}"),
}
TRAIN = ["--tokenizer", "whitespace", "--min-count", "5", "--window", "5"]
DIM = ["--dim", "100"]


def runs(setting: Setting, seed: int) -> Iterator[Run]:
    """The runs of a seed; the published GloVe only where a build of it is named."""
    if seed < setting.repeat:
        for method in METHODS:
            if method != GLOVE or setting.glove:
                yield Run("e17", method, seed, functools.partial(measure, setting, method, seed))


def corpus_of(setting: Setting) -> Path:
    """The text, made where there is none, and refused where it is not E17 and was not asked for."""
    if setting.corpus:
        return setting.corpus
    text = setting.out / "e17.txt"
    if not text.exists():
        e17.make_corpus(setting.data / e17.CORPUS, text)
    if text.stat().st_size != e17.BYTES:
        raise SystemExit(f"{text} is not E17: {text.stat().st_size:,} bytes for {e17.BYTES:,}; remove it")
    return text


def measure(setting: Setting, method: str, seed: int) -> dict[str, Any]:
    """Train, score, and remove the model."""
    model = setting.out / "models" / f"e17-{method}-{seed}"
    model.parent.mkdir(parents=True, exist_ok=True)
    text = corpus_of(setting)
    held_out = setting.out / "e17-held-out.txt"
    held_out.write_text("\n".join(e17.tested_words(setting.data)) + "\n", encoding="utf-8")
    fields = {"unimorph": setting.data / "unimorph" / "eng.tsv.gz", "held_out": held_out}
    options = METHODS[method][1]
    if options is not None:
        dim = [] if method == "ppmi" else DIM  # rows of a matrix are as long as the matrix is wide
        words = [word.format(**fields) for word in options.split()]
        found = train([text], model, [*TRAIN, *dim, *words], seed)
    elif method == SVDS:
        found = by_svds(text, model, seed)
    elif method == GLOVE:
        assert setting.glove is not None
        found = by_glove(setting.glove, text, model, seed)
    else:
        found = train_peer(method, text, model, ["--epochs", str(EPOCHS)], seed)
    scores = e17.score(model, setting.data)
    remove(model)
    return {**found, "text": {"bytes": text.stat().st_size, "file": text.name}, "scores": scores}


def by_svds(text: Path, model: Path, seed: int) -> dict[str, Any]:
    """Our counts and association, then ARPACK by scipy's ``svds`` in a process of its own."""
    words, counts, cells = (model.with_name(f"{model.name}-{noun}") for noun in ("vocab", "counts", "ppmi"))
    walk = [
        ("vocab", text, "-o", words, *TRAIN[:4]),
        ("count", text, "--vocab", words, "-o", counts, *TRAIN[4:]),
        ("weigh", counts, "-o", cells),
    ]
    steps = [machine.morphvec(*step, "--overwrite") for step in walk]
    vectors = model.with_name(f"{model.name}.vec")
    last = took(
        machine.timed(
            [sys.executable, machine.HERE / "peers.py", SVDS, cells, "-o", vectors, "--seed", str(seed)]
        )
    )
    machine.morphvec("import", vectors, "-o", model, "--case", "lower", "--overwrite")
    vectors.unlink()
    remove(words, counts, cells)
    ours = [
        {
            "seconds": step.seconds,
            "cpu_seconds": step.cpu_seconds,
            "peak_bytes": step.peak_bytes,
            "report": None,
        }
        for step in steps
    ]
    return together([*ours, last])


def by_glove(build: Path, text: Path, model: Path, seed: int) -> dict[str, Any]:
    """The published programs, text to vectors, as their own demo script runs them, at our window and dimension."""
    folder = model.with_name(f"{model.name}-work")
    folder.mkdir(parents=True, exist_ok=True)
    at = {name: shlex.quote(str(build / name)) for name in ("vocab_count", "cooccur", "shuffle", "glove")}
    source = shlex.quote(str(text))
    script = f"""set -e; cd {shlex.quote(str(folder))}
{at["vocab_count"]} -min-count 5 -verbose 0 < {source} > words
{at["cooccur"]} -memory 4 -vocab-file words -window-size 5 -symmetric 1 -verbose 0 < {source} > cells
{at["shuffle"]} -memory 4 -seed {seed + 1} -verbose 0 < cells > shuffled
{at["glove"]} -save-file vectors -input-file shuffled -vocab-file words -vector-size 100 -iter {GLOVE_EPOCHS} \
-x-max 100 -threads {machine.cores()} -seed {seed + 1} -binary 0 -model 2 -verbose 0 -write-header 0
echo '{{"program": "GloVe C", "iterations": {GLOVE_EPOCHS}}}'
"""
    found = took(machine.timed(["sh", "-c", script]))
    vectors = folder / "vectors.txt"
    machine.morphvec("import", vectors, "-o", model, "--from", "glove", "--case", "lower", "--overwrite")
    remove(folder)
    return found


BARS = {
    "**to reach** without a table": (67, 69, 30, 48, 43, 72),
    "**to reach** with a table, held out": (68, 70, 31, 48, 44, 74),
}


def page(results: Results) -> list[str]:
    """The lines of docs/results/english.md."""
    whole = [method for method in METHODS if not method.endswith("-10k")]
    small = [method for method in METHODS if method.endswith("-10k")]
    lines = [
        "# English Wikipedia: every method and every peer",
        "",
        '    MORPHVEC_DATA=… make bench-quality ARGS="--part english --pages docs"',
        "",
        "Made by `benchmarks/quality.py`. E17 is 105,000,000 bytes, 17,653,288 tokens of English Wikipedia (`e17.py`): window 5, "
        "words met 5 times, 100 dimensions, otherwise each method's own defaults. Spearman ×100 on the pairs in the vocabulary, "
        "3CosAdd ×100 among the 30,000 most frequent words; all vectors are scored by the same code on the same items. "
        "Whole processes from text to vectors, one after another; the peers' seconds are without the writing of their text file. "
        '± is half the range over seeds. "Held out": no row of the table with a word of any test file enters.',
        "",
        results.conditions("e17"),
        "",
        "![Scores against training seconds](../figures/quality_english.svg)",
        "",
    ]
    lines += [_table(results, whole, BARS), ""]
    if any(results.of("e17", method) for method in small):
        lines += [
            "## At a vocabulary of 10,000 words",
            "",
            "For the methods that cost the square of the vocabulary; n is smaller, so these rows compare with each other alone.",
            "",
            _table(results, small, {}),
            "",
        ]
    rows = []
    for method, (label, _) in METHODS.items():
        for run in results.of("e17", method)[:1]:
            rows.append([_label(method, label), *(within(run["scores"][column]) for column in e17.COLUMNS)])
    lines += [
        "## Intervals",
        "",
        "95% by bootstrap over pairs and questions, first seed.",
        "",
        machine.table(["text → vectors", *e17.COLUMNS], rows),
    ]
    return lines


def _label(method: str, label: str) -> str:
    return f"{label}, 10 k words" if method.endswith("-10k") else label


def _table(results: Results, methods: list[str], bars: dict[str, tuple[int, ...]]) -> str:
    rows, n = [], None
    for method in methods:
        runs = results.of("e17", method)
        if runs:
            scores = [[run["scores"][column]["score"] for run in runs] for column in e17.COLUMNS]
            rows.append([METHODS[method][0], *map(spread, scores), *cost(runs)])
            n = n or [str(runs[0]["scores"][column]["n"]) for column in e17.COLUMNS]
    rows += [[label, *map(str, bar), "", "", "", ""] for label, bar in bars.items()]
    if n:
        rows.append(["n", *n, "", "", "", ""])
    return machine.table(["text → vectors", *e17.COLUMNS, *COST], rows)
