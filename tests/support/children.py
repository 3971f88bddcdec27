"""A reactor whose child processes only pretend: the test says what they write and when they end."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.python.failure import Failure


class Process:
    """One child, as its parent sees it (`IProcessTransport`)."""

    def __init__(self, pid: int, protocol: Any, command: list[str], environment: Any) -> None:
        self.pid: int | None = pid
        self.protocol = protocol
        self.command = command
        self.environment = environment
        self.signals: list[str] = []
        self.told_nothing = False
        """Whether its standard input is closed."""

    def signalProcess(self, name: str) -> None:
        if self.pid is None:
            raise ProcessExitedAlready
        self.signals.append(name)

    def closeStdin(self) -> None:
        self.told_nothing = True

    def end(self, status: int = 0, signal: int | None = None) -> None:
        self.pid = None
        how = ProcessTerminated(status, signal) if status or signal else ProcessDone(0)
        self.protocol.processEnded(Failure(how))


class Children:
    """The part of a reactor that starts processes, to be mixed into one that has a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []
        self.spawns_fail = False

    def spawnProcess(
        self, protocol: Any, executable: str, command: list[str], environment: Any
    ) -> Process:
        if self.spawns_fail:
            raise OSError(11, "Resource temporarily unavailable")
        made = Process(100 + len(self.processes), protocol, command, environment)
        self.processes.append(made)
        protocol.makeConnection(made)
        return made
