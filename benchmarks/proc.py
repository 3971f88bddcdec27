"""What a process tree costs: CPU seconds and proportional memory, read from Linux.

CPU time comes from the per-process CPU clock (nanoseconds, all threads, dead ones included);
memory is the proportional set size (PSS), which counts a shared page once.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CPUCLOCK_SCHED = 2


def tree(root: int) -> list[int]:
    """Return the ids of `root` and of every living process below it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parent = int(stat[stat.rindex(")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found, unvisited = [], [root]
    while unvisited:
        pid = unvisited.pop()
        found.append(pid)
        unvisited += children.get(pid, [])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time, user and system, that the processes have used so far."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
        except OSError:
            continue
    return total


def memory_kib(pids: list[int]) -> int:
    """Return the proportional set size of the processes together, in KiB."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


@dataclass(frozen=True)
class Usage:
    """The cost of one stretch of time: wall-clock and CPU seconds of both sides."""

    wall: float
    server: float
    generator: float

    @property
    def server_load(self) -> float:
        """The part of one core that the server used."""
        return self.server / self.wall

    @property
    def generator_load(self) -> float:
        """The part of one core that the load generator used."""
        return self.generator / self.wall


class Meter:
    """Measures the stretch of time between its making and `read`, of the processes given."""

    def __init__(self, processes: Callable[[], list[int]]) -> None:
        self._pids = processes()
        self._generator = time.process_time()
        self._server = cpu_seconds(self._pids)
        self._wall = time.perf_counter()

    def read(self) -> Usage:
        """Return what has been used since the meter was made."""
        return Usage(
            wall=time.perf_counter() - self._wall,
            server=cpu_seconds(self._pids) - self._server,
            generator=time.process_time() - self._generator,
        )
