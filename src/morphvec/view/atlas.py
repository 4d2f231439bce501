"""Maps of one model, worked out in the background while the page asks how far they are."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

from morphvec.embeddings.embeddings import Embeddings
from morphvec.features.space import check_choice
from morphvec.view import groups
from morphvec.view.prepare import MapOptions, WordMap, choose, word_map
from morphvec.view.project import ITERATIONS, LEAST

PATIENCE = 0.4  # seconds that a question waits for a map before it is told how far it is
_KEPT = 8  # maps
_ABANDONED = 5.0  # seconds without a question after which a map is given up

Sheet = tuple[str, int, str]  # projection, words, language


class _Abandoned(Exception):
    """Nobody asks for the map any more."""


@dataclass(eq=False)
class _Work:
    """A map on its way: what it has become, or the error. done: iterations of t-SNE; asked: when it was last asked for."""

    finished: threading.Event = field(default_factory=threading.Event)
    asked: float = field(default_factory=time.monotonic)
    done: float = 0.0
    found: WordMap | None = None
    error: Exception | None = None

    def advance(self, iterations: float) -> None:
        """Count iterations. Raises _Abandoned where the page has turned to something else."""
        self.done += iterations
        if time.monotonic() - self.asked > _ABANDONED:
            raise _Abandoned


class Atlas:
    """The maps of one model, those of one projection worked on one after the other: PCA need not wait for t-SNE."""

    def __init__(self, model: Embeddings) -> None:
        self._model = model
        self._lock = threading.Lock()  # of the table
        self._turns = {projection: threading.Lock() for projection in LEAST}  # of the workers
        self._works: dict[Sheet, _Work] = {}

    def ask(self, projection: str, words: int, language: str, colour: str) -> dict[str, Any]:
        """The map ({"state": "ready", ...}), or how far it is ({"state": "working", "share"}).

        colour: auto, class, language, cluster or frequency. Raises what making the map raises.
        """
        check_choice("projection", projection, tuple(LEAST))
        MapOptions(colour=colour)  # raises for a colour that is none
        work = self._begin((projection, words, language))
        if not work.finished.wait(PATIENCE) or isinstance(work.error, _Abandoned):
            return {"state": "working", "share": min(work.done / ITERATIONS, 0.99)}
        if work.error is not None:
            raise work.error
        assert work.found is not None, "finished without an error"
        return {"state": "ready", **self._coloured(work.found, colour).as_json()}

    def _begin(self, sheet: Sheet) -> _Work:
        with self._lock:
            work = self._works.get(sheet)
            if work is None or work.error is not None:
                finished = [key for key, other in self._works.items() if other.finished.is_set()]
                for key in finished[: max(0, len(finished) - _KEPT + 1)]:
                    del self._works[key]
                work = self._works[sheet] = _Work()
                threading.Thread(target=self._work, args=(sheet, work), daemon=True).start()
            work.asked = time.monotonic()
            return work

    def _work(self, sheet: Sheet, work: _Work) -> None:
        projection, words, language = sheet
        try:
            with self._turns[projection]:
                work.advance(0)
                chosen = choose(self._model, words, language=language)
                options = MapOptions(projection=projection)
                work.found = word_map(self._model, chosen, options, advance=work.advance)
        except Exception as error:  # told to whoever asks, in their own thread
            work.error = error
        finally:
            work.finished.set()

    def _coloured(self, found: WordMap, colour: str) -> WordMap:
        if colour in ("auto", found.grouping.kind):
            return found
        return replace(found, grouping=self._grouping(found, colour))

    def _grouping(self, found: WordMap, colour: str) -> groups.Grouping:
        chosen = choose(self._model, found.words)
        if colour == "class":
            return groups.by_class(groups.affix_classes(self._model), chosen.rows)
        if colour == "language":
            return groups.by_language(self._model, found.words)
        if colour == "frequency":
            return groups.by_frequency(found.counts)
        return groups.by_cluster(chosen.points, found.labels, min(groups.MOST, len(found.words)))
