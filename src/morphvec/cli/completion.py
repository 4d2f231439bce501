"""What a shell offers after an option that takes one of a few words. (Files are the shell's own business.)"""

from __future__ import annotations

from collections.abc import Callable

# Said here once more, because a shell waits for it: the rooms that hold the rules take a second to enter.
VALUES: dict[str, tuple[str, ...]] = {
    "--tokenizer": ("unicode", "whitespace", "letters", "regex:"),
    "--case": ("lower", "keep"),
    "--format": ("auto", "text", "tsv", "conllu", "jsonl"),
    "--errors": ("strict", "replace"),
    "--features": ("window", "ids", "ngrams", "morphemes", "affixes"),
    "--window-weight": ("flat", "distance", "dynamic"),
    "--association": ("ppmi", "pmi", "count", "log", "log1p", "tf-idf"),
    "--weight": ("constant", "sqrt", "glove", "alpha+sqrt", "count", "curvature"),
    "--method": (
        *("token-feature", "token-token", "ppmi", "svd", "lsa"),
        *("smf", "glove", "sgns", "skipgram"),
    ),
    "--target": ("ppmi", "gram"),
    "--loss": ("squared", "logistic"),
    "--parts": ("own", "ngrams", "morphemes", "lemma", "affixes"),
    "--output": ("w", "c", "w+c", "concat"),
    "--constraint": ("offset", "lemma", "class", "none"),
    "--graph": ("complete", "ring", "star", "explicit", "nearest:", "random:"),
    "--normalise": ("scatter", "none"),
    "--solver": ("als", "sgd", "adagrad", "adam", "fast", "exact"),
    "--schedule": ("constant", "linear", "cosine", "inverse"),
    "--updates": ("dense", "lazy"),
}
_LISTS = ("--features", "--parts")  # several words with commas between them


def completer(flag: str) -> Callable[[str], list[str]] | None:
    """What completes the value of an option, or None where nothing but a file could."""
    if flag not in VALUES:
        return None

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if flag in _LISTS else ("", "", incomplete)
        return [before + comma + value for value in VALUES[flag] if value.startswith(last)]

    return complete
