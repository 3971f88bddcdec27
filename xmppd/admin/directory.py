"""The data directory: where it may be made, and whose it has to be."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from xmppd.errors import ConfigError


def make_data_directory(data: Path, source: str) -> None:
    """Make the data directory, for this user alone, where there is none; raises ConfigError.

    Nothing above it is made: a disk that is not mounted must not look like a new server.
    """
    if missing := no_place(data):
        raise ConfigError(source, "server.data", *missing)
    try:
        data.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = f"can't make the directory {data} ({error.strerror})"
        remedy = "Name a directory that this user may write to"
        raise ConfigError(source, "server.data", problem, remedy) from None


def check_owner(data: Path, source: str) -> None:
    """Raise ConfigError where the data directory belongs to another user.

    Root could work there all the same, and leave files that the server can't open later. Asked
    when the process runs as whom it is to run as, which is not yet so while it is put together.
    """
    owner = data.stat().st_uid
    if owner != os.geteuid():
        problem = f"{data} belongs to another user ({user_name(owner)})"
        remedy = f"Start the server as {user_name(owner)}, or give it to this user with chown -R"
        raise ConfigError(source, "server.data", problem, remedy)


def no_place(data: Path) -> tuple[str, str] | None:
    """What is wrong, and what to do, where the directory that `data` is to be in is not there."""
    if data.absolute().parent.exists():
        return None
    return f"there is no directory {data.parent}", "Mount its disk, or make the directory"


def user_name(user: int) -> str:
    """The name of a user of this system, or the number where there is none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
