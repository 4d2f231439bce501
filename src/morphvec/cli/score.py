"""Scores: evaluate one or several models, compare two."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.cli.ask import check_models, open_model
from morphvec.cli.config import Config
from morphvec.errors import OptionError
from morphvec.report import Reporter, emit, emit_json

_PANEL = "Scoring"

Similarity = Annotated[
    list[str] | None,
    typer.Option(
        "--similarity",
        help="Word pairs with human scores, of one language or of two (eng:deu=FILE); may be repeated.",
        metavar="[LANG[:LANG]=]FILE",
        show_default=False,
    ),
]
Analogy = Annotated[
    list[str] | None,
    typer.Option("--analogy", help="Analogy questions; may be repeated.", show_default=False),
]
Pairs = Annotated[
    list[str] | None,
    typer.Option(
        "--pairs",
        help="Relations with several right answers, a file or the folder of BATS; may be repeated.",
        show_default=False,
    ),
]
_JOINT = "\x1f"  # holds the three words of one --bli together on their way through the parser
Bli = Annotated[
    list[str] | None,
    typer.Option(
        "--bli",
        help="A dictionary between two languages of the model; may be repeated.",
        metavar="SRC TGT FILE",
        show_default=False,
    ),
]
Paradigms = Annotated[
    list[str] | None,
    typer.Option(
        "--paradigms",
        help="An inflection table, lemma form features: rank the form of a lemma. May be repeated.",
        metavar="[LANG=]FILE",
        show_default=False,
    ),
]
ParadigmLemmas = Annotated[
    str | None,
    typer.Option(
        "--paradigm-lemmas",
        help="Ask about these lemmas only (one per line); only the others give the mean offsets.",
        metavar="FILE",
        show_default=False,
    ),
]
Unknown = Annotated[
    str | None,
    typer.Option(
        "--unknown",
        help="Unknown words: skip, compose or zero. Default: skip, and compose where the model can.",
        show_default=False,
    ),
]
Restrict = Annotated[int, typer.Option("--restrict", help="Analogy candidates: the most frequent words.")]
AnalogyMethod = Annotated[
    str, typer.Option("--analogy-method", help="3cosadd, 3cosmul, pair-average or lrcos.")
]
Language = Annotated[
    str,
    typer.Option("--language", help="Language of test words that do not carry theirs.", show_default=False),
]
Bootstrap = Annotated[int, typer.Option("--bootstrap", help="Draws for the 95% intervals; 0 for none.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the draws.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(rich_help_panel=_PANEL)(evaluate)
    app.command(rich_help_panel=_PANEL)(compare)


def join_bli(arguments: list[str]) -> list[str]:
    """``--bli SRC TGT FILE`` as one value, since the parser knows no repeatable option of three words.

    Raises OptionError where fewer than three words follow.
    """
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        item = rest.pop(0)
        if item.startswith("--bli="):
            item, rest = "--bli", [item.removeprefix("--bli="), *rest]
        joined.append(item)
        if item == "--bli":
            words, rest = rest[:3], rest[3:]
            if len(words) < 3 or any(word.startswith("--") for word in words):
                raise OptionError(
                    f"--bli {' '.join(words)}",
                    "--bli takes SRC TGT FILE",
                    "write e.g. --bli spa por dictionary.tsv",
                )
            joined.append(_JOINT.join(words))
    return joined


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    names = (
        "similarity",
        "analogy",
        "pairs",
        "bli",
        "paradigms",
        "paradigm_lemmas",
        "unknown",
        "restrict",
        "analogy_method",
        "language",
        "bootstrap",
        "seed",
    )
    chosen = {name: values[name] or () if name in names[:5] else values[name] for name in names}
    chosen["bli"] = [_three(text) for text in chosen["bli"]]
    return chosen


def _three(text: str) -> tuple[str, ...]:
    """SRC, TGT and FILE of one --bli; in a --config they stand with spaces between."""
    words = tuple(text.split(_JOINT) if _JOINT in text else text.split(maxsplit=2))
    if len(words) < 3:
        raise OptionError(
            f"bli = {text!r}", "it is SRC TGT FILE", 'write e.g. bli = "spa por dictionary.tsv"'
        )
    return words


def evaluate(
    models: Annotated[list[str], typer.Argument(help="Model folders.", show_default=False)],
    similarity: Similarity = None,
    analogy: Analogy = None,
    pairs: Pairs = None,
    bli: Bli = None,
    paradigms: Paradigms = None,
    paradigm_lemmas: ParadigmLemmas = None,
    unknown: Unknown = None,
    restrict: Restrict = 30000,
    analogy_method: AnalogyMethod = "3cosadd",
    language: Language = "",
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    bands: Annotated[
        bool,
        typer.Option(
            "--bands", help="Also a row for each band by the count of the rarest word.", show_default=False
        ),
    ] = False,
    apart: Annotated[
        bool,
        typer.Option(
            "--apart",
            help="Also a row for the items with words that constraints or tables touched, and one for the others.",
            show_default=False,
        ),
    ] = False,
    summarise: Annotated[
        bool,
        typer.Option(
            "--summarise", help="Mean and spread over the models (several seeds).", show_default=False
        ),
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a Markdown table.", show_default=False)
    ] = False,
    config: Config = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Score models on test files; every score with n, coverage and a 95% interval.

    Example: morphvec evaluate model --similarity men.tsv --analogy questions-words.txt

    Example: morphvec evaluate joint --bli spa por dictionary.tsv --json

    Example: morphvec evaluate seed0 seed1 seed2 --similarity men.tsv --summarise --markdown
    """
    settings = _settings(dict(locals()))
    from morphvec.evaluate.constrained import read_constrained, untold
    from morphvec.evaluate.report import evaluate as run
    from morphvec.evaluate.summary import check_several
    from morphvec.evaluate.summary import summarise as summary_of
    from morphvec.evaluate.tables import markdown_table, text_table

    if summarise:
        check_several(len(models))
    check_models(models)
    reporter = Reporter(quiet=quiet)
    table = []
    for path in models:
        model, told = open_model(path), read_constrained(path)
        if told is None and untold(path):
            reporter.warn(
                f"{path} does not list the words of its constraints: no score can be given without them"
            )
        table.append((path, run(model, constrained=told, reporter=reporter, **settings)))
    if as_json:
        document: dict[str, Any] = {
            "models": [
                {"model": path, "results": [result.as_json() for result in results]}
                for path, results in table
            ]
        }
        if summarise:
            document["summary"] = [one.as_json() for one in summary_of(table)[0]]
        emit_json(document)
    else:
        show = markdown_table if markdown else text_table
        emit(show(table, bands=bands, apart=apart, summary=summarise))


def compare(
    a: o.Model,
    b: o.Model,
    similarity: Similarity = None,
    analogy: Analogy = None,
    pairs: Pairs = None,
    bli: Bli = None,
    paradigms: Paradigms = None,
    paradigm_lemmas: ParadigmLemmas = None,
    unknown: Unknown = None,
    restrict: Restrict = 30000,
    analogy_method: AnalogyMethod = "3cosadd",
    language: Language = "",
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    config: Config = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Two models on the same items: which differences are real (their paired 95% interval leaves out 0).

    Example: morphvec compare model-a model-b --similarity men.tsv
    """
    settings = _settings(dict(locals()))
    from morphvec.evaluate.report import compare as run

    results = run(open_model(a), open_model(b), reporter=Reporter(quiet=quiet), **settings)
    if as_json:
        emit_json({"a": a, "b": b, "results": [result.as_json() for result in results]})
        return
    for row in results:
        name = f"{row.task} {row.dataset} {row.metric} ({row.unknown})"
        if row.difference is None:
            emit(f"{name}: –  (n {row.n})")
        else:
            emit(
                f"{name}: {row.a:.4f} − {row.b:.4f} = {row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]  n {row.n}  {'real' if row.real else 'not told apart'}"
            )
