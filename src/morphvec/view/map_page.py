"""The map as one HTML file: data, style and script inside, nothing loaded from elsewhere, words only ever text."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files

from morphvec.view.captions import caption, parallel_line
from morphvec.view.prepare import WordMap

_FOLDER = files("morphvec.view") / "standalone"


def map_page(drawn: WordMap, title: str) -> str:
    """The page. Its content security policy allows this very script and style and nothing else."""
    page, style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("map.html", "map.css", "map.js")
    )
    notes = " · ".join(line for line in (caption(drawn), parallel_line(drawn)) if line)
    # Inside a script element only "<" can end the data.
    data = json.dumps(drawn.as_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    filled = {
        "POLICY": (
            f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "base-uri 'none'; form-action 'none'"
        ),
        "TITLE": escape(title),
        "NOTES": escape(notes),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": data.replace("<", "\\u003c"),
    }
    pieces = page.split("{{")
    written = [pieces[0]]
    for piece in pieces[1:]:  # one pass, so that nothing filled in is looked at again
        name, _, rest = piece.partition("}}")
        written += [filled[name], rest]
    return "".join(written)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
