"""morphvec: word vectors that know morphology."""

from morphvec.version import __version__

__all__ = ["__version__"]
