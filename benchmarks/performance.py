"""Speed and size beside the peers, one row of docs/performance.md at a time: `--only ROW` runs it, `--page` writes the rows of the page.

    MORPHVEC_DATA=… python benchmarks/performance.py [--only counting] [--glove BUILD] [--corpus FILE] [--rounds 3]
    python benchmarks/performance.py --page docs/performance.md

Every row is a script of its own (or a part of one), called here with the same text and the same number of rounds; its own
tables and figures stay in OUT/ROW. What is kept of it is OUT/ROW.json: for each comparison the seconds of either side
round by round, and the bar. The machine's own limits are measured before a row and stand beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import e17
import machine

Comparison = dict[str, Any]  # what, ours, peer (seconds by round), bar, note
HERE = machine.HERE
BEGIN, END = "<!-- rows of benchmarks/performance.py -->", "<!-- end of the rows -->"


def compared(
    what: str, ours: list[float], peer: list[float], bar: float | None = None, note: str = ""
) -> Comparison:
    """One line of the table."""
    return {"what": what, "ours": ours, "peer": peer, "bar": bar, "note": note}


class Call:
    """The scripts behind the rows, called with this run's text and rounds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.corpus = ["--corpus", options.corpus] if options.corpus else []

    def script(self, name: str, row: str, *arguments: str | Path) -> dict[str, Any]:
        """Run a script with its output in OUT/ROW; the document that it wrote there."""
        out = self.options.out / row
        print(f"{row}: {name}.py {' '.join(map(str, arguments))}", file=sys.stderr, flush=True)
        machine.timed([sys.executable, HERE / f"{name}.py", *arguments, "--out", out])
        document: dict[str, Any] = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        return document


def _runs(document: dict[str, Any], name: str, field: str = "seconds") -> list[float]:
    return [run[field] for run in document["runs"] if run["name"] == name]


def _scores(document: dict[str, Any], ours: str, peer: str) -> str:
    """By how many points ours is ahead of the peer, means over the seeds."""
    first = document["runs"][0]["scores"]
    told = []
    for column in first:
        means = []
        for name in (ours, peer):
            found = [run["scores"][column]["score"] for run in document["runs"] if run["name"] == name]
            means.append(sum(found) / len(found))
        told.append(f"{column} {100 * (means[0] - means[1]):+.1f}")
    return "points ahead: " + ", ".join(told)


def text(call: Call) -> list[Comparison]:
    """Whole processes from text to vectors: plain als beside gensim, the default with a table beside fastText."""
    data, out = machine.data_folder(), call.options.out / "text"
    out.mkdir(parents=True, exist_ok=True)
    corpus = call.options.corpus or out / "e17.txt"
    if not corpus.exists():
        e17.make_corpus(data / e17.CORPUS, corpus)
    held_out = out / "held-out.txt"
    held_out.write_text("".join(f"{word}\n" for word in e17.tested_words(data)), encoding="utf-8")
    table = ["--unimorph", data / "unimorph" / "eng.tsv.gz", "--hold-out", held_out]
    sides: dict[str, list[Any] | None] = {
        "als": ["--parts", "own"],
        "gensim": None,
        "table": table,
        "fasttext": None,
    }
    file = out / "runs.json"  # what was measured before: a round takes half an hour
    runs: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    known = {(run["name"], run["seed"]) for run in runs}
    for seed in range(call.options.rounds):
        for name, options in sides.items():
            if (name, seed) in known:
                continue
            common = ["--threads", str(machine.cores()), "--seed", str(seed)]
            model, vectors = out / name, out / f"{name}.vec"
            if options is None:
                run = machine.peer(name, corpus, "-o", vectors, "--epochs", "5", *common)
                machine.morphvec("import", vectors, "-o", model, "--case", "lower", "--overwrite")
                vectors.unlink()
                seconds = run.seconds - run.json["seconds"]["write"]  # text files are no part of training
            else:
                seconds = machine.morphvec(
                    "train", corpus, "-o", model, *e17.TRAIN, *options, *common
                ).seconds
            runs.append({"name": name, "seed": seed, "seconds": seconds, "scores": e17.score(model, data)})
            file.write_text(json.dumps(runs), encoding="utf-8")
            print(f"text: {name}, seed {seed}: {seconds:.1f} s", file=sys.stderr, flush=True)
    found = {"runs": runs}
    pairs = (
        ("plain als beside gensim, 5 epochs", "als", "gensim", 5.0),
        (
            "the default with a table (test words held out) beside fastText, 5 epochs",
            "table",
            "fasttext",
            6.0,
        ),
    )
    return [
        compared(
            f"text → vectors, {what}", _runs(found, ours), _runs(found, peer), bar, _scores(found, ours, peer)
        )
        for what, ours, peer, bar in pairs
    ]


def glove(call: Call) -> list[Comparison]:
    """glove.py: als to the cost of the C program after 25 iterations."""
    found = call.script("glove", "glove", "--only", "c", "--only", "als", *_build(call), *call.corpus)
    c, als = found["runs"]["c"], found["runs"]["als"]
    sweeps = next((n + 1 for n, cost in enumerate(als["costs"]) if cost <= c["cost"]), None)
    if sweeps is None:
        return [compared("glove: als does not come to the cost of GloVe C", [], sum_of(c), 20.0)]
    ours = als["set_up"] + sum(als["seconds"][:sweeps])
    return [
        compared(
            f"glove by als to the cost of GloVe C after {len(c['seconds'])} iterations",
            [ours],
            sum_of(c),
            20.0,
        )
    ]


def sum_of(run: dict[str, Any]) -> list[float]:
    """The seconds of all iterations, as one round."""
    return [sum(run["seconds"])]


def sgns(call: Call) -> list[Comparison]:
    """sgns.py: seconds of training alone, deterministic and racing, beside gensim."""
    names = ("deterministic", "gensim", "racing")
    chosen = [part for name in names for part in ("--only", name)]
    found = call.script("sgns", "sgns", *chosen, "--repeat", str(call.options.rounds), *call.corpus)
    peer = _runs(found, "gensim", "training")
    return [
        compared(f"sgns, {name}", _runs(found, name, "training"), peer, bar, _scores(found, name, "gensim"))
        for name, bar in (("deterministic", 1.5), ("racing", 3.0))
    ]


def counting(call: Call) -> list[Comparison]:
    """cooccur.py: vocab and count beside GloVe's vocab_count and cooccur."""
    found = call.script(
        "cooccur", "counting", *_build(call), "--rounds", str(call.options.rounds), *call.corpus
    )
    mine, peer = found["runs"]["morphvec"], found["runs"]["glove"]
    same = found["compared"]
    note = f"the same {same['cells']:,} cells: {'yes' if same['same_cells'] else 'NO'}"
    parts = (
        ("count beside cooccur", "count", "count", 3.0, note),
        ("vocab and count beside vocab_count and cooccur", "both", "both", None, ""),
        ("the same, default tokenizer", "both, default tokenizer", "both", None, ""),
    )
    return [
        compared(what, [run[ours] for run in mine], [run[theirs] for run in peer], bar, told)
        for what, ours, theirs, bar, told in parts
    ]


def _build(call: Call) -> list[Path | str]:
    if call.options.glove is None:
        raise SystemExit("this row needs --glove BUILD, the folder with the published C programs")
    return ["--glove", call.options.glove]


def svd(call: Call) -> list[Comparison]:
    """svd.py: seconds of the decomposition alone beside scipy's svds of the same precision."""
    found = call.script("svd", "svd", "--rounds", str(call.options.rounds), *call.corpus)
    seconds = {
        name: [run["seconds"] for run in found["runs"] if run["solver"] == name]
        for name in ("fast", "exact", "arpack-float32", "arpack-float64")
    }
    energy = {
        name: f"{100 * found['summary'][name]['energy']:.3f}% of ARPACK's energy"
        for name in ("fast", "exact")
    }
    return [
        compared("truncated SVD, fast beside svds in float32", seconds["fast"], seconds["arpack-float32"], 3.0, energy["fast"]),
        compared("truncated SVD, exact beside svds in float64", seconds["exact"], seconds["arpack-float64"], None, energy["exact"]),
    ]  # fmt: skip


def kernel(call: Call) -> list[Comparison]:
    """row_kernel.py: a sweep of als beside a plain kernel, and one thread beside all."""
    found = call.script("row_kernel", "kernel", "--rounds", str(call.options.rounds), *call.corpus)
    seconds = {name: [run["seconds"] for run in runs] for name, runs in found["runs"].items()}
    work = 8 * 4 * found["dim"] * found["runs"]["plain"][0]["cells"] / 1e9
    note = f"{work / median(seconds['als']):.0f} GFLOP/s against {work / median(seconds['plain']):.0f}"
    return [
        compared(f"a sweep of als, k = {found['dim']}, beside a plain kernel", seconds["als"], seconds["plain"], 3.0, note),
        compared(f"the same, {found['cores']} threads beside one", seconds["als"], seconds["als, one thread"], 1.8),
    ]  # fmt: skip


def scaling(call: Call) -> list[Comparison]:
    """scaling.py: seconds a sweep against stored cells; no peer."""
    sizes = ["--sizes", call.options.sizes] if call.options.sizes else []
    found = call.script("scaling", "scaling", "--only", "cells", "--solver", "als", *sizes)
    fit = found["cells"]["fits"]["als"]
    made = [
        compared(f"a sweep of als, {run['stored'] / 1e6:.0f} M cells", [run["median"]], [])
        for run in found["cells"]["runs"]
    ]
    exponents = ", ".join(f"{name} {fit[name]:.3f}" for name in ("all", "large", "grows") if fit.get(name))
    made[-1]["note"] = f"exponents: {exponents}; {fit['bytes_per_cell']:.1f} bytes a cell"
    return made


def queries(call: Call) -> list[Comparison]:
    """queries.py: 400,000 memory-mapped vectors beside gensim's."""
    found = call.script("queries", "queries", "--rounds", str(call.options.rounds))
    times = {
        side: {name: [run["seconds"][name] for run in runs] for name in runs[0]["seconds"]}
        for side, runs in found["runs"].items()
    }
    mine, peer = times["morphvec"], times["gensim"]
    label = "400,000 × 300, memory-mapped: "
    return [
        compared(f"{label}open and `similarity`", mine["open"], peer["open"], None, "to reach: under 50 ms"),
        compared(f"{label}the first exact top 10", mine["first"], peer["first"], 1.0),
        compared(f"{label}another exact top 10", mine["more"], peer["more"], 1.0),
        compared(
            f"{label}a word of 64 at once", mine["batch"], peer["more"], 1.0, "gensim has them one by one"
        ),
    ]


def start(call: Call) -> list[Comparison]:
    """import morphvec in a process of its own, less an empty process; commands that find their kernels compiled."""
    out = call.options.out / "start"
    out.mkdir(parents=True, exist_ok=True)
    text, model = out / "small.txt", out / "model"
    text.write_text((HERE.parent / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    train = ["train", text, "-o", model, "--overwrite", "--min-count", "2", "--dim", "10", "--quiet"]
    codes = {"empty": "pass", "import": "import morphvec", "command": "from morphvec.cli.main import run"}
    commands = {"train": train, "similarity": ["similarity", model, "the", "of"]}
    seconds: dict[str, list[float]] = {name: [] for name in (*codes, *commands)}
    for number in range(2 * call.options.rounds + 2):
        took = {name: machine.timed([sys.executable, "-c", code]).seconds for name, code in codes.items()}
        took |= {name: machine.morphvec(*given).seconds for name, given in commands.items()}
        if number > 1:
            for name, value in took.items():
                seconds[name].append(value)
    return [
        compared(f"{what}, less an empty process", [a - b for a, b in zip(seconds[name], seconds["empty"], strict=True)], [], None, note)
        for what, name, note in (("import morphvec", "import", "to reach: under 0.3 s"), ("the command line", "command", ""))
    ] + [
        compared("`similarity`, a whole process", seconds["similarity"], [], None, "to reach: under 1 s"),
        compared("`train` on a page of text, a whole process", seconds["train"], [], None, "kernels compiled before"),
    ]  # fmt: skip


ROWS: dict[str, Callable[[Call], list[Comparison]]] = {
    row.__name__: row for row in (text, glove, sgns, counting, svd, kernel, scaling, queries, start)
}


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return ""
    around = f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{median(values):.{digits}f}{around}"


def _ratios(line: Comparison) -> list[float]:
    return [peer / ours for ours, peer in zip(line["ours"], line["peer"], strict=False)]


def table(documents: dict[str, dict[str, Any]]) -> str:
    """Markdown: every comparison of every row that was measured."""
    rows = []
    for document in documents.values():
        for line in document["comparisons"]:
            digits = 3 if max([*line["ours"], 0.0]) < 1 else 1
            bar = "" if line["bar"] is None else f"≥ {line['bar']:g}" if line["bar"] > 1 else "> 1"
            rows.append(
                [line["what"], _spread(line["ours"], digits), _spread(line["peer"], digits), _spread(_ratios(line), 2), bar,
                 str(len(line["ours"])), line["note"]]
            )  # fmt: skip
    return machine.table(["", "morphvec, s", "peer, s", "× faster", "to reach", "n", ""], rows)


def measured(documents: dict[str, dict[str, Any]]) -> str:
    """The part of docs/performance.md that is written by this command."""
    missing = [name for name in ROWS if name not in documents]
    limits = [
        f"| {name} | "
        + " | ".join(f"{value}" for value in document["limits"].values())
        + f" | {document['load'][0]:.1f} |"
        for name, document in documents.items()
    ]
    names = list(next(iter(documents.values()))["limits"])
    facts = next(iter(documents.values()))["machine"]
    lines = [
        f"{machine.conditions(facts)}.",
        "",
        table(documents),
        "",
        "![Times faster than the peer](figures/performance.svg)",
        "",
        "The same machine gives different seconds on different days, as others work on its host; its limits were measured at "
        'the start of every row, best of five. Compare ratios, not seconds of two rows. "load" is the mean number of busy '
        "processes in the minute before.",
        "",
        f"| row | {' | '.join(names)} | load |",
        f"| --- |{' ---: |' * (len(names) + 1)}",
        *limits,
    ]
    if missing:
        lines += ["", f"Not measured by this command yet: {', '.join(missing)}."]
    return "\n".join(lines)


def page(text: str, rows: str) -> str:
    """The page with other rows between its marks; what stands around them is written by hand."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the page has no place for the rows; put the lines {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n\n{rows}\n\n{END}{after}"


def draw(documents: dict[str, dict[str, Any]], file: Path) -> None:
    """Bars of the ratios, least to most as a line, and the bar to reach as a mark."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "performance"
    from matplotlib.figure import Figure

    lines = [line for document in documents.values() for line in document["comparisons"] if _ratios(line)]
    lines.reverse()
    figure = Figure(figsize=(9, 1.0 + 0.36 * len(lines)), layout="constrained")
    axes = figure.subplots()
    for place, line in enumerate(lines):
        ratios = _ratios(line)
        axes.barh(place, median(ratios), color="#4477aa", height=0.6)
        axes.plot([min(ratios), max(ratios)], [place, place], color="black", linewidth=1.2)
        if line["bar"]:
            axes.plot([line["bar"]] * 2, [place - 0.4, place + 0.4], color="#cc3311", linewidth=2)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.5, 1, 2, 3, 5, 10, 20, 50, 100) if tick <= 2 * axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(lines)), [line["what"] for line in lines], fontsize=8)
    axes.set_xlabel("times faster than the peer (red: to reach)")
    axes.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=ROWS, help="only this row (repeatable)")
    parser.add_argument("--glove", type=Path, help="folder with the published GloVe C programs")
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made by each script")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", help="of the row scaling, million cells: 10,30,100,300")
    parser.add_argument("--out", type=Path, default=Path("out/performance"))
    parser.add_argument(
        "--page",
        type=Path,
        help="write the rows of this page, and figures/performance.svg beside it, from OUT",
    )
    options = parser.parse_args()
    options.out = options.out.absolute()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.page is None or options.only:
        call = Call(options)
        for name in options.only or ROWS:
            if name in ("glove", "counting") and options.glove is None:
                print(f"{name}: left out, it needs --glove BUILD", file=sys.stderr)
                continue
            load = os.getloadavg()
            limits = machine.timed([sys.executable, HERE / "machine_speed.py"]).json
            facts = machine.facts()
            document = {"machine": facts, "limits": limits, "load": load, "comparisons": ROWS[name](call)}
            machine.write(options.out, name, document, table({name: document}))
            print(table({name: document}), flush=True)
    documents = {
        name: json.loads((options.out / f"{name}.json").read_text(encoding="utf-8"))
        for name in ROWS
        if (options.out / f"{name}.json").exists()
    }
    if options.page is not None:
        if not documents:
            raise SystemExit(f"no row was measured in {options.out}")
        written = page(options.page.read_text(encoding="utf-8"), measured(documents))
        draw(documents, options.page.parent / "figures" / "performance.svg")
        options.page.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
