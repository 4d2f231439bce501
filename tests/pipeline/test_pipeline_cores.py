"""The same bits however many threads BLAS may use, as on machines with more and fewer cores."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import morphvec as mv
from morphvec.rng import stream
words = [f"{stem}{end}" for stem in ("walk", "talk", "jump", "play", "call", "turn") * 5 for end in ("", "s", "ed")]
words = [f"{word}{i % 40}" for i, word in enumerate(words * 6)]
picks = stream(1).integers(0, len(words), (600, 12))
model = mv.train([[words[i] for i in row] for row in picks], tokenizer="whitespace", min_count=1, dim=300, epochs=3, threads=1)
from morphvec.artifact import sha256_array
print(sha256_array(model.vectors), sha256_array(model.parts.vectors))
"""


def hashes(blas_threads: int) -> str:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(blas_threads))}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_blas_threads_change_no_bit() -> None:
    one = hashes(1)
    assert len(one.split()) == 2
    assert hashes(4) == one
