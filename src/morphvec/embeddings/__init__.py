"""Word vectors: what is served, asked and saved."""

from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import Parts

__all__ = ["Embeddings", "Parts"]
