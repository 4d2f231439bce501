"""What all pictures share: colours, fonts, sizes, and bytes that are the same for the same data."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morphvec.errors import MissingExtraError, OptionError, OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by people with any of the common colour blindnesses (after Okabe and Ito, 2008), and by their shapes.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
OTHERS, NONE, INK, PALE = "#7d7d7d", "#c2c2c2", "#222222", "#8a8a8a"
MAP_COLOURS = "viridis"
_BASE = "DejaVu Sans"  # comes with Matplotlib: Latin, Greek, Cyrillic, Arabic, and more
_DPI = 150


def colour(number: int) -> str:
    """The colour of group ``number``."""
    return PALETTE[number % len(PALETTE)]


def marker(number: int) -> str:
    """The shape of group ``number``; where colours come again, shapes have moved on."""
    return MARKERS[(number + number // len(PALETTE)) % len(MARKERS)]


def check_picture(path: Path, kinds: tuple[str, ...] = ("png", "svg")) -> str:
    """The kind of picture that a file name asks for. Raises, before any work, OptionError for another ending and OutputError
    for a place that cannot be written."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise OptionError(
            f"{path.name}",
            f"the ending says what is drawn: {', '.join(f'.{one}' for one in kinds)}",
            "choose another name with -o",
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "a picture is one file", "choose another name with -o")
    if not path.absolute().parent.is_dir():
        parent = path.absolute().parent
        raise OutputError(
            f"{parent} does not exist", "the picture's folder must exist", f"run: mkdir -p {parent}"
        )
    return kind


def check_matplotlib() -> None:
    """Raise MissingExtraError where there is no Matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError(
            "Matplotlib is not installed",
            "pictures are drawn with it, in the extra view",
            "run: pip install 'morphvec[view]'",
        ) from None


def render(
    draw: Callable[[Figure], None],
    kind: str,
    size: tuple[float, float],
    texts: Iterable[str] = (),
) -> tuple[bytes, str]:
    """A picture as bytes, png or svg, and the characters of ``texts`` that no font of this machine has.

    size: inches. texts: what will be written, so that fonts are looked for that have it. The same data, fonts and
    Matplotlib give the same bytes. Raises MissingExtraError without Matplotlib.
    """
    check_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    families, lacking = _fonts("".join(texts))
    settings: dict[str, Any] = {
        "font.family": families,
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # a word may hold a $
        "axes.labelcolor": INK,
        "axes.edgecolor": PALE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "xtick.color": INK,
        "ytick.color": INK,
        "legend.frameon": False,
        "svg.fonttype": "none",  # text stays text: it can be searched, and read aloud
        "svg.hashsalt": "morphvec",
    }
    written = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # whatever the machine's matplotlibrc says
        parameters: Any = matplotlib.rcParams  # whose type lists every name
        parameters.update(settings)
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure = Figure(figsize=size, dpi=_DPI)
        draw(figure)
        nothing: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(written, format=kind, dpi=_DPI, metadata=nothing, facecolor="white")
    return written.getvalue(), lacking


def _fonts(text: str) -> tuple[list[str], str]:
    """Families that together have the characters of a text, the base first, and those that none has."""
    from matplotlib import font_manager

    entries = sorted(
        (entry for entry in font_manager.fontManager.ttflist if entry.style == "normal"),
        key=lambda entry: (entry.name != _BASE, abs(_weight(entry.weight) - 400), entry.name, entry.fname),
    )
    families, wanted = [_BASE], {character for character in text if character.isprintable()}
    for entry in entries:
        if entry.name != _BASE and not wanted:
            break
        have = wanted & _characters(entry.fname)
        if have and entry.name not in families:
            families.append(entry.name)
        wanted -= have
    return families, "".join(sorted(wanted))


def _weight(weight: Any) -> int:
    names = {"light": 300, "normal": 400, "regular": 400, "medium": 500, "bold": 700}
    return weight if isinstance(weight, int) else names.get(str(weight), 600)


def _characters(file: str) -> set[str]:
    from matplotlib.ft2font import FT2Font

    with contextlib.suppress(RuntimeError, OSError):  # a font that Matplotlib cannot open has nothing for us
        return {chr(code) for code in FT2Font(file).get_charmap()}
    return set()
