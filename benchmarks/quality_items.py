"""What a small text is asked, and the answers; each in a process of its own, for ``quality_small.py``.

    python benchmarks/quality_items.py prepare fin 30 0 FOLDER        # text, table, lists and questions
    python benchmarks/quality_items.py ask FOLDER MODEL [MODEL] [--unseen VECTORS]
    python benchmarks/quality_items.py prefix FOLDER                  # what spelling alone answers

The lemmas that can be asked about (two known forms, or a word below) are dealt into HANDS by the seed. A hand is asked
of a model that has not been told of its lemmas: of MODEL number h where there are several, of the only one otherwise; the
other hands give the mean offsets. ``absent``: forms of the table that the text does not have at all. ``rare``: words met
three to five times. A hit is a word of the same lemma among the ten nearest. Similarity sets are scored on all pairs
with a vector for both words, composed where the text does not have them.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import machine
import unseen

HANDS, FORMS, MIN_COUNT, RARE, DRAWN, NEAR = 2, 2, 3, 5, 500, 10
SIMILARITY = {
    "deu": ("deu_simlex999.tsv",),
    "est": ("est_estsimlex999.tsv",),
    "tur": ("tur_anlamver.tsv", "tur_wordsimtr_syntactic.tsv"),
}
ANSWERS = ("mrr", "p@10", "mean-offset mrr", "lemma mrr")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """A text file of lines."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_table(path: Path, language: str) -> list[tuple[str, str, str]]:
    """The rows of a UniMorph table, words in lower case, those of several words left out."""
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        cells = (line.rstrip("\n").split("\t") for line in rows)
        folded = [
            (unseen.lower(lemma, language), unseen.lower(form, language), tags) for lemma, form, tags in cells
        ]
    return [row for row in dict.fromkeys(folded) if " " not in row[0] and " " not in row[1]]


def draw(words: Iterable[str], kin: Mapping[str, set[str]], dice: random.Random) -> dict[str, list[str]]:
    """Up to DRAWN of the words that have relatives, each with them."""
    order = sorted(word for word in words if kin[word])
    dice.shuffle(order)
    return {word: sorted(kin[word]) for word in order[:DRAWN]}


def prepare(language: str, share: int, seed: int, folder: Path) -> dict[str, Any]:
    """The text (so many percent of the verses), the table, and everything that is asked."""
    data = machine.data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    verses = [" ".join(verse) for verse in unseen.sentences(data / "bible" / f"{language}.txt.gz", language)]
    verses = [verse for verse in verses if verse]
    if share < 100:
        places = sorted(dice.sample(range(len(verses)), round(len(verses) * share / 100)))
        verses = [verses[place] for place in places]
    counts = Counter(itertools.chain.from_iterable(verse.split() for verse in verses))
    table = read_table(data / "unimorph" / f"{language}.tsv.gz", language)
    families: dict[str, set[str]] = defaultdict(set)  # lemma → itself and its forms
    lemmas: dict[str, set[str]] = defaultdict(set)  # word → lemmas that have it
    for lemma, form, _ in table:
        families[lemma].update((lemma, form))
        for word in (lemma, form):
            lemmas[word].add(lemma)
    known = {
        lemma: {word for word in family if counts[word] >= MIN_COUNT} for lemma, family in families.items()
    }
    kin = {word: set().union(*(known[lemma] for lemma in of)) - {word} for word, of in lemmas.items()}
    forms = {form for lemma, form, _ in table if form != lemma}
    absent = draw((form for form in forms if not counts[form]), kin, dice)
    rare = draw((form for form in lemmas if MIN_COUNT <= counts[form] <= RARE), kin, dice)

    asked = {lemma for word in (*absent, *rare) for lemma in lemmas[word]}
    asked |= {lemma for lemma in families if lemma in known[lemma] and len(known[lemma]) > FORMS}
    order = sorted(asked)
    dice.shuffle(order)
    hands = [order[hand::HANDS] for hand in range(HANDS)]
    hand_of = {lemma: number for number, hand in enumerate(hands) for lemma in hand}
    sets = {name: pairs(data / "similarity" / name, language) for name in SIMILARITY.get(language, ())}
    tested = {word for rows in sets.values() for one, other, _ in rows for word in (one, other)}
    for number, hand in enumerate(hands):
        words = set(hand).union(*(known[lemma] for lemma in hand)) | tested
        words |= {
            word for word in (*absent, *rare) if any(hand_of[lemma] == number for lemma in lemmas[word])
        }
        write_lines(folder / f"hold-{number}.txt", sorted(words))
    for name, rows in sets.items():
        write_lines(folder / name, ("\t".join(row) for row in rows))
    write_lines(folder / "text.txt", verses)
    write_lines(folder / "table.tsv", ("\t".join(row) for row in table))
    write_lines(folder / "unseen.txt", sorted({*absent, *(word for word in tested if " " not in word)}))
    items = {
        "language": language,
        "tokens": sum(counts.values()),
        "words": sum(count >= MIN_COUNT for count in counts.values()),
        "hands": hands,
        # which hand's model answers for a word: that of its first lemma, none of whose rows it was told
        "absent": [[word, hand_of[min(lemmas[word])], near] for word, near in absent.items()],
        "rare": [[word, hand_of[min(lemmas[word])], near] for word, near in rare.items()],
        "similarity": sorted(sets),
    }
    (folder / "items.json").write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    return {name: items[name] for name in ("tokens", "words")}


def pairs(path: Path, language: str) -> list[tuple[str, str, str]]:
    """A similarity set in lower case."""
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = (line.split("\t") for line in lines)
    return [
        (unseen.lower(one, language), unseen.lower(other, language), score) for one, other, score in cells
    ]


def ask(folder: Path, models: Sequence[Path], vectors: Path | None) -> dict[str, Any]:
    """The answers of one model, or of one for each hand. vectors: those that a peer made of unseen words."""
    import numpy as np

    import morphvec
    from morphvec.evaluate import datasets, measure, paradigms, similarity
    from morphvec.morphology.tables import Table, read_unimorph

    items = json.loads((folder / "items.json").read_text(encoding="utf-8"))
    opened = [morphvec.load(model) for model in models]
    by_hand = [opened[hand % len(opened)] for hand in range(HANDS)]
    made: dict[str, Any] = {}
    if vectors is not None:
        from peers import read_text

        words, rows = read_text(vectors)
        made = dict(zip(words, rows, strict=True))

    whole = read_unimorph(folder / "table.tsv")
    rows_asked = [row for row in range(len(whole)) if whole.lemmas[row] != whole.forms[row]]
    columns = ([column[row] for row in rows_asked] for column in (whole.lemmas, whole.forms, whole.features))
    table = Table("", *columns, source="table.tsv")
    answers: dict[str, Any] = {
        "items": [],
        "clusters": [],
        "total": 0,
        "values": {name: [] for name in ANSWERS},
    }
    for model, hand in zip(by_hand, items["hands"], strict=True):
        found = {outcome.metric: outcome for outcome in paradigms.score(model, table, lemmas=hand)}
        first = found["mrr"]
        answers["items"] += first.items.tolist()
        answers["clusters"] += [] if first.clusters is None else first.clusters.tolist()
        answers["total"] += first.total
        for name in ANSWERS:
            answers["values"][name] += [round(value, 6) for value in found[name].values.tolist()]

    def hits(asked: Sequence[Any], unseen_words: bool) -> list[int] | None:
        if unseen_words and not (made or opened[0].composes):
            return None
        found = []
        for word, hand, near in asked:
            model = by_hand[hand]
            if word not in made and word not in model and not model.composes:
                return None  # a vocabulary cut off above rare words
            try:
                vector = made[word] if word in made else model.vector_for(word)
            except morphvec.errors.UnknownWordError:
                found.append(0)  # nothing of it is known
                continue
            nearest = model.similar_by_vector(np.asarray(vector), topn=NEAR + 1)
            chosen = [other for other, _ in nearest if other != word][:NEAR]
            found.append(int(not set(near).isdisjoint(chosen)))
        return found

    scores: dict[str, Any] = {}
    for name in items["similarity"]:
        dataset = datasets.read_similarity(folder / name)
        model = by_hand[0]
        if made:
            extra = [word for word in made if word not in model]
            model = morphvec.Embeddings(
                [*model.words, *extra],
                np.concatenate([np.asarray(model.vectors), np.array([made[word] for word in extra])]),
            )
        outcome = similarity.score(model, dataset, "compose" if model.composes else "skip")
        measured = measure.measure(outcome, bootstrap=1000, seed=0)
        scores[name] = {**measured.as_json(), "total": outcome.total}
    return {
        "paradigms": answers,
        "absent": hits(items["absent"], True),
        "rare": hits(items["rare"], False),
        "similarity": scores,
    }


def prefix(folder: Path) -> dict[str, Any]:
    """The same hits by the longest common prefix: no vectors."""
    items = json.loads((folder / "items.json").read_text(encoding="utf-8"))
    counts: Counter[str] = Counter()
    with (folder / "text.txt").open(encoding="utf-8") as text:
        for line in text:
            counts.update(line.split())
    same_start: dict[str, list[str]] = defaultdict(list)  # without a common letter the likeness is 0
    for word in sorted((word for word in counts if counts[word] >= MIN_COUNT), key=lambda w: (-counts[w], w)):
        same_start[word[:1]].append(word)
    found: dict[str, list[int]] = {}
    for name in ("absent", "rare"):
        found[name] = []
        for word, _, near in items[name]:
            others = [other for other in same_start[word[:1]] if other != word]
            chosen = unseen.prefix_neighbours([word], others)[word]
            found[name].append(int(not set(near).isdisjoint(chosen)))
    return {"paradigms": None, "similarity": {}, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("prepare")
    made.add_argument("language")
    made.add_argument("share", type=int)
    made.add_argument("seed", type=int)
    made.add_argument("folder", type=Path)
    put = verbs.add_parser("ask")
    put.add_argument("folder", type=Path)
    put.add_argument("models", type=Path, nargs="+")
    put.add_argument("--unseen", type=Path)
    verbs.add_parser("prefix").add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.verb == "prepare":
        found = prepare(options.language, options.share, options.seed, options.folder)
    elif options.verb == "ask":
        found = ask(options.folder, options.models, options.unseen)
    else:
        found = prefix(options.folder)
    sys.stdout.write(json.dumps(found, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
