"""Stands here so that every folder of tests can ``import naive``: pytest puts this folder on the path.

And so that what tests write goes to memory where there is enough, and what they run as a process is compiled once:
the disk and the compiler are not what is tested. A TMPDIR that is set is kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")

if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # asked for anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # of the processes that tests start
