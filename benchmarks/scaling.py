"""How time and memory grow with the stored cells, and what a vocabulary of 200,000 words takes.

    python benchmarks/scaling.py [--only cells] [--solver als] [--sizes 1,10,100] [--out out/scaling]

cells: a square matrix of 50,000 words and as many features, from 1 M to 100 M stored cells (300 M for als), k = 100,
float32, B = I, no penalty. A process of its own for each size and solver: the cells are drawn, the problem is built, and
``solve`` runs five sweeps of als (three epochs of adam); the first, which also lays the cells out from both sides, is
left out, and the median of the others is the figure. Fitted: time = a + b·cells by least relative squares, and
time ∝ cells^e over all sizes, from 10 M cells on, and from there for time − a, the share that grows.

words: 200,000 words and features, 30 M cells, k = 100, offset constraints of 50,000 pairs as complete classes; two
sweeps of als. Peak memory of the whole process, and the arrays that it is made of.

Cell (t, f) is stored with probability min(1, c·(t+10)^-0.7·(f+10)^-0.7), each on its own, so no cell comes twice (drawn
by skips: Miller & Hagberg 2011); targets and counts are drawn too, for their values change no time. matplotlib draws
the figure where it is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import sys
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import machine

SIDE, DIM = 50_000, 100
SIZES = {"als": (1, 3, 10, 30, 100, 300), "adam": (1, 3, 10, 30, 100)}  # million cells
LARGE = 10  # million cells from which the share that does not grow with the cells is small
EPOCHS = {"als": 5, "adam": 3}
WORDS = {"side": 200_000, "cells": 30_000_000, "pairs": 50_000, "epochs": 2, "solver": "als"}
CLASSES = 500
BAR = 3e9  # bytes, of the process with 200,000 words
ALPHA = 0.3


def peak() -> int:
    """The most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def draw(side: int, cells: int, seed: int) -> tuple[Any, Any]:
    """About ``cells`` stored cells of a square matrix: targets and weights, float32 CSR of one pattern."""
    import numba as nb
    import numpy as np
    from scipy.sparse import csr_array

    from morphvec.rng import stream

    @nb.njit
    def fill(generator, b, c, indptr, indices, targets, weights):
        n, most, columns = 0, len(indices), len(b)
        for t in range(len(b)):
            a = c * b[t]
            f, p = 0, min(1.0, a * b[0])
            while f < columns and n < most:
                if p < 1:
                    f += int(math.log(1 - generator.random()) / math.log1p(-p))
                if f < columns:
                    q = min(1.0, a * b[f])
                    if generator.random() * p < q:
                        u = 1 - generator.random()
                        indices[n] = f
                        targets[n] = 0.1 - math.log(u)
                        weights[n] = ALPHA + min(10.0, 1 / math.sqrt(u))
                        n += 1
                    p = q
                    f += 1
            indptr[t + 1] = n

    b = (np.arange(side) + 10.0) ** -0.7
    sums = np.concatenate([[0.0], np.cumsum(b)])
    low, high = 0.0, 1e12  # of c, by halving: the expected number of cells grows with it
    for _ in range(200):
        c = (low + high) / 2
        full = np.searchsorted(-b, -1 / (c * b), side="right")  # columns that a row holds for certain
        expected = float(np.sum(full + c * b * (sums[-1] - sums[full])))
        low, high = (c, high) if expected < cells else (low, c)
    most = cells + int(8 * math.sqrt(cells))
    indptr, indices = np.zeros(side + 1, np.int64), np.empty(most, np.int32)
    targets, weights = np.empty(most, np.float32), np.empty(most, np.float32)
    fill(stream(seed), b, c, indptr, indices, targets, weights)
    made = []
    for data in (targets, weights):  # set piece by piece, so that the index arrays stay shared
        matrix = csr_array((side, side), dtype=np.float32)
        matrix.indptr, matrix.indices, matrix.data = indptr, indices[: indptr[-1]], data[: indptr[-1]]
        made.append(matrix)
    return made[0], made[1]


def offsets(side: int, pairs: int, seed: int) -> Any:
    """Offset constraints: random pairs of words in complete classes of equal size, each scaled to its scatter."""
    import numpy as np
    from scipy.sparse import csr_array

    from morphvec.rng import stream
    from morphvec.solvers.penalties import CompletePenalty

    words = stream(seed, 1).permutation(side)[: 2 * pairs]
    rows = np.repeat(np.arange(pairs), 2)
    members = csr_array((np.tile([1.0, -1.0], pairs), (rows, words)), shape=(pairs, side))
    class_of = np.arange(pairs) * CLASSES // pairs
    return CompletePenalty(members, class_of, 1 / np.bincount(class_of))


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: draw, solve, and say what it took."""
    import numpy as np

    from morphvec.engine.local import local_engine
    from morphvec.solvers.problem import Problem
    from morphvec.solvers.solve import solve

    engine = local_engine(task["threads"])
    peaks = {"imports": peak()}
    matrix, weights = draw(task["side"], task["cells"], task["seed"])
    penalties = []
    if task["pairs"]:
        penalties.append((200.0, offsets(task["side"], task["pairs"], task["seed"]), "offset"))
    peaks["cells drawn"] = peak()
    problem = Problem(matrix, weights, ALPHA, penalties=penalties)
    factors = solve(problem, task["dim"], task["solver"], task["epochs"], task["seed"], engine=engine)
    peaks["solved"] = peak()
    by_token, by_feature = problem.sides(np.dtype(np.float32), engine)
    arrays = {
        "columns and row starts, shared": [matrix.indices, matrix.indptr],
        "targets and weights": [problem.matrix.data, problem.weights],
        "codes of targets and weights by word": [
            array for array in (by_token.x, by_token.w) if array.dtype == np.uint16
        ],
        "rows, and targets and weights by feature": [
            by_feature.indices,
            by_feature.indptr,
            by_feature.x,
            by_feature.w,
        ],
        "P and S": [factors.P, factors.S],
    }
    bytes_of = {name: sum(array.nbytes for array in group) for name, group in arrays.items()}
    if not np.shares_memory(by_token.indices, matrix.indices):
        bytes_of["columns by word, again"] = by_token.indices.nbytes
    return {
        **task,
        "stored": int(matrix.nnz),
        "longest_row": int(np.diff(matrix.indptr).max()),
        "seconds": [entry["seconds"] for entry in factors.history],
        "objective": [entry["total"] for entry in factors.history],
        "peaks": peaks,
        "arrays": bytes_of,
    }


def child(task: dict[str, Any]) -> dict[str, Any]:
    """``measure`` in a process of its own, with its peak as the operating system counts it."""
    finished = machine.timed([sys.executable, __file__, "--child", json.dumps(task)])
    more = {"peak_bytes": finished.peak_bytes, "wall": finished.seconds, "load": os.getloadavg()[0]}
    result = {**finished.json, **more}
    print(
        f"{json.dumps({k: result[k] for k in ('solver', 'stored', 'seconds', 'peak_bytes')})}",
        file=sys.stderr,
    )
    return result


def line_through(runs: list[dict[str, Any]]) -> tuple[float, float]:
    """(a, b) of seconds = a + b·cells by least relative squares."""
    points = [(run["stored"], run["median"]) for run in runs]
    w, x, xx, y, xy = (
        sum(f(n, s) / s**2 for n, s in points)
        for f in (
            lambda n, s: 1,
            lambda n, s: n,
            lambda n, s: n * n,
            lambda n, s: s,
            lambda n, s: n * s,
        )
    )
    b = (w * xy - x * y) / (w * xx - x * x)
    return (y - b * x) / w, b


def exponent(runs: list[dict[str, Any]], less: float = 0.0) -> float | None:
    """The slope of log (time − less) over log cells; None for fewer than two sizes."""
    times = [run["median"] - less for run in runs]
    if len(runs) < 2 or min(times) <= 0:
        return None
    return linear_regression([math.log(run["stored"]) for run in runs], list(map(math.log, times))).slope


def fits(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Both exponents, the straight line, and bytes a cell of the peak."""
    large = [run for run in runs if run["stored"] >= 0.95e6 * LARGE]
    out: dict[str, Any] = {"all": exponent(runs), "large": exponent(large), "grows": None}
    if len(runs) > 1:
        out["a"], out["b"] = line_through(runs)
        out["grows"] = exponent(large, out["a"])
        memory = linear_regression([run["stored"] for run in runs], [run["peak_bytes"] for run in runs])
        out["bytes_per_cell"], out["bytes_fixed"] = memory.slope, memory.intercept
    return out


def cells_report(cells: dict[str, Any]) -> str:
    """Markdown: a row for each size, then the fitted laws."""
    rows = [
        [
            f"{run['solver']}, {run['stored'] / 1e6:.1f} M",
            f"{run['median']:.2f}",
            f"{min(run['seconds'][1:]):.2f}–{max(run['seconds'][1:]):.2f}",
            f"{1e9 * run['median'] / run['stored']:.0f}",
            f"{run['seconds'][0]:.2f}",
            f"{run['peak_bytes'] / 1e9:.2f}",
            f"{run['longest_row']:,}",
            f"{run['load']:.1f}",
        ]
        for run in cells["runs"]
    ]
    header = [
        "solver, cells",
        "s a sweep",
        "range",
        "ns a cell",
        "first sweep",
        "peak GB",
        "longest row",
        "load",
    ]
    laws = []
    for solver, fit in cells["fits"].items():
        if fit["all"] is None:
            continue
        large = "" if fit["large"] is None else f", {fit['large']:.3f} from {LARGE} M cells on"
        grows = "" if fit["grows"] is None else f" (less the {fit['a']:.2f} s: {fit['grows']:.3f})"
        laws.append(
            f"{solver}: seconds = {fit['a']:.2f} + {1e9 * fit['b']:.1f}·10⁻⁹·cells; exponent {fit['all']:.3f} over "
            f"all sizes{large}{grows}; peak = {fit['bytes_fixed'] / 1e6:.0f} MB + {fit['bytes_per_cell']:.1f} bytes "
            f"a cell."
        )
    return "\n\n".join([machine.table(header, rows), *laws])


def words_report(run: dict[str, Any]) -> str:
    """Markdown: what the peak of the large vocabulary is made of."""
    listed = sum(run["arrays"].values())
    rest = run["peak_bytes"] - run["peaks"]["imports"] - listed
    factor = run["side"] * run["dim"] * 4
    rows = [["interpreter and libraries after imports", f"{run['peaks']['imports'] / 1e6:.0f}"]]
    rows += [[name, f"{size / 1e6:.0f}"] for name, size in run["arrays"].items()]
    rows.append(
        [
            f"the rest: work space, compiled code, the constraints ({rest / factor:.1f} arrays of T·k numbers)",
            f"{rest / 1e6:.0f}",
        ]
    )
    rows.append(["**peak of the process**", f"**{run['peak_bytes'] / 1e6:.0f}**"])
    verdict = "under" if run["peak_bytes"] < BAR else "NOT under"
    return (
        f"{run['side']:,} words and features, {run['stored']:,} cells, k = {run['dim']}, {run['pairs']:,} offset pairs "
        f"in {CLASSES} complete classes: peak {run['peak_bytes'] / 1e9:.2f} GB, {verdict} {BAR / 1e9:.0f} GB; "
        f"{median(run['seconds']):.1f} s a sweep.\n\n" + machine.table(["part", "MB"], rows)
    )


def report(document: dict[str, Any]) -> str:
    """The whole report."""
    pieces = [
        f"{machine.conditions(document['machine'])}. {document['threads']} threads, k = {DIM}, seed {document['seed']}; "
        f"load: of the machine, mean of the last minute; {document['load'][0]:.1f} at the start."
    ]
    if document.get("cells"):
        pieces.append(cells_report(document["cells"]))
    if document.get("words"):
        pieces.append(words_report(document["words"]))
    return "\n\n".join(pieces)


def plot(cells: dict[str, Any], folder: Path) -> bool:
    """``scaling.svg``: seconds a sweep and peak memory against cells; False where matplotlib is missing."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "scaling"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for solver, fit in cells["fits"].items():
        runs = [run for run in cells["runs"] if run["solver"] == solver]
        counts = [run["stored"] for run in runs]
        label = f"{solver}, {fit['a']:.2f} s + {1e9 * fit['b']:.0f} ns a cell" if "a" in fit else solver
        (points,) = left.loglog(counts, [run["median"] for run in runs], "o", label=label)
        if "a" in fit:
            fine = [counts[0] * (counts[-1] / counts[0]) ** (i / 50) for i in range(51)]
            left.loglog(fine, [fit["a"] + fit["b"] * n for n in fine], "-", color=points.get_color())
        right.plot(counts, [run["peak_bytes"] / 1e9 for run in runs], "o-", label=solver)
    left.set(xlabel="stored cells", ylabel="seconds a sweep or epoch")
    right.set(xlabel="stored cells", ylabel="peak of the process, GB", xlim=0, ylim=0)
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "scaling.svg", metadata={"Date": None})
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["cells", "words"], help="one part alone")
    parser.add_argument("--sizes", help="million cells, for every solver")
    parser.add_argument("--solver", action="append", choices=list(EPOCHS), help="(repeatable)")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/scaling"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(json.loads(options.child))))
        return
    common = {"dim": DIM, "threads": options.threads, "seed": options.seed}
    document: dict[str, Any] = {"machine": machine.facts(), "load": os.getloadavg(), **common}
    child({**common, "solver": "als", "side": 2000, "cells": 20_000, "pairs": 100, "epochs": 2})  # compiles
    if options.only != "words":
        solvers, runs = options.solver or list(EPOCHS), []
        for solver in solvers:
            for millions in map(float, options.sizes.split(",") if options.sizes else SIZES[solver]):
                shape = {"side": SIDE, "cells": int(millions * 1e6), "pairs": 0, "epochs": EPOCHS[solver]}
                run = child({**common, "solver": solver, **shape})
                runs.append({**run, "median": median(run["seconds"][1:])})
        groups = {solver: [run for run in runs if run["solver"] == solver] for solver in solvers}
        document["cells"] = {"runs": runs, "fits": {solver: fits(group) for solver, group in groups.items()}}
    if options.only != "cells":
        document["words"] = child({**common, **WORDS})
    machine.write(options.out, "scaling", document, report(document))
    if document.get("cells") and not plot(document["cells"], options.out):
        print("no figure: matplotlib is not installed", file=sys.stderr)
    print(report(document))


if __name__ == "__main__":
    main()
