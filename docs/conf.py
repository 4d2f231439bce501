"""Sphinx: pages in Markdown (MyST), the reference of Python from docstrings. ``make docs`` builds, warnings are errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from morphvec import __version__

project = "morphvec"
author = "The morphvec developers"
copyright = "The morphvec developers"  # noqa: A001
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["build", "tools"]

html_theme = "furo"
html_title = f"morphvec {release}"
html_copy_source = False
highlight_language = "text"  # an indented block is a formula or a file unless it says otherwise
smartquotes = False  # -- begins an option
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name for name in ("Floats1d", "Floats2d", "Ints1d", "Ints2d", "Bools1d", "Corpus")
}
python_use_unqualified_type_names = True
maximum_signature_line_length = 90

_SECTION = re.compile(r"^(Parameters|Returns|Raises)\n-+$", re.MULTILINE)
_BAR = re.compile(r"(``.+?``)|\|", re.DOTALL)


def _as_rst(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Our docstrings head a list of parameters as NumPy's do and go on in sentences: the head becomes a bold line.
    A bar is a bar (|a - b|), not a substitution."""
    text = _SECTION.sub(r"**\1**\n", "\n".join(lines))
    lines[:] = _BAR.sub(lambda found: found[1] or r"\|", text).split("\n")


def _pages_that_are(app: Any, page: str, source: list[str]) -> None:
    """index.md may name pages that are still to come, as ``name*``."""
    if page == "index":
        here = Path(app.srcdir)
        lines = source[0].split("\n")
        source[0] = "\n".join(
            line for line in lines if not line.endswith("*") or any(here.glob(f"{line}.md"))
        )


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _as_rst)
    app.connect("source-read", _pages_that_are)
    return {"parallel_read_safe": True}
