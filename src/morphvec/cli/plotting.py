"""What each kind of ``morphvec plot`` reads, draws and says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.cli.ask import check_models, open_model
from morphvec.errors import OptionError
from morphvec.view import charts, measures


@dataclass(frozen=True)
class Asked:
    """The options of ``morphvec plot``."""

    models: Sequence[str]
    words: int | None
    skip: int
    word_list: str | None
    languages: tuple[str, str] | None
    language: str
    unimorph: str | None
    seed: int

    def one(self, kind: str) -> str:
        """The only model. Raises OptionError where there are several."""
        if len(self.models) != 1:
            raise OptionError(f"{len(self.models)} models", f"{kind} shows one", "leave the others out")
        return self.models[0]

    def named(self) -> dict[str, str]:
        """What the legend calls each model → its folder. Raises OptionError for a model twice."""
        check_models(list(self.models))
        short = [Path(path).resolve().name for path in self.models]
        names = short if len(set(short)) == len(short) else list(self.models)
        return dict(zip(names, self.models, strict=True))


@dataclass(frozen=True, eq=False)
class Made:
    """A plot to draw. texts: what it writes of words. lines, figures: what is printed of it, for people and as JSON."""

    draw: Callable[[Any], None]
    size: tuple[float, float]
    texts: Iterable[str]
    lines: Sequence[str]
    figures: Mapping[str, Any]


def _training(asked: Asked) -> Made:
    curves = {name: measures.training_curves(path) for name, path in asked.named().items()}
    last = {
        name: {term: float(values[-1]) for term, values in one.terms.items() if np.isfinite(values[-1])}
        for name, one in curves.items()
    }
    lines = [
        f"{name}: {len(curves[name].epochs)} epochs, "
        + ", ".join(f"{term} {value:.6g}" for term, value in terms.items())
        for name, terms in last.items()
    ]
    return Made(lambda figure: charts.draw_training(figure, curves), (9, 5), curves, lines, {"last": last})


def _norms(asked: Asked) -> Made:
    counts, norms = measures.frequency_and_norm(open_model(asked.one("norms")))
    figures = {"words": len(norms), "median_norm": float(np.median(norms))}
    lines = [f"{len(norms):,} words, median norm {figures['median_norm']:.4g}"]
    return Made(lambda figure: charts.draw_norms(figure, counts, norms), (7, 4.5), (), lines, figures)


def _compactness(asked: Asked) -> Made:
    from morphvec.morphology.tables import parse_language_path, read_unimorph

    if asked.unimorph is None:
        raise OptionError(
            "compactness without a table",
            "its classes are bundles of an inflection table",
            "give --unimorph FILE",
        )
    language, path = parse_language_path(asked.unimorph)
    table = read_unimorph(path, language)
    spreads = {
        name: measures.class_spread(open_model(folder), table) for name, folder in asked.named().items()
    }
    means = {
        name: {
            "classes": len(classes),
            **{
                what: float(np.mean([one[what] for one in classes.values()]))
                for what in ("compactness", "identity", "chance")
            },
        }
        for name, classes in spreads.items()
    }
    lines = [
        f"{name}: {one['classes']} classes, compactness {one['compactness']:.3f}, identity {one['identity']:.3f}, chance {one['chance']:.3f}"
        for name, one in means.items()
    ]
    texts = [name for classes in spreads.values() for name in classes]
    return Made(
        lambda figure: charts.draw_compactness(figure, spreads), (7, 5), texts, lines, {"models": means}
    )


def _angles(asked: Asked) -> Made:
    from morphvec.morphology.tables import read_words
    from morphvec.view.prepare import choose

    model = open_model(asked.one("angles"))
    words = (asked.words or 10_000) if asked.word_list is None else read_words(asked.word_list)
    chosen = choose(model, words, language=asked.language, skip=asked.skip)
    if (chosen.rows < 0).any():
        raise OptionError(
            f"{asked.word_list} with unseen words", "angles are of words of the vocabulary", "leave them out"
        )
    found = measures.angles(model, chosen, seed=asked.seed)
    figures: dict[str, Any] = {
        "words": len(chosen.words),
        "pairs": len(found.cosines),
        "cosine": {"mean": float(found.cosines.mean()), "sd": float(found.cosines.std())},
        "within_0.2": float(np.mean(np.abs(found.cosines) < 0.2)),
        "nearest_cosine": float(found.nearest_cosines.mean()),
        "distance": float(found.distances.mean()),
        "nearest_distance": float(found.nearest_distances.mean()),
        "dim": found.dim,
        "effective_dim": found.effective,
    }
    lines = [
        f"{len(chosen.words):,} words, {len(found.cosines):,} random pairs: cosine {found.cosines.mean():+.3f} ± {found.cosines.std():.3f}, "
        f"{100 * figures['within_0.2']:.1f}% within ±0.2, as random directions in {found.effective:.0f} dimensions (the vectors have {found.dim})",
        f"nearest neighbours: cosine {figures['nearest_cosine']:.3f}; distance {figures['nearest_distance']:.3f}, of random pairs {figures['distance']:.3f} mean lengths",
    ]
    return Made(
        lambda figure: charts.draw_angles(figure, found, len(chosen.words)), (9.5, 3.8), (), lines, figures
    )


def _spectrum(asked: Asked) -> Made:
    spectra = {name: measures.spectrum(open_model(path)) for name, path in asked.named().items()}
    figures = {
        "models": {name: {"of": one.of, "values": one.values.tolist()} for name, one in spectra.items()}
    }
    lines = [
        f"{name}: {one.of}, largest {one.values[0]:.4g}, smallest {one.values[-1]:.4g} of {len(one.values)}"
        for name, one in spectra.items()
    ]
    return Made(lambda figure: charts.draw_spectrum(figure, spectra), (9, 3.8), spectra, lines, figures)


def _languages(asked: Asked) -> Made:
    from morphvec.morphology.tables import read_words

    model = open_model(asked.one("languages"))
    pair = asked.languages
    if pair is None:
        if len(model.languages) != 2:
            raise OptionError(
                f"a model of {', '.join(model.languages) or 'no languages'}",
                "neighbours are shown between two languages",
                "name two with --languages SRC TGT",
            )
        pair = (model.languages[0], model.languages[1])
    words = (asked.words or 24) if asked.word_list is None else read_words(asked.word_list)
    found = measures.between(model, *pair, words, skip=asked.skip)
    nearest = [
        {"word": word, "nearest": found.columns[column], "cosine": float(found.cosines[row, column])}
        for row, (word, column) in enumerate(zip(found.rows, found.best.tolist(), strict=True))
    ]
    lines = [f"{one['word']} – {one['nearest']} {one['cosine']:.2f}" for one in nearest]
    height = max(4.0, 0.22 * len(found.rows) + 1.5)
    return Made(
        lambda figure: charts.draw_between(figure, found, *pair),
        (height + 1, height),
        (*found.rows, *found.columns),
        lines,
        {"source": pair[0], "target": pair[1], "nearest": nearest},
    )


PLOTS: Mapping[str, Callable[[Asked], Made]] = {
    "training": _training,
    "norms": _norms,
    "compactness": _compactness,
    "angles": _angles,
    "spectrum": _spectrum,
    "languages": _languages,
}
