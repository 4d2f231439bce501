"""A table of relations: a pair that shows one, and three words to go on with; what the vectors answer, right or wrong.

    relation⇥a⇥b⇥c⇥answer/answer       a is to b as c is to one of the answers; rows of one (a, b) make a row of the table

The form of Mikolov et al. (2013), table 8. Answers are by 3CosAdd among the most frequent words, a, b and c left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError

_LISTED = 100  # answers that are looked at for the rank of the right one


@dataclass(frozen=True)
class Example:
    """One cell to be filled in: a is to b as c is to any of ``right``."""

    relation: str
    a: str
    b: str
    c: str
    right: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """What a model says. answer: its first, or None where a, b or c is unknown. rank: of the best right answer among the
    first 100, or None."""

    example: Example
    answer: str | None
    rank: int | None

    @property
    def hit(self) -> bool:
        """Whether the first answer is right."""
        return self.rank == 1


def read_examples(path: str | Path) -> list[Example]:
    """Read a table of relations; lines that begin with # are remarks. Raises InputError with the line."""
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        right = tuple(word for word in cells[-1].split("/") if word)
        if len(cells) != 5 or not all(cells) or not right:
            raise InputError(
                f"{path}, line {number}: {len(cells)} columns",
                "a row is relation, a, b, c, answer/answer, parted by tabs",
                "mend the line",
            )
        found.append(Example(cells[0], cells[1], cells[2], cells[3], right))
    return found


def answer(model: Embeddings, examples: Iterable[Example], restrict: int = 30_000) -> list[Answered]:
    """The answers of a model among its ``restrict`` most frequent words."""
    known = set(model.words[:restrict])
    answers = []
    for one in examples:
        if not all(word in model for word in (one.a, one.b, one.c)):
            answers.append(Answered(one, None, None))
            continue
        # Rarer words are asked for too and dropped, until enough are left.
        listed = [word for word, _ in model.analogy(one.a, one.b, one.c, len(model)) if word in known]
        right = {model.key(word) for word in one.right}
        rank = next((place for place, word in enumerate(listed[:_LISTED], 1) if word in right), None)
        answers.append(Answered(one, listed[0] if listed else None, rank))
    return answers


def markdown(answers: Sequence[Answered]) -> str:
    """The table: a row for each pair a – b, its words c with the answer, ✓ for a right one, ✗ with the rank of the right one
    behind it, – for words that the vocabulary lacks."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in answers:
        example = one.example
        rows.setdefault((example.relation, example.a, example.b), []).append(_cell(one))
    width = max(len(cells) for cells in rows.values())
    head = ["relation", *(f"example {number}" for number in range(1, width + 1))]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for (relation, a, b), cells in rows.items():
        lines.append(
            "| " + " | ".join([f"{relation}: {a} – {b}", *cells, *[""] * (width - len(cells))]) + " |"
        )
    return "\n".join(lines)


def _cell(one: Answered) -> str:
    if one.answer is None:
        return f"{one.example.c}: –"
    if one.hit:
        return f"{one.example.c}: **{one.answer}** ✓"
    rank = f"{one.rank}." if one.rank else f"not in {_LISTED}"
    return f"{one.example.c}: {one.answer} ✗ ({one.example.right[0]}: {rank})"


def summary(answers: Sequence[Answered]) -> dict[str, Any]:
    """hits, answered, total."""
    return {
        "hits": sum(one.hit for one in answers),
        "answered": sum(one.answer is not None for one in answers),
        "total": len(answers),
    }
