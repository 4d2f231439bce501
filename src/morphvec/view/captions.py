"""What is said of a map, in words: the same on the picture, on the page and on stdout."""

from __future__ import annotations

from morphvec.view.prepare import WordMap


def percent(share: float) -> str:
    """A share as people read it: two digits that matter, or one behind the point."""
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%"


def caption(drawn: WordMap) -> str:
    """What a map is and what it keeps, in one line."""
    kept = drawn.preservation
    name = "t-SNE" if drawn.projection == "tsne" else "PCA"
    if drawn.variance is not None:
        name += f", {percent(drawn.variance)} of the variance"
    return (
        f"{name} · neighbour preservation: {percent(kept.share)} of the {kept.k} nearest kept "
        f"(n = {kept.n:,}, chance {percent(kept.chance)})"
    )


def parallel_line(drawn: WordMap) -> str:
    """How parallel the pairs of a map are, in one line; "" where it has none."""
    found = drawn.parallel
    if found is None:
        return ""
    line = f"{found.pairs:,} pairs: mean cosine to the mean offset {found.mean:.2f}"
    if found.left_out is not None:
        line += f", to that of the other pairs {found.left_out:.2f} (pairs shuffled: {found.shuffled:.2f})"
    return line
