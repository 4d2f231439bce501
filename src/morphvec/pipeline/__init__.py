"""The walk from a corpus to a model: in one call, or one arrow at a time through folders on disk."""

from morphvec.pipeline.options import CountStage, FitStage, RunOptions, TextStage, WeighStage, all_options
from morphvec.pipeline.train import open_corpus, train, train_to

__all__ = [
    "CountStage",
    "FitStage",
    "RunOptions",
    "TextStage",
    "WeighStage",
    "all_options",
    "open_corpus",
    "train",
    "train_to",
]
