"""Tables and figures of what ``quality.py`` found: PAGES/results/*.md and PAGES/figures/quality_*.svg.

python benchmarks/quality_pages.py OUT [PAGES]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import quality_english
import quality_figures
import quality_pairs
import quality_small
from quality_runs import Results

PAGES: dict[str, tuple[Callable[[Results], list[str]], Callable[[Results, Path], None], tuple[str, ...]]] = {
    "english": (quality_english.page, quality_figures.english, ("e17",)),
    "small-text": (quality_small.page, quality_figures.small, quality_small.CORPORA),
    "pairs": (quality_pairs.page, quality_figures.pairs, quality_pairs.CORPORA),
}


def main() -> None:
    out = Path(sys.argv[1])
    docs = Path(sys.argv[2]) if len(sys.argv) > 2 else out / "pages"
    (docs / "results").mkdir(parents=True, exist_ok=True)
    results = Results(out)
    for name, (page, figure, corpora) in PAGES.items():
        if not results.has(*corpora):
            continue
        figure(results, docs / "figures" / f"quality_{name.replace('-text', '')}.svg")
        file = docs / "results" / f"{name}.md"
        file.write_text("\n".join(page(results)).rstrip() + "\n", encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main()
