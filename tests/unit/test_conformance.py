"""docs/conformance.md names files and tests: each of them is there, and each row is whole."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")
STATE = re.compile(r"(done|partial: .+|not applicable: .+)")


class Row(NamedTuple):
    """One line of a table with the columns section, state, file, test."""

    section: str
    state: str
    file: str
    test: str


def rows() -> list[Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TEXT.splitlines()
        if line.startswith("|")
    ]
    return [Row(*row) for row in cells if len(row) == 4 and row[1] not in ("state", "---")]


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def is_file(name: str) -> bool:
    return (ROOT / name if name.startswith("components/") else ROOT / "xmppd" / name).is_file()


def is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    file = ROOT / "tests" / path
    return file.is_file() and (not test or test in names_in(file))


def test_there_are_rows():
    assert len(rows()) > 150


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.section[:40])
def test_a_row_says_what_where_and_by_which_test(row):
    assert STATE.fullmatch(row.state), row.state
    files, tests = CODE.findall(row.file), CODE.findall(row.test)
    assert [name for name in files if not is_file(name)] == []
    assert [name for name in tests if not is_there(name)] == []
    if row.state.startswith(("done", "partial")):
        assert files, "which file does it?"
        assert tests, "which test shows it?"


def test_what_is_not_there_is_found():
    assert not is_file("components/vcard/nothing.py") and not is_file("vcard/tap.py")
    assert not is_there("unit/test_conformance.py::test_of_nothing")
    assert not is_there("unit/test_of_nothing.py")
    assert is_there("unit/test_conformance.py::test_there_are_rows")
