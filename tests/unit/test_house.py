"""The house's rules, held by reading its own source: sizes, reason codes, the reactor, modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

from xmppd.reasons import REASONS

ROOT = Path(__file__).parents[2]
LARGEST = 600
MEDIAN = 200
REACTOR_IN = "tap.py"
"""Who may import the reactor, once it runs: the server's, and that of each component."""


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def code() -> list[Path]:
    return sources("xmppd", "components")


def test_there_is_something_to_look_at() -> None:
    assert len(code()) > 60
    assert len(sources("tests")) > 30


# ---------------------------------------------------------------------- sizes


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    long = {name(p): lines(p) for p in sources("xmppd", "components", "tests", "docs")}
    assert {p: n for p, n in long.items() if n > LARGEST} == {}


def test_half_the_files_are_short_and_nine_in_ten_not_long() -> None:
    sizes = sorted(lines(p) for p in code())
    assert median(sizes) <= MEDIAN
    assert sizes[len(sizes) * 9 // 10] <= 400


# ---------------------------------------------------------------------- reason codes


def reasons_in(path: Path) -> Iterator[tuple[str, int]]:
    """The reason codes that a file names: wherever a string has the shape of one."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    for inner in ast.walk(keyword.value):
                        # "" is no code: a person's own words are called a reason, too.
                        if isinstance(inner, ast.Constant) and inner.value:
                            yield str(inner.value), node.lineno


TABLES = {
    path: import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)).REASONS
    for path in code()
    if path.name == "reasons.py"
}
"""The server's codes, and those of components that have a table of their own."""


def known(path: Path) -> set[str]:
    """The codes that a file may name: the server's, and those of its own component."""
    return {*REASONS, *chain(*(TABLES.get(each / "reasons.py", {}) for each in path.parents))}


def test_every_reason_that_is_given_stands_in_the_table() -> None:
    unknown = {
        f"{name(path)}:{line}": reason
        for path in code()
        for reason, line in reasons_in(path)
        if reason not in known(path)
    }
    assert unknown == {}, "add it to xmppd/reasons.py, or to its component's reasons.py"


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("table", TABLES, ids=name)
def test_every_reason_in_the_table_is_given_somewhere(table: Path) -> None:
    used = {text for path in code() if path != table for text in strings(path)}
    assert sorted(TABLES[table].keys() - used) == []


AREAS = {reason.partition(".")[0] for table in TABLES.values() for reason in table}
SHAPE = re.compile(rf"({'|'.join(AREAS)})\.[a-z]+(-[a-z]+)*")


def test_reason_codes_are_shaped_alike_and_say_something() -> None:
    for reason, (meaning, remedy) in chain(*(table.items() for table in TABLES.values())):
        assert SHAPE.fullmatch(reason), reason
        assert meaning and remedy
        assert not meaning.endswith("."), reason
        assert len({meaning, remedy}) == 2


def test_every_note_of_a_refusal_names_a_reason() -> None:
    """`refusals.note(...)` takes a code of the table, or the `reason` of an error.

    The trail of an attempt to reach another domain has notes, too: those are no refusals.
    """
    bad = []
    for path in code():
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "note"
                and not ast.unparse(node.func.value).endswith("trail")
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and first.value not in REASONS:
                    bad.append(f"{name(path)}:{node.lineno}")
    assert bad == []


# ---------------------------------------------------------------------- imports


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """What a file imports: dotted name, line, and whether when it is imported itself."""
    inside = {
        child
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, node not in inside
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno, node not in inside


def test_the_reactor_is_passed_in() -> None:
    found = {
        f"{name(path)}:{line}"
        for path in sources("xmppd", "components", "docs", "tests/unit", "tests/support")
        for what, line, early in imports(path)
        if what.startswith("twisted.internet.reactor") and (early or path.name != REACTOR_IN)
    }
    assert found == set()


def test_wire_and_stream_know_no_twisted() -> None:
    found = {
        f"{name(path)}:{line}"
        for path in sources("xmppd/wire", "xmppd/stream")
        for what, line, _ in imports(path)
        if what.startswith(("twisted", "socket", "asyncio"))
    }
    assert found == set()


def test_components_stand_on_public_ground_only() -> None:
    allowed = (
        "__version__",
        "addresses",
        "ns",
        "jid",
        "errors",
        "config",
        "domainpart",
        "domains",
        "lock",
        "process",
        "reasons",
        "storage",
    )
    found = {
        f"{name(path)}:{line} {what}"
        for path in sources("components", "docs/examples")
        for what, line, _ in imports(path)
        if what.startswith("xmppd.") and what.split(".")[1] not in allowed
    }
    assert found == set()
    back = {
        name(path)
        for path in sources("xmppd")
        for what, _, _ in imports(path)
        if what.startswith(("components", "wokkel"))
    }
    assert back == set()


@pytest.mark.parametrize("forbidden", ["random", "pickle", "xml.sax", "xml.dom", "marshal"])
def test_what_no_server_code_imports(forbidden: str) -> None:
    """Predictable numbers, and parsers or loaders that do what their input says."""
    found = {
        f"{name(path)}:{line}"
        for path in code()
        for what, line, _ in imports(path)
        if what == forbidden or what.startswith(f"{forbidden}.")
    }
    assert found == set()


# ---------------------------------------------------------------------- modules


def modules() -> list[Path]:
    return [p for p in sources("xmppd/modules") if p.name != "__init__.py"]


def assigned(path: Path) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in parsed(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_module_registers_itself_and_names_its_xep(path: Path) -> None:
    functions = {n.name for n in parsed(path).body if isinstance(n, ast.FunctionDef)}
    assert "register" in functions
    docstring = ast.get_docstring(parsed(path)) or ""
    assert docstring, "a module says what it is"
    if "XEP" not in assigned(path):
        first = docstring.splitlines()[0]
        named = re.search(r"docs/[\w-]+\.md", first)
        assert "RFC" in first or (named and (ROOT / named[0]).is_file()), "no XEP, RFC or document"
        return
    number, version, status = ast.literal_eval(assigned(path)["XEP"])
    assert 1 <= number < 1_000
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(rc\d+)?", version), version
    assert status in ("complete", "partial"), status
    assert f"XEP-{number:04}" in docstring


def test_no_module_imports_another() -> None:
    found = {
        f"{name(path)}:{line}"
        for path in modules()
        for what, line, _ in imports(path)
        if what.startswith("xmppd.modules")
    }
    assert found == set()


# ---------------------------------------------------------------------- care


def test_nothing_is_caught_in_silence() -> None:
    """A bare `except`, or one for every Exception that does nothing, hides a bug."""
    found = []
    for path in code():
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            if broad and all(isinstance(n, ast.Pass | ast.Continue) for n in node.body):
                found.append(f"{name(path)}:{node.lineno}")
    assert found == []


def sleeps(path: Path) -> Iterator[int]:
    """The lines of a file that import a sleep, or call one by its module's name."""
    for what, line, _ in imports(path):
        if what in SLEEPS:
            yield line
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SLEEPS:
            yield node.lineno


SLEEPS = ("time.sleep", "asyncio.sleep")


def test_no_test_sleeps_or_waits_for_the_wall_clock() -> None:
    found = {f"{name(path)}:{line}" for path in sources("tests/unit") for line in sleeps(path)}
    assert found == set()


def test_a_sleep_is_seen_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "test_slow.py"
    file.write_text("import time\nfrom asyncio import sleep\ntime.sleep(1)\ntime.time()\n")
    assert sorted(sleeps(file)) == [2, 3]
