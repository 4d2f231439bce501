"""Text to ids: readers, tokenizers, the pass over a corpus, the vocabulary, the encoded stream."""

from morphvec.text.corpus import Corpus, encode, scan
from morphvec.text.encoded import Encoded, Scan
from morphvec.text.readers import Source, parse_sources
from morphvec.text.streams import InputFile
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

__all__ = [
    "Corpus",
    "Encoded",
    "InputFile",
    "Scan",
    "Source",
    "Tokenizer",
    "Vocabulary",
    "encode",
    "parse_sources",
    "scan",
]
