"""The neural language model beside the same network in PyTorch on the same processor: losses, and tokens a second.

    python benchmarks/lm_torch.py [--vocab-size 10000] [--rounds 5]          (make check-torch)

Words drawn by Zipf's law; the same first parameters, batches, learning rates and Adam, no dropout, float32, as many threads
as there are cores. Both go over the text in turn, so that other work on the machine slows both; the ratio of a round is
that of two neighbours in time. PyTorch runs eagerly, with dense gradients and its fused softmax and cross-entropy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import machine
from morphvec.engine.local import local_engine
from morphvec.lm.feedforward import NetworkTrainer, Parameters, Windows, start
from morphvec.lm.optimise import StepOptions
from morphvec.rng import stream

SAME = 2e-4  # of the mean losses of an epoch in float32, relative
BAR = 0.7  # of PyTorch's tokens a second


def zipf_text(words: int, tokens: int, order: int, seed: int) -> Windows:
    """Sentences of 20 words, drawn with p ∝ 1 / (rank + 3)."""
    weights = 1 / (np.arange(words - 1) + 3.0)
    drawn = stream(seed, 7).choice(words - 1, tokens, p=weights / weights.sum()).reshape(-1, 20)
    marks = np.full((len(drawn), 1), words - 1)
    ids = np.hstack([marks, drawn, marks]).ravel().astype(np.int32)
    return Windows(ids, np.arange(0, len(ids), 22), words - 1, order)


class TorchTrainer:
    """The network of ``feedforward`` in PyTorch."""

    def __init__(
        self, first: Parameters, text: Windows, steps: StepOptions, epochs: int, batch: int, seed: int
    ) -> None:
        self._text, self._steps, self._epochs, self._batch, self._seed = text, steps, epochs, batch, seed
        self._weights = {name: torch.nn.Parameter(torch.from_numpy(array)) for name, array in first.items()}
        self._adam = torch.optim.Adam(self._weights.values(), lr=steps.learning_rate)

    def _loss(self, contexts: Any, targets: Any) -> Any:
        hidden, output = self._weights["hidden"], self._weights["output"]
        x = torch.nn.functional.embedding(contexts, self._weights["table"]).reshape(len(contexts), -1)
        a = torch.tanh(torch.nn.functional.linear(x, hidden[:, :-1], hidden[:, -1]))
        y = torch.nn.functional.linear(a, output[:, :-1], output[:, -1])
        return torch.nn.functional.cross_entropy(y, targets)

    def epoch(self, number: int) -> dict[str, float]:
        """One pass, in the order that NetworkTrainer takes."""
        order = stream(self._seed, number + 1, 0).permutation(self._text.at)
        total, count = 0.0, -(-len(order) // self._batch)
        for place in range(count):
            self._adam.param_groups[0]["lr"] = self._steps.rate(number + place / count, self._epochs)
            contexts, targets = self._text.take(order[place * self._batch : (place + 1) * self._batch])
            loss = self._loss(torch.from_numpy(contexts), torch.from_numpy(targets.astype(np.int64)))
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()
            total += float(loss.detach()) * len(targets)
        return {"total": total / len(order)}


def timed(work: Callable[[], dict[str, float]]) -> tuple[tuple[float, float], float]:
    """((seconds, CPU seconds of all threads), mean loss) of an epoch."""
    begin, cpu = time.perf_counter(), time.process_time()
    loss = work()["total"]
    return (time.perf_counter() - begin, time.process_time() - cpu), loss


def report(document: dict[str, Any]) -> str:
    """The markdown of a document."""
    runs, size = document["rounds"], document["predictions"]
    rows = []
    for who, name in (("ours", "morphvec"), ("torch", f"PyTorch {document['torch']}")):
        rates = [size / run[who][0] for run in runs]
        cpu = [1e6 * run[who][1] / size for run in runs]
        spread = f"{min(rates):,.0f} – {max(rates):,.0f}"
        rows.append(
            [name, f"{median(rates):,.0f}", spread, f"{median(cpu):.0f} ({min(cpu):.0f} – {max(cpu):.0f})"]
        )
    wall, cpu = ([run["torch"][i] / run["ours"][i] for run in runs] for i in (0, 1))
    return "\n".join(
        [
            f"{size:,} predictions an epoch, {document['words']:,} words, order {document['order']}, "
            f"dim {document['dim']}, hidden {document['hidden']}, batch {document['batch']}, Adam, float32, "
            f"{document['threads']} threads, {len(runs)} rounds. {machine.conditions(document['machine'])}.",
            "",
            machine.table(["", "tokens/s, median", "least – most", "CPU µs a token"], rows),
            "",
            f"morphvec ÷ PyTorch, tokens a second: {median(wall):.2f} ({min(wall):.2f} – {max(wall):.2f}), a second of "
            f"CPU: {median(cpu):.2f} ({min(cpu):.2f} – {max(cpu):.2f}); "
            f"bar {BAR}: {'met' if min(median(wall), median(cpu)) >= BAR else 'missed'}. "
            f"Largest relative difference of an epoch's mean loss: {document['difference']:.1e}.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vocab-size", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=10_000, help="words of the text, one epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/lm_torch"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    words, seed = options.vocab_size, options.seed
    text = zipf_text(words, options.tokens // 20 * 20, options.order, seed)
    counts = np.bincount(text.ids[text.at], minlength=words)
    steps = StepOptions("adam", 0.002, "cosine")
    epochs = options.rounds + 1

    def first() -> Parameters:
        table = np.sqrt(3 / options.dim) * stream(seed, 0, 0).uniform(-1, 1, (words, options.dim))
        bias = np.log((counts + 1) / (counts.sum() + words)).astype(np.float32)
        kind = table.astype(np.float32)
        return start(kind, options.hidden, options.order, bias, direct=False, seed=seed)

    ours = NetworkTrainer(
        first(),
        text,
        steps=steps,
        epochs=epochs,
        batch=options.batch,
        dropout=0.0,
        seed=seed,
        frozen=np.zeros(words, np.bool_),
        validation=None,
        engine=local_engine(options.threads),
    )
    theirs = TorchTrainer(first(), text, steps, epochs, options.batch, seed)
    rounds: list[dict[str, tuple[float, float]]] = []
    difference = 0.0
    for number in range(epochs):  # the first compiles and warms both, and is not timed
        own, loss = timed(lambda n=number: dict(ours.epoch(n)))
        other, their_loss = timed(lambda n=number: theirs.epoch(n))
        difference = max(difference, abs(loss / their_loss - 1))
        if number:
            rounds.append({"ours": own, "torch": other})
    if difference > SAME:
        raise SystemExit(f"the losses differ by {difference:.1e}; the same network gives the same to {SAME}")
    document = {
        "machine": machine.facts(),
        "torch": torch.__version__,
        "words": words,
        "predictions": len(text),
        **{name: getattr(options, name) for name in ("order", "dim", "hidden", "batch", "threads", "seed")},
        "rounds": rounds,
        "difference": difference,
    }
    machine.write(options.out, "lm_torch", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
