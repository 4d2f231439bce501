"""Seed → random streams. A stream is keyed by (seed, epoch, block), never by thread or by order of arrival."""

from __future__ import annotations

import numpy as np


def stream(seed: int, epoch: int = 0, block: int = 0) -> np.random.Generator:
    """An independent generator for one block of one epoch: the same key gives the same numbers anywhere."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, epoch, block))))
