"""KenLM beside our n-gram models: it scores our ARPA files, and its lmplz estimates the same modified Kneser–Ney.

    MORPHVEC_DATA=… python benchmarks/lm_kenlm.py [--lmplz BUILD/bin/lmplz] [--tokens 200000] [--order 5]

Needs the ``kenlm`` package (make check-kenlm). The text: the first lines of E17 (see e17.py) up to TOKENS tokens; of every
20 lines one is scored. With --lmplz every n-gram of its ARPA file is compared with ours, and every scored token.
Differences are of log10, as
ARPA files have it. KenLM works in single precision, we in double.
"""

from __future__ import annotations

import argparse
import math
import subprocess
from pathlib import Path
from typing import Any

import kenlm
import numpy as np

import e17
import machine
from morphvec.lm.arpa import read_arpa
from morphvec.lm.base import LanguageModel
from morphvec.lm.store import load
from morphvec.lm.text import read_scored

SMOOTHINGS = ("absolute", "interpolated", "kneser-ney", "modified-kneser-ney")
SAME = 1e-6  # of every log10 p


def make_text(source: Path, out: Path, tokens: int) -> tuple[Path, Path]:
    """Write train.txt and test.txt."""
    train, test = out / "train.txt", out / "test.txt"
    met = 0
    with train.open("wb") as one, test.open("wb") as two:
        for number, line in enumerate(e17.lines(source)):
            (two if number % 20 == 19 else one).write(line)
            met += len(line.split())
            if met >= tokens:
                break
    return train, test


def scores_of_package(model: LanguageModel, arpa: Path, test: Path) -> tuple[int, float]:
    """(tokens, largest difference of log10) of KenLM's and our log-probabilities over one ARPA file."""
    text = read_scored(str(test), model.vocabulary)
    ours = model.predictor.token_logprobs(text.stream)
    quiet = kenlm.Config()
    quiet.show_progress = False
    theirs = kenlm.Model(str(arpa), quiet)
    found = [score for line in text.lines for score, _, _ in theirs.full_scores(line, bos=True, eos=True)]
    return len(found), float(np.max(np.abs(np.array(found) - ours / math.log(10))))


def numbers(arpa: Path) -> dict[str, tuple[float, float]]:
    """n-gram → (log10 p, log10 of its back-off weight); <s> is never predicted and has p = 0."""
    found = {}
    with arpa.open(encoding="utf-8") as lines:
        for line in lines:
            parts = line.rstrip("\n").split("\t")
            if len(parts) >= 2:
                weight = float(parts[2]) if len(parts) > 2 else 0.0
                p = 0.0 if parts[1] == "<s>" else float(parts[0])
                found[parts[1]] = (p, weight)
    return found


def beside_lmplz(lmplz: Path, order: int, model: LanguageModel, out: Path) -> dict[str, Any]:
    """lmplz on the same text: n-grams that only one has, and the largest differences of log10."""
    theirs = out / "lmplz.arpa"
    with (out / "train.txt").open("rb") as text, theirs.open("wb") as made:
        command = [str(lmplz), "-o", str(order), "-S", "1G", "-T", str(out / "lmplz-")]
        subprocess.run(command, stdin=text, stdout=made, stderr=subprocess.DEVNULL, check=True)
    one, two = numbers(out / "modified-kneser-ney.arpa"), numbers(theirs)
    both = one.keys() & two.keys()
    pairs = np.array([(*one[gram], *two[gram]) for gram in both])
    read = read_arpa(str(theirs))
    sets = [
        scored.predictor.token_logprobs(read_scored(str(out / "test.txt"), scored.vocabulary).stream)
        for scored in (model, read)
    ]
    return {
        "ngrams": len(both),
        "only_ours": len(one) - len(both),
        "only_theirs": len(two) - len(both),
        "p": float(np.max(np.abs(pairs[:, 0] - pairs[:, 2]))),
        "weight": float(np.max(np.abs(pairs[:, 1] - pairs[:, 3]))),
        "p_mean": float(np.mean(np.abs(pairs[:, 0] - pairs[:, 2]))),
        "tokens": len(sets[0]),
        "scores": float(np.max(np.abs(sets[0] - sets[1]))) / math.log(10),
    }


def report(document: dict[str, Any]) -> str:
    """The markdown of a document."""
    rows = [[name, f"{n:,}", f"{difference:.1e}"] for name, (n, difference) in document["package"].items()]
    lines = [
        f"The first {document['tokens']:,} tokens of E17, order {document['order']}. "
        f"{machine.conditions(document['machine'])}.",
        "",
        machine.table(["our ARPA file, scored by kenlm", "tokens", "largest difference of log10"], rows),
    ]
    if found := document["lmplz"]:
        met = max(found["p"], found["scores"]) <= SAME
        lines += [
            "",
            f"lmplz: {found['ngrams']:,} n-grams in both files, {found['only_ours']} only in ours, "
            f"{found['only_theirs']} only in its own. Largest differences of log10: p {found['p']:.1e} "
            f"(mean {found['p_mean']:.1e}), back-off weight {found['weight']:.1e}, "
            f"{found['tokens']:,} scored tokens {found['scores']:.1e}. Bar {SAME:g} a log-probability: "
            f"{'met' if met else 'missed'}.",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lmplz", type=Path, help="a build of KenLM's estimator; left out: only scores")
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/lm_kenlm"))
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    train, test = make_text(machine.data_folder() / e17.CORPUS, out, options.tokens)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "tokens": options.tokens,
        "order": options.order,
        "package": {},
        "lmplz": None,
    }
    for name in SMOOTHINGS:
        folder, arpa = out / name, out / f"{name}.arpa"
        machine.morphvec(
            *("lm", "train", train, "-o", folder, "--order", str(options.order), "--smoothing", name),
            *("--tokenizer", "whitespace", "--case", "keep", "--overwrite", "--quiet"),
        )
        machine.morphvec("lm", "export", folder, "-o", arpa, "--overwrite")
        document["package"][name] = scores_of_package(load(folder), arpa, test)
        machine.write(out, "lm_kenlm", document, report(document))
    if options.lmplz:
        document["lmplz"] = beside_lmplz(options.lmplz, options.order, load(out / SMOOTHINGS[-1]), out)
        machine.write(out, "lm_kenlm", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
