"""The interpreter, set once for a process that lives long."""

from __future__ import annotations

import gc
import sys


def tune() -> None:
    """Set the collector and the thread switch for a long life of many small values.

    What the start-up made stays; stanzas are freed by their reference counts, so looking for
    cycles after every 700 new objects only costs (measured: a tenth of the CPU per chat
    message). A store thread that waits for the interpreter gets it within half a millisecond:
    with Python's five, a busy reactor kept 256 queued writes waiting for seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(0.0005)
