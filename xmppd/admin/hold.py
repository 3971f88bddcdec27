"""One process at a time on a data directory: a lock that the system takes back when it ends.

It is an flock(2) on a file that stays. The file names the process that took it last, for the
operator; the lock is what counts.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from xmppd.errors import ConfigError

NAME = "xmppd.lock"


class Hold:
    """A data directory held by this process; made by `hold`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others have it; may be called more than once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def hold(data: Path, source: str) -> Hold:
    """Hold the data directory; raises ConfigError where another process does."""
    path = data / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(source, path, error) from None
    try:
        _lock(descriptor, fcntl.LOCK_EX, data, source)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BaseException:
        os.close(descriptor)
        raise
    return Hold(descriptor)


def check_unheld(data: Path, source: str) -> None:
    """Raise ConfigError where a process holds the data directory; nothing is changed."""
    path = data / NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(source, path, error) from None
    try:
        _lock(descriptor, fcntl.LOCK_SH, data, source)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, data: Path, source: str) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        problem = f"process {holder or '?'} uses {data} already"
        remedy = "Stop it, or give this one a data directory of its own"
        raise ConfigError(source, "server.data", problem, remedy) from None
    except OSError as error:
        raise _unusable(source, data / NAME, error) from None


def _unusable(source: str, path: Path, error: OSError) -> ConfigError:
    problem = f"can't lock {path} ({error.strerror})"
    remedy = "Let this user write to it, on a file system that has locks"
    return ConfigError(source, "server.data", problem, remedy)
