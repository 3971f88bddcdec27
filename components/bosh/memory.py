"""How much memory this process may have: that of the machine, or what its control group has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SHARE: Final = 8
"""Which part of it sessions by BOSH may hold where nobody has said how much."""

_GROUPS: Final = "sys/fs/cgroup"


def there_is(root: Path = Path("/")) -> int:
    """The octets; `root` is where the system tells of itself."""
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """What control groups (version 2) allow: the group of the process, and each that it is in."""
    own = _read(root / "proc/self/cgroup").partition("0::/")[2].partition("\n")[0]
    if ".." in own.split("/"):
        own = ""
    for group in (Path(own), *Path(own).parents):
        limit = _read(root / _GROUPS / group / "memory.max").strip()
        if limit.isdecimal():  # it is "max" where there is none
            yield int(limit)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # another system, or a sandbox that hides it: then the machine's counts
        return ""
