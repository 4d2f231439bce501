"""From factors to Embeddings, the same way for every method: what the columns are, which of the two sides is served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from morphvec.arrays import Floats1d, Floats2d
from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts
from morphvec.errors import OptionError
from morphvec.features.space import COUNTERPARTS
from morphvec.text.vocabulary import Vocabulary

OUTPUTS = ("w", "c", "w+c", "concat")


@dataclass(frozen=True)
class Columns:
    """names: (kind of block, name) of each column of the context side that was counted; they come first."""

    names: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, association: Association) -> Columns:
        """The columns of an association, but for those that training itself put beside them."""
        return cls(
            tuple(
                (block.kind, name)
                for block in association.blocks
                if block.kind != COUNTERPARTS
                for name in association.features[block.begin : block.end]
            )
        )

    @classmethod
    def words(cls, vocabulary: Vocabulary) -> Columns:
        """The words as each other's contexts."""
        return cls(tuple(("window", word) for word in vocabulary.words))

    def are_words(self, vocabulary: Vocabulary) -> bool:
        """Whether column f is word f as a context."""
        return len(self.names) == len(vocabulary) and all(
            kind == "window" and name == word
            for (kind, name), word in zip(self.names, vocabulary.words, strict=True)
        )


def check_output(output: str, columns: Columns, vocabulary: Vocabulary) -> None:
    """Raise OptionError where an output asks for context vectors of words and there are none."""
    if output != "w" and not columns.are_words(vocabulary):
        raise OptionError(
            f"output={output}",
            "words have context vectors only where the one feature block is window",
            "use --output w",
        )


def embed(
    vocabulary: Vocabulary,
    columns: Columns,
    vectors: Floats2d,
    contexts: Floats2d,
    output: str = "w",
    *,
    parts: Parts | None = None,
    biases: tuple[Floats1d, Floats1d] | None = None,
) -> Embeddings:
    """Embeddings of word vectors [T, k] and context vectors [F, k], float32.

    output: ``w`` word vectors, ``c`` context vectors, ``w+c`` their sum, ``concat`` both side by side. parts: what
    composes unseen words; contexts are not composed, so only ``w`` keeps them. biases: of words [T] and contexts [F].
    Raises OptionError as ``check_output`` does.
    """
    check_output(output, columns, vocabulary)
    match output:
        case "c":
            served = contexts
        case "w+c":
            served = vectors + contexts
        case "concat":
            served = np.concatenate([vectors, contexts], axis=1)
        case _:
            served = vectors
    return Embeddings(
        vocabulary.words,
        served,
        counts=vocabulary.counts,
        contexts=contexts,
        features=columns.names,
        parts=parts if output == "w" else None,
        tokenizer=vocabulary.tokenizer,
        languages=vocabulary.languages,
        biases=biases,
    )
