"""What can be made out of a configuration file that has a fault somewhere else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from xmppd.config.values import places

_TABLE = re.compile(r"\s*\[\s*(\w+)\s*\]")
_KEY = re.compile(r"\s*(\w+)\s*=(.*)")


def control_socket(path: Path) -> str | None:
    """Where the server of a faulty file has its control socket; None where it can't be read.

    Line by line: whatever else is wrong there, the server that was started with an earlier state
    of the file still answers, and its operator wants to ask it.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    found = {"server.data": "", "listen.control": ""}
    table = ""
    for line in text.splitlines():
        if header := _TABLE.match(line):
            table = header[1]
        elif (assigned := _KEY.match(line)) and f"{table}.{assigned[1]}" in found:
            found[f"{table}.{assigned[1]}"] = _string(assigned[2])
    return places(path.absolute().parent, found["server.data"], found["listen.control"])[1]


def _string(value: str) -> str:
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return ""
    return read if isinstance(read, str) else ""
