"""Pictures of models: the map of words, and plots of what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.cli.ask import open_model
from morphvec.errors import OptionError
from morphvec.report import Reporter, emit, emit_json

if TYPE_CHECKING:
    from morphvec.arrays import Ints1d, Ints2d
    from morphvec.embeddings.embeddings import Embeddings
    from morphvec.view.prepare import Chosen, WordMap

_PANEL = "Pictures"
_KINDS = ("png", "svg", "html")

File = Annotated[
    str, typer.Option("--output-file", "-o", help="The picture to write: .png or .svg.", show_default=False)
]
Language = Annotated[str, typer.Option("--language", help="Words of this language only.", show_default=False)]
WordList = Annotated[
    str | None,
    typer.Option("--word-list", help="Show these words (one per line).", metavar="FILE", show_default=False),
]
Unimorph = Annotated[
    list[str] | None,
    typer.Option(
        "--unimorph",
        help="Classes from an inflection table: forms by bundle. May be repeated.",
        metavar="[LANG=]FILE",
        show_default=False,
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--classes",
        help="Classes from a list, class⇥word. May be repeated.",
        metavar="FILE",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]
Title = Annotated[str | None, typer.Option("--title", help="Text above the picture.", show_default=False)]
Size = Annotated[
    str | None,
    typer.Option("--size", help="Width and height in inches.", metavar="WxH", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("map", rich_help_panel=_PANEL)(map_)
    app.command(rich_help_panel=_PANEL)(plot)


def map_(
    model: o.Model,
    output_file: Annotated[
        str,
        typer.Option(
            "--output-file",
            "-o",
            help="The picture to write: .png, .svg, or .html (a page of its own to pan, zoom and search in).",
            show_default=False,
        ),
    ],
    words: Annotated[int, typer.Option("--words", help="Show so many of the most frequent words.")] = 1000,
    word_list: WordList = None,
    language: Language = "",
    projection: Annotated[
        str | None,
        typer.Option(
            "--projection", help="tsne or pca. Default: tsne; pca with --pairs.", show_default=False
        ),
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            "--pairs",
            help="Show the words of these pairs (a⇥b) and join them.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    colour: Annotated[
        str,
        typer.Option(
            "--colour",
            help="class, language, cluster or frequency; auto: what the model knows, in the order language, class, cluster.",
        ),
    ] = "auto",
    clusters: Annotated[int, typer.Option("--clusters", help="How many clusters (k-means).")] = 7,
    unimorph: Unimorph = None,
    classes: Classes = None,
    neighbours: Annotated[int, typer.Option("--neighbours", help="k of the neighbour preservation.")] = 10,
    perplexity: Annotated[
        float, typer.Option("--perplexity", help="Of t-SNE: about how many neighbours a word has.")
    ] = 30.0,
    seed: Seed = 0,
    title: Title = None,
    size: Size = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """A map of words, with the share of neighbours that it keeps written on it.

    Example: morphvec map model -o map.html --words 2000
    """
    from morphvec.view.prepare import MapOptions, word_map
    from morphvec.view.project import ITERATIONS
    from morphvec.view.style import check_matplotlib, check_picture

    if pairs is not None and word_list is not None:
        raise OptionError("--pairs with --word-list", "a map shows the words of one of them", "leave one out")
    if projection is None:
        projection = "tsne" if pairs is None else "pca"
    settings = MapOptions(projection, colour, clusters, neighbours, perplexity, seed)
    path, inches = Path(output_file), _inches(size)
    kind = check_picture(path, _KINDS)
    if kind != "html":
        check_matplotlib()
    reporter, opened = Reporter(quiet=quiet), open_model(model)
    chosen, joined, lost = _shown(opened, words, word_list, pairs, language)
    if chosen.missing:
        reporter.note(
            f"{len(chosen.missing):,} of the words are not in the model, for example {chosen.missing[0]!r}"
        )
    told = _told(opened, unimorph, classes)
    with reporter.stage(
        projection, ITERATIONS if projection == "tsne" else None, "iterations" if projection == "tsne" else ""
    ) as progress:
        drawn = word_map(opened, chosen, settings, pairs=joined, classes=told, advance=progress.advance)
    title = title or _title(model, drawn, word_list, pairs, language)
    if kind == "html":
        from morphvec.view.map_page import map_page

        _write(path, map_page(drawn, title).encode())
    else:
        from morphvec.view.plots import draw_map

        _picture(path, kind, lambda figure: draw_map(figure, drawn, title), inches, drawn.labels, reporter)
    if as_json:
        groups = zip(drawn.grouping.names, drawn.grouping.sizes(), strict=True)
        emit_json(
            {
                "picture": output_file,
                **drawn.summary(),
                "groups": [{"name": name, "words": number} for name, number in groups],
                "missing": list(chosen.missing),
                "pairs_left_out": lost,
            }
        )
    else:
        from morphvec.view.captions import caption, parallel_line

        lines = [f"{output_file}: {len(drawn.words):,} words", caption(drawn)]
        lines += [parallel_line(drawn)] if joined is not None else []
        if lost:
            lines.append(f"{lost:,} pairs left out: a word without a vector, or twice the same")
        emit("\n".join(lines))


def _shown(
    model: Embeddings, words: int, word_list: str | None, pairs: str | None, language: str
) -> tuple[Chosen, Ints2d | None, int]:
    """The words to show, the pairs among them, and how many pairs are lost."""
    from morphvec.evaluate.datasets import read_dictionary
    from morphvec.morphology.tables import read_words
    from morphvec.view.prepare import choose, choose_pairs

    if pairs is not None:
        return choose_pairs(model, read_dictionary(pairs).pairs, language=language)
    return choose(model, words if word_list is None else read_words(word_list), language=language), None, 0


def _told(
    model: Embeddings, unimorph: list[str] | None, classes: list[str] | None
) -> dict[str, Ints1d] | None:
    """Classes of tables and lists; None where none is given."""
    from morphvec.morphology.tables import parse_language_path, read_classes, read_unimorph
    from morphvec.view.groups import told_classes

    if not unimorph and not classes:
        return None
    tables = [
        read_unimorph(path, language)
        for language, path in (parse_language_path(text) for text in unimorph or ())
    ]
    return told_classes(model, tables, [read_classes(path) for path in classes or ()])


def _title(model: str, drawn: WordMap, word_list: str | None, pairs: str | None, language: str) -> str:
    from morphvec.view.prepare import shown

    which = f"{len(drawn.words):,} most frequent words"
    if word_list is not None:
        which = f"{len(drawn.words):,} words of {Path(word_list).name}"
    if pairs is not None:
        which = f"{0 if drawn.pairs is None else len(drawn.pairs):,} pairs of {Path(pairs).name}"
    return shown(f"{Path(model).name}{f', {language}' if language else ''}") + f": {which}"


def _inches(size: str | None) -> tuple[float, float] | None:
    """``WxH`` as numbers. Raises OptionError for anything else, or sides outside 2 to 40 inches."""
    if size is None:
        return None
    try:
        width, height = (float(side) for side in size.lower().split("x"))
    except ValueError:
        width = height = 0.0
    if not (2 <= width <= 40 and 2 <= height <= 40):
        raise OptionError(f"--size {size}", "it is WxH, each 2 to 40 inches", "write e.g. --size 10x8")
    return width, height


def _picture(
    path: Path,
    kind: str,
    draw: Any,
    size: tuple[float, float] | None,
    texts: Any,
    reporter: Reporter,
) -> None:
    """Draw a picture and write it in one step."""
    from morphvec.view.style import render

    data, lacking = render(draw, kind, size or (10.0, 8.0), texts)
    if lacking:
        reporter.note(
            f"no font of this machine has {lacking[:20]}{'…' if len(lacking) > 20 else ''}: drawn as boxes"
        )
    _write(path, data)


def _write(path: Path, data: bytes) -> None:
    from morphvec.embeddings.formats.writing import one_file

    with one_file(path) as handle:
        handle.write(data)


# ---------------------------------------------------------------------------------------------- plots


def plot(
    kind: Annotated[
        str,
        typer.Argument(
            help="training, norms, compactness, angles, spectrum or languages.", show_default=False
        ),
    ],
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model folders; training, compactness and spectrum take several.", show_default=False
        ),
    ],
    output_file: File,
    words: Annotated[
        int | None,
        typer.Option(
            "--words",
            help="angles: among so many of the most frequent words, default 10000. languages: rows, default 24.",
            show_default=False,
        ),
    ] = None,
    skip: Annotated[
        int, typer.Option("--skip", help="languages: pass over so many of the most frequent words.")
    ] = 0,
    word_list: WordList = None,
    languages: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--languages",
            help="languages: rows and columns. Default: the model's, where it has two.",
            metavar="SRC TGT",
            show_default=False,
        ),
    ] = None,
    language: Language = "",
    unimorph: Annotated[
        str | None,
        typer.Option(
            "--unimorph",
            help="compactness: the inflection table whose bundles are the classes.",
            metavar="[LANG=]FILE",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    title: Title = None,
    size: Size = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Pictures of what was learned; the figures in them are printed too.

    training: terms of the objective by epoch. norms: frequency against length of the vectors. compactness: whether classes
    collapse. angles: cosines and distances of words. spectrum: singular values. languages: neighbours between two languages.

    Example: morphvec plot angles model -o angles.png
    """
    from morphvec.cli.plotting import PLOTS, Asked
    from morphvec.features.space import check_choice
    from morphvec.view.style import check_matplotlib, check_picture

    check_choice("plot", kind, tuple(PLOTS))
    path, inches = Path(output_file), _inches(size)
    format_ = check_picture(path)
    check_matplotlib()
    reporter = Reporter(quiet=quiet)
    asked = Asked(models, words, skip, word_list, languages, language, unimorph, seed)
    made = PLOTS[kind](asked)

    def draw(figure: Any) -> None:
        made.draw(figure)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=12)

    _picture(path, format_, draw, inches or made.size, (*made.texts, title or ""), reporter)
    if as_json:
        emit_json({"picture": output_file, "plot": kind, **made.figures})
    else:
        emit("\n".join([output_file, *made.lines]))
