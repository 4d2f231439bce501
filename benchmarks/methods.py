"""Every method on the same text: scores, seconds, memory; at three sizes of text; and what constraints bring to each.

    MORPHVEC_DATA=… python benchmarks/methods.py [--only TEXT] [--size 105] [--seeds 3] [--corpus FILE]

E17 and its first 10 and 1 megabytes (see e17.py). A row is one ``morphvec train``, a whole process, scored like the
rows of e17.py; pairs and questions with a word that the text does not have are skipped, so n falls with the text.
"held out" means that no row of the table with a word of any test file enters.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean, median
from typing import Any

import e17
import machine

TABLE = "--unimorph {unimorph}"
OUT = "--hold-out {held_out}"
NGRAMS = "--parts own,ngrams"
SMALL = "--max-vocab 10000"  # for what costs the square of the vocabulary

METHODS = {
    "token-feature, words whole": "--parts own",
    "token-feature, default": "",
    "ppmi": "--method ppmi",
    "svd, p = 0": "--method svd --power 0",
    "svd, p = ½": "--method svd --power 0.5",
    "svd, p = 1": "--method svd --power 1",
    "lsa, counts": "--method lsa --association count",
    "lsa, log counts": "--method lsa",
    "lsa, log counts, centred": "--method lsa --centre",
    "lsa, tf-idf": "--method lsa --association tf-idf",
    "smf, weights n": "--method smf --weight count",
    "smf, weights nm/(n+m)": "--method smf",
    "glove, adagrad": "--method glove",
    "glove, als": "--method glove --solver als",
    "sgns": "--method sgns",
    "sgns, racing threads": "--method sgns --racing",
}
SQUARE = {
    "token-feature, words whole, 10 k words": f"--parts own {SMALL}",
    "token-token, 10 k words": f"--method token-token {SMALL}",
    "sgns, 10 k words": f"--method sgns {SMALL}",
    "skipgram (full softmax), 10 k words": f"--method skipgram {SMALL}",
}
CARRIERS = {
    "token-feature, words whole": "--parts own",
    "glove": "--method glove --solver als",
    "smf": "--method smf --solver als",
    "sgns": "--method sgns",
}
CONSTRAINTS = {
    "": "",
    " + offset": TABLE,
    " + offset, held out": f"{TABLE} {OUT}",
    " + class": f"{TABLE} --constraint class",
    " + class, held out": f"{TABLE} --constraint class {OUT}",
    " + n-grams": NGRAMS,
    " + n-grams + offset": f"{NGRAMS} {TABLE}",
    " + n-grams + offset, held out": f"{NGRAMS} {TABLE} {OUT}",
}
GROUPS = {
    "methods": METHODS,
    "square": SQUARE,
    "constraints": {
        f"{name}{label}": f"{options} {more}"
        for name, options in CARRIERS.items()
        for label, more in CONSTRAINTS.items()
    },
}
SIZES = (105, 10, 1)
AT = e17.TRAIN.index("--dim")
WITHOUT_DIM = [*e17.TRAIN[:AT], *e17.TRAIN[AT + 2 :]]  # rows of a matrix are as long as the matrix is wide


def report(document: dict[str, Any]) -> str:
    """The tables: one for each group and size."""
    runs = document["runs"]
    text = [
        f"{machine.conditions(document['machine'])}.",
        "Whole processes. Scores ×100 are means over seeds, ± half their range; seconds and memory medians.",
    ]
    for size in sorted({run["size"] for run in runs}, reverse=True):
        for group in dict.fromkeys(run["group"] for run in runs if run["size"] == size):
            here = [run for run in runs if (run["size"], run["group"]) == (size, group)]
            rows = []
            for name in dict.fromkeys(run["name"] for run in here):
                mine = [run for run in here if run["name"] == name]
                cells = []
                for column in e17.COLUMNS:
                    scores = [run["scores"][column]["score"] for run in mine]
                    cells.append("–" if None in scores else spread(scores))
                seconds = f"{median(run['seconds'] for run in mine):.1f}"
                peak = f"{median(run['peak_bytes'] for run in mine) / 2**30:.1f}"
                rows.append([name, *cells, seconds, peak, str(len(mine))])
            rows.append(["n", *(str(here[0]["scores"][column]["n"]) for column in e17.COLUMNS), "", "", ""])
            tokens = next(entry["tokens"] for entry in document["texts"] if entry["size"] == size)
            text += [
                "",
                f"### {group}, the first {size} MB ({tokens:,} tokens)",
                "",
                machine.table(["", *e17.COLUMNS, "seconds", "peak GiB", "seeds"], rows),
            ]
    return "\n".join(text)


def spread(scores: list[float]) -> str:
    """The mean, and half the range where there is more than one."""
    told = machine.percent(mean(scores))
    return told if len(scores) == 1 else f"{told} ±{50 * (max(scores) - min(scores)):.1f}"


def cut(source: Path, size: int, folder: Path) -> Path:
    """The first ``size`` megabytes (10⁶ bytes) of a text; the text itself where it has no more."""
    if source.stat().st_size <= size * 1_000_000:
        return source
    target = folder / f"first-{size}.txt"
    with source.open("rb") as whole, target.open("wb") as part:
        part.write(whole.read(size * 1_000_000))
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", help="rows whose name has this text (repeatable)")
    parser.add_argument("--group", action="append", choices=list(GROUPS))
    parser.add_argument("--size", action="append", type=int, help="megabytes of text (repeatable)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a ready-made E17 file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/methods"))
    options = parser.parse_args()
    data, out = machine.data_folder(), options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if not corpus.exists():
        e17.make_corpus(data / e17.CORPUS, corpus)
    held_out = out / "held-out.txt"
    held_out.write_text("\n".join(e17.tested_words(data)) + "\n", encoding="utf-8")
    fields = {"unimorph": data / "unimorph" / "eng.tsv.gz", "held_out": held_out}

    document: dict[str, Any] = {
        "machine": machine.facts(),
        "texts": [],
        "seeds": options.seeds,
        "runs": [],
    }
    for size in options.size or SIZES:
        text = cut(corpus, size, out)
        document["texts"].append({"size": size, **e17.measure_corpus(text)})
        for group in options.group or GROUPS:
            for name, chosen in GROUPS[group].items():
                if options.only and not any(part in name for part in options.only):
                    continue
                for seed in range(options.seeds):
                    given = [part.format(**fields) for part in chosen.split()]
                    common = e17.TRAIN if "ppmi" not in given else WITHOUT_DIM
                    model = out / "model"
                    run = machine.morphvec(
                        "train", text, "-o", model, *common, *given, "--seed", str(seed), "--quiet"
                    )
                    document["runs"].append(
                        {
                            "size": size,
                            "group": group,
                            "name": name,
                            "options": chosen,
                            "seed": seed,
                            "seconds": run.seconds,
                            "cpu_seconds": run.cpu_seconds,
                            "peak_bytes": run.peak_bytes,
                            "report": run.json,
                            "scores": e17.score(model, data),
                        }
                    )
                    print(f"{size} MB, {name}, seed {seed}: {run.seconds:.1f} s", flush=True)
                    machine.write(out, "methods", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
