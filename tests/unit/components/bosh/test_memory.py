"""How much memory there is, as the system tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.bosh import memory

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def system(root: Path, own: str, **limits: str) -> Path:
    """What a system tells: the group of the process, and the limit of each of some groups."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"12:memory:/elsewhere\n0::{own}\n")
    for group, limit in limits.items():
        directory = root / "sys/fs/cgroup" / group.replace("_", "/")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "memory.max").write_text(f"{limit}\n")
    return root


@pytest.mark.parametrize(
    ("own", "limits", "there_is"),
    [
        ("/house/hall", {"house": "2000000", "house_hall": "max"}, 2_000_000),
        ("/house/hall", {"house": "2000000", "house_hall": "1000000"}, 1_000_000),
        ("/", {"": "3000000"}, 3_000_000),
        ("/house", {"house": "9" * 30}, MACHINE),
        ("/house", {"yard": "1000000"}, MACHINE),
        ("/../../secret", {"": "3000000"}, 3_000_000),
    ],
)
def test_the_narrowest_group_counts_and_the_machine_where_there_is_none(
    tmp_path: Path, own: str, limits: dict[str, str], there_is: int
) -> None:
    assert memory.there_is(system(tmp_path, own, **limits)) == there_is


def test_a_system_that_tells_of_no_groups(tmp_path: Path) -> None:
    assert memory.there_is(tmp_path) == MACHINE
