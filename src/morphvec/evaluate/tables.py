"""Results as tables: one row for each score, one column for each model, and notes on what they leave open."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from morphvec.evaluate.collapse import CLOSE
from morphvec.evaluate.report import Result

ABSENT = "–"


def text_table(scored: Sequence[tuple[str, Sequence[Result]]]) -> str:
    """A plain table: a row for each result, a column for each (model name, its results); notes below."""
    lines, notes = _cells(scored)
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*rows, "", *notes])


def markdown_table(scored: Sequence[tuple[str, Sequence[Result]]]) -> str:
    """The same table in Markdown."""
    lines, notes = _cells(scored)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    rows.insert(1, "|" + " --- |" * len(lines[0]))
    return "\n".join([*rows, "", *(f"- {note}" for note in notes)])


def _cells(scored: Sequence[tuple[str, Sequence[Result]]]) -> tuple[list[list[str]], list[str]]:
    columns = [{_row_key(result): result for result in results} for _, results in scored]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    lines = [["task", "dataset", "metric", "unknown words", *(name for name, _ in scored)]]
    notes: dict[str, None] = {"score [95% interval] n answered/n of all": None}
    for key in keys:
        found = [column.get(key) for column in columns]
        lines.append([*key, *(map(_cell, found))])
        for (name, _), result in zip(scored, found, strict=True):
            if result is not None and result.score is None:
                notes[f"{ABSENT} {name}, {' '.join(key[:3])}: {result.detail['reason']}"] = None
            elif result is not None and (told := _told(result)):
                notes[f"{name}, {' '.join(key[:2])}: {told}"] = None
    printable = [["".join(c if c.isprintable() else "?" for c in cell) for cell in line] for line in lines]
    return printable, ["".join(c if c.isprintable() else "?" for c in note) for note in notes]


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


def _row_key(result: Result) -> tuple[str, str, str, str]:
    return result.task, result.dataset, result.metric, result.unknown


def _cell(result: Result | None) -> str:
    if result is None:
        return ABSENT
    of = f"{result.n}/{result.total}"
    if result.score is None:
        return f"{ABSENT} {of}"
    if result.low is None or result.high is None:
        return f"{result.score:.3f} {of}"
    return f"{result.score:.3f} [{result.low:.3f}, {result.high:.3f}] {of}"


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: combining marks none, wide letters two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
