"""Reading ahead: blocks are read, decompressed and decoded by a thread of their own while others are worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from morphvec.text.readers import Block


def groups(blocks: Iterator[Block], most: int, *, ahead: bool) -> Iterator[list[Block]]:
    """The blocks in their order, in lists of at most ``most``: as many as are there.

    ahead: a thread reads on meanwhile, at most ``most`` blocks; else each block is a list. An error of the blocks is
    raised after the blocks before it were given out.
    """
    if not ahead:
        for block in blocks:
            yield [block]
        return
    line: queue.Queue[Block | BaseException | None] = queue.Queue(most)
    stopped = threading.Event()
    thread = threading.Thread(target=_read, args=(blocks, line, stopped), name="morphvec-reader", daemon=True)
    thread.start()
    try:
        while True:
            group: list[Block] = []
            item = line.get()
            while isinstance(item, Block):
                group.append(item)
                if len(group) == most or line.empty():
                    break
                item = line.get()
            if group:
                yield group
            if isinstance(item, BaseException):
                raise item
            if item is None:
                return
    finally:
        stopped.set()
        while thread.is_alive():
            while not line.empty():  # it may wait for room
                line.get_nowait()
            thread.join(0.01)


def _read(
    blocks: Iterator[Block], line: queue.Queue[Block | BaseException | None], stopped: threading.Event
) -> None:
    try:
        for block in blocks:
            if stopped.is_set():
                return
            _ = block.data  # encoded here
            line.put(block)
        line.put(None)
    except BaseException as error:
        line.put(error)
