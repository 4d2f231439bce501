"""Questions to a model: neighbors, analogy, similarity, explain, vector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.errors import OptionError
from morphvec.report import emit, emit_json, emit_table

if TYPE_CHECKING:
    from morphvec.embeddings.embeddings import Embeddings

_PANEL = "Asking a model"
Word = Annotated[
    str, typer.Argument(help="A word, LANG:word in a model of several languages.", show_default=False)
]
Number = Annotated[int, typer.Option("-n", help="How many answers.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (neighbors, analogy, similarity, explain, vector):
        app.command(rich_help_panel=_PANEL)(command)


def open_model(path: str) -> Embeddings:
    """The model of a folder."""
    from morphvec.embeddings.embeddings import Embeddings

    return Embeddings.load(Path(path))


def neighbors(
    model: o.Model,
    words: Annotated[list[str], typer.Argument(help="Words, seen or unseen.", show_default=False)],
    n: Number = 10,
    language: Annotated[
        str, typer.Option("--language", help="Choose neighbours of this language only.", show_default=False)
    ] = "",
    metric: Annotated[str, typer.Option("--metric", help="cosine, dot or euclidean.")] = "cosine",
    as_json: o.Json = False,
) -> None:
    """The nearest words of each word; an unseen word is composed from its parts.

    Example: morphvec neighbors model walking unwalkable

    Example: morphvec neighbors joint spa:casa --language por -n 5 --json
    """
    from morphvec.embeddings.asking import find

    opened = open_model(model)
    answers: list[dict[str, Any]] = []
    for word in words:
        key = find(opened, word)
        found = opened.neighbors(key, n, metric=metric, among=language)
        row = opened.row(key)
        answers.append(
            {
                "word": word,
                "known": row is not None,
                "count": opened.count(key),
                "parts": opened.known_parts(key) if row is None else [],
                "neighbors": [
                    {"word": near, "score": score, "count": opened.count(near)} for near, score in found
                ],
            }
        )
    if as_json:
        emit_json({"queries": answers})
        return
    for answer in answers:
        if answer["known"]:
            emit(
                f"{answer['word']}"
                + (f"  (count {answer['count']:,})" if answer["count"] is not None else "")
            )
        else:
            emit(f"{answer['word']}  (unseen; composed from {' '.join(answer['parts'])})")
        _table(answer["neighbors"])


def _table(rows: list[dict[str, Any]]) -> None:
    width = max((len(row["word"]) for row in rows), default=0)
    for row in rows:
        count = "" if row.get("count") is None else f"  {row['count']:>9,}"
        emit(f"  {row['score']:7.4f}  {row['word']:<{width}}{count}".rstrip())


def analogy(model: o.Model, a: Word, b: Word, c: Word, n: Number = 10, as_json: o.Json = False) -> None:
    """A is to B as C is to ?: by 3CosAdd; A, B and C are left out of the answers.

    Example: morphvec analogy model walk walked talk
    """
    from morphvec.embeddings.asking import find

    opened = open_model(model)
    found = opened.analogy(find(opened, a), find(opened, b), find(opened, c), n)
    answers: list[dict[str, Any]] = [{"word": word, "score": score} for word, score in found]
    if as_json:
        emit_json({"a": a, "b": b, "c": c, "method": "3cosadd", "answers": answers})
        return
    emit(f"{a} : {b} = {c} : ?")
    _table([{**answer, "count": opened.count(answer["word"])} for answer in answers])


def similarity(model: o.Model, a: Word, b: Word, as_json: o.Json = False) -> None:
    """How near two words are: cosine, dot product, Euclidean distance.

    Example: morphvec similarity model walking walked
    """
    from morphvec.embeddings.asking import find

    opened = open_model(model)
    measures = opened.measures(find(opened, a), find(opened, b))
    if as_json:
        emit_json({"a": a, "b": b, **measures})
    else:
        emit("\n".join(f"{name:<10} {value:.4f}" for name, value in measures.items()))


def explain(
    model: o.Model,
    a: Word,
    b: Word,
    n: Annotated[int, typer.Option("-n", min=0, help="How many features are named; 0: all.")] = 20,
    association: Annotated[
        str | None,
        typer.Option(
            "--association",
            help="The folder of morphvec weigh that the model was fitted to: features by the words' own cells.",
            show_default=False,
        ),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Why two words are near: their dot product as a sum over their parts, and as a sum over features.

    Example: morphvec explain model walking talking

    Example: morphvec explain model walking talking --association weighed -n 50 --json
    """
    from morphvec.embeddings.asking import find

    opened = open_model(model)
    cells = None
    if association is not None:
        from morphvec.pipeline.nouns import load_association

        cells = load_association(Path(association))[0]
    found = opened.explain(find(opened, a), find(opened, b), n=n, association=cells)
    if as_json:
        emit_json({**found.as_dict(), "a": a, "b": b})
        return
    emit(f"{a} and {b}: cosine {found.cosine:.4f}, dot {found.dot:.6g}")
    unit = found.dot if found.dot else 1.0
    parts, others = found.parts[: n or None], found.parts[n or len(found.parts) :]
    rows = [(part.a, part.b, f"{part.share / unit:.1%}") for part in parts]
    if others:
        rows.append((f"{len(others)} other pairs", "", f"{sum(part.share for part in others) / unit:.1%}"))
    if opened.composes:
        emit_table("By parts", (f"of {a}", f"of {b}", "share"), rows)
    if found.features:
        named = [(item.block, item.feature, f"{item.share / unit:.1%}") for item in found.features]
        emit_table("By features", ("block", "feature", "share"), [*named, ("rest", "", f"{found.rest / unit:.1%}")])  # fmt: skip
    if not opened.composes and not found.features:
        emit("The model has neither parts nor feature vectors: nothing tells what the two share.")


def vector(model: o.Model, word: Word, as_json: o.Json = False) -> None:
    """The vector of a word, seen or unseen; of a sparse model the numbers that are not 0, the largest first.

    Example: morphvec vector model walking --json
    """
    from morphvec.embeddings.asking import find

    opened = open_model(model)
    key = find(opened, word)
    numbers = [float(value) for value in opened.vector_for(key)]
    if as_json:
        emit_json({"word": word, "known": opened.row(key) is not None, "vector": numbers})
    elif opened.sparse:
        names = [name for _, name in opened.features] or [str(column) for column in range(len(numbers))]
        filled = sorted((-value, column) for column, value in enumerate(numbers) if value)
        emit("\n".join(f"{-value:8.4f}  {names[column]}" for value, column in filled))
    else:
        emit(" ".join(f"{value:.6g}" for value in numbers))


def check_models(models: list[str]) -> None:
    """Raise OptionError where the same model is named twice."""
    if len(set(models)) < len(models):
        raise OptionError("a model twice", "each model is scored once", "leave one out")
