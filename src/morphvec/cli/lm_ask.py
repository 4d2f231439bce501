"""lm: questions to a language model: perplexity, scores, next words, samples, rescoring."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from morphvec.cli import options as o
from morphvec.report import Reporter, emit, emit_json

if TYPE_CHECKING:
    from morphvec.lm.base import LanguageModel

Lm = Annotated[str, typer.Argument(help="A language model's folder.", show_default=False)]
OneText = Annotated[str, typer.Argument(help="A text: PATH, or - for stdin.", show_default=False)]


def register(group: typer.Typer) -> None:
    """Add the questions to the group of commands ``lm``."""
    for name, command in (
        ("perplexity", perplexity),
        ("score", score),
        ("next", next_words),
        ("sample", sample),
        ("rescore", rescore),
    ):
        group.command(name)(command)


def open_lm(path: str) -> LanguageModel:
    """The language model of a folder."""
    from morphvec.lm.store import load

    return load(Path(path))


def _finite(number: float) -> float | None:
    """For JSON: null for what is not finite (an impossible word)."""
    return number if math.isfinite(number) else None


def perplexity(
    model: Lm,
    text: o.Text,
    format: o.Format = None,  # noqa: A002
    errors: o.Errors = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """How well a model foretells a text: exp of the mean of -ln p, over its words and the end of every line.

    A word outside the vocabulary counts as <unk>, with the probability of that.

    Example: morphvec lm perplexity lm test.txt --json
    """
    from morphvec.lm.text import read_stream
    from morphvec.text.corpus import Corpus
    from morphvec.text.readers import Source, parse_sources

    opened = open_lm(model)
    vocabulary = opened.vocabulary
    sources = tuple(Source(source.path, vocabulary.language) for source in parse_sources(text))
    corpus = Corpus(sources, vocabulary.tokenizer, format or "auto", errors or "strict")
    with tempfile.TemporaryDirectory(prefix="morphvec-") as folder:
        found = opened.perplexity(read_stream(corpus, vocabulary, Path(folder), Reporter(quiet=quiet)))
    if as_json:
        emit_json(
            {
                "perplexity": _finite(found.perplexity),
                "nats_per_token": _finite(found.nats_per_token),
                "tokens": found.tokens,
                "oov": found.oov,
            }
        )
        return
    shown = "infinite" if math.isinf(found.perplexity) else f"{found.perplexity:.4f}"
    emit(
        f"perplexity {shown}  ({found.nats_per_token:.6f} nats a token; {found.tokens:,} tokens, "
        f"{found.oov:,} of them unknown, read as <unk>)"
    )


def score(
    model: Lm,
    text: OneText,
    format: o.Format = None,  # noqa: A002
    errors: o.Errors = None,
    as_json: o.Json = False,
) -> None:
    """The log-probability of every line, in nats: logprob⇥tokens⇥unknown words⇥line. Blank lines are left out.

    Example: morphvec lm score lm sentences.txt
    """
    from morphvec.lm.text import read_scored

    opened = open_lm(model)
    read = read_scored(text, opened.vocabulary, format=format or "auto", errors=errors or "strict")
    found = zip(read.lines, opened.score_stream(read.stream), strict=True)
    if as_json:
        emit_json(
            {
                "sentences": [
                    {"text": line, "logprob": _finite(one.logprob), "tokens": one.tokens, "oov": one.oov}
                    for line, one in found
                ]
            }
        )
        return
    for line, one in found:
        emit(f"{one.logprob:.6f}\t{one.tokens}\t{one.oov}\t{line}")


def next_words(
    model: Lm,
    history: Annotated[
        list[str], typer.Argument(help="Words; <s> first where a sentence begins there.", show_default=False)
    ],
    n: Annotated[int, typer.Option("-n", help="How many answers.")] = 10,
    as_json: o.Json = False,
) -> None:
    """The most probable words after a history.

    Example: morphvec lm next lm of the

    Example: morphvec lm next lm '<s>' -n 3
    """
    opened = open_lm(model)
    text = " ".join(history)
    found = opened.next(opened.vocabulary.split(text), n)
    if as_json:
        emit_json({"history": text, "next": [{"word": word, "p": p} for word, p in found]})
        return
    for word, p in found:
        emit(f"  {p:.6f}  {word}")


def sample(
    model: Lm,
    n: Annotated[int, typer.Option("-n", help="How many sentences.")] = 1,
    seed: o.Seed = None,
    longest: Annotated[int, typer.Option("--longest", help="Cut a sentence after so many words.")] = 1000,
    as_json: o.Json = False,
) -> None:
    """Sentences drawn from a model, word by word.

    Example: morphvec lm sample lm -n 5 --seed 1
    """
    texts = [" ".join(words) for words in open_lm(model).sample(n, 0 if seed is None else seed, longest)]
    if as_json:
        emit_json({"texts": texts})
        return
    for text in texts:
        emit(text)


def rescore(
    model: Lm,
    file: Annotated[
        str,
        typer.Argument(
            help="Lists of candidates, list⇥ln p(observation|sentence)⇥sentence; - for stdin.",
            show_default=False,
        ),
    ],
    weight: Annotated[float, typer.Option("--weight", help="Weight of the model's log-probability.")] = 1.0,
    as_json: o.Json = False,
) -> None:
    """The best sentence of every list, by observation score + weight · ln p(sentence): list⇥sentence (Bayes' rule).

    Lines with the same list name are one list; both scores are natural logarithms.

    Example: morphvec lm rescore lm candidates.tsv --weight 0.5
    """
    from morphvec.lm.rescore import read_lists
    from morphvec.lm.rescore import rescore as rank

    opened = open_lm(model)
    ranked = rank(opened, read_lists(file), weight)
    if as_json:
        emit_json(
            {
                "weight": weight,
                "lists": [
                    {
                        "id": name,
                        "best": candidates[0].text,
                        "candidates": [
                            {
                                "text": one.text,
                                "observation": one.observation,
                                "prior": _finite(one.prior),
                                "score": _finite(one.score),
                            }
                            for one in candidates
                        ],
                    }
                    for name, candidates in ranked.items()
                ],
            }
        )
        return
    for name, candidates in ranked.items():
        emit(f"{name}\t{candidates[0].text}")
