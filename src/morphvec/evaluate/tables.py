"""Results as tables: one row for each score, one column for each model, and notes on what they leave open.

With ``bands`` a row for each band by frequency follows the score; with ``apart`` a row for the items with words that
the training was told of, and one for the others (``measure`` has both rules). Their n is of all items of the test.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from morphvec.evaluate.collapse import CLOSE
from morphvec.evaluate.measure import BANDS
from morphvec.evaluate.report import Result
from morphvec.evaluate.summary import Key, key_of_result, summarise

ABSENT = "–"
Scored = Sequence[tuple[str, Sequence[Result]]]


def text_table(scored: Scored, *, bands: bool = False, apart: bool = False, summary: bool = False) -> str:
    """A plain table: a row for each result, a column for each (model name, its results); notes below.

    summary: mean, standard deviation and number of models in the place of the models.
    """
    lines, notes = _cells(scored, bands, apart, summary)
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*rows, "", *notes])


def markdown_table(scored: Scored, *, bands: bool = False, apart: bool = False, summary: bool = False) -> str:
    """The same table in Markdown."""
    lines, notes = _cells(scored, bands, apart, summary)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    rows.insert(1, "|" + " --- |" * len(lines[0]))
    return "\n".join([*rows, "", *(f"- {note}" for note in notes)])


def _cells(scored: Scored, bands: bool, apart: bool, summary: bool) -> tuple[list[list[str]], list[str]]:
    wide = [
        (name, [row for result in results for row in _rows(result, bands, apart)]) for name, results in scored
    ]
    lines, notes = _means(wide) if summary else _columns(wide)
    for name, results in scored:
        notes += _touched(name, results)
    printable = [[_printable(cell) for cell in line] for line in lines]
    return printable, list(dict.fromkeys(map(_printable, notes)))


def _columns(scored: Scored) -> tuple[list[list[str]], list[str]]:
    """A column for each model."""
    columns = [{key_of_result(result): result for result in results} for _, results in scored]
    lines = [[*_HEAD, *(name for name, _ in scored)]]
    notes = ["score [95% interval] n answered/n of all"]
    for key in _order(scored):
        found = [column.get(key) for column in columns]
        lines.append([*key, *(map(_cell, found))])
        for (name, _), result in zip(scored, found, strict=True):
            if result is not None and "reason" in result.detail:
                notes.append(f"{ABSENT} {name}, {' '.join(key[:3])}: {result.detail['reason']}")
            elif result is not None and (told := _told(result)):
                notes.append(f"{name}, {' '.join(key[:2])}: {told}")
    return lines, notes


def _means(scored: Scored) -> tuple[list[list[str]], list[str]]:
    """Mean and spread over the models."""
    summaries, left_out = summarise(scored)
    found = {(one.task, one.dataset, one.metric, one.unknown): one for one in summaries}
    lines = [[*_HEAD, "mean", "sd", "models", "n"]]
    for key in _order(scored):
        if key in found:
            one = found[key]
            lines.append([*key, f"{one.mean:.3f}", f"{one.sd:.3f}", str(one.models), str(one.n)])
    notes = [f"sd: the standard deviation over {', '.join(name for name, _ in scored)}"]
    notes += [f"{ABSENT} {' '.join(key)}: not every model has this score" for key in left_out]
    return lines, notes


_HEAD = ("task", "dataset", "metric", "unknown words")


def _order(scored: Scored) -> list[Key]:
    """The keys of all results in the order of the first model; what only later ones have comes after the row before it."""
    order: dict[Key, None] = {}
    for _, results in scored:
        before: Key | None = None
        for key in map(key_of_result, results):
            if key not in order:
                keys = list(order)
                place = keys.index(before) + 1 if before in order else 0
                order = dict.fromkeys([*keys[:place], key, *keys[place:]])
            before = key
    return list(order)


def _rows(result: Result, bands: bool, apart: bool) -> Iterator[Result]:
    """A result, and the rows of its parts that are asked for."""
    yield result
    found = result.detail.get("bands", {})
    if bands:
        for name in (name for name, _, _ in BANDS if name in found):
            yield _part(result, f"{result.metric}, count {name}", found[name])
    split = result.detail.get("constrained")
    if apart and split is not None:
        yield _part(result, f"{result.metric}, constrained", split)
        yield _part(result, f"{result.metric}, without constrained", split["without"])


def _part(result: Result, metric: str, part: Mapping[str, Any]) -> Result:
    share = part["n"] / result.total if result.total else 0.0
    numbers = {name: part[name] for name in ("score", "low", "high", "n")}
    return replace(result, metric=metric, coverage=share, detail={}, **numbers)


def _touched(name: str, results: Sequence[Result]) -> list[str]:
    """How many items of each set have constrained words; of several results of a set, that with the most items tells."""
    most: dict[tuple[str, str, str], Result] = {}
    for result in results:
        key = result.task, result.dataset, result.unknown
        if "constrained" in result.detail and (key not in most or result.n > most[key].n):
            most[key] = result
    return [
        f"{name}, {task} {dataset} ({unknown}): {result.detail['constrained']['n']:,} of {result.n:,} items touch "
        f"constrained words"
        for (task, dataset, unknown), result in most.items()
    ]


def _told(result: Result) -> str:
    """What a reader should know beside the score; "" for nothing."""
    detail = result.detail
    if (result.task, result.metric) == ("paradigms", "mrr"):
        skipped = ", ".join(f"{n:,} {why.replace('_', ' ')}" for why, n in detail["skipped"].items() if n)
        return f"not asked: {skipped}" if skipped else ""
    if (result.task, result.metric) != ("classes", "compactness"):
        return ""
    if not detail["collapsed"]:
        return f"none of {result.n:,} classes has collapsed"
    return (
        f"{detail['collapsed']:,} of {result.n:,} classes {'has' if detail['collapsed'] == 1 else 'have'} collapsed: "
        f"their members lie closer than a cosine of {CLOSE} on average, and lemmas find their own form in "
        f"{detail['collapsed_identity']:.0%} of cases (blindly in {detail['collapsed_chance']:.0%})"
    )


def _cell(result: Result | None) -> str:
    if result is None:
        return ABSENT
    of = f"{result.n}/{result.total}"
    if result.score is None:
        return f"{ABSENT} {of}"
    if result.low is None or result.high is None:
        return f"{result.score:.3f} {of}"
    return f"{result.score:.3f} [{result.low:.3f}, {result.high:.3f}] {of}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: combining marks none, wide letters two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
