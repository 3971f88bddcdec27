"""A component as a process: its store, its set-up, and what becomes of faults in them."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel

from components.common.config import Settings, load
from components.common.process import Process, Setting
from components.common.stanza import Stanza
from tests.support.deferred import result
from tests.support.logs import logged
from xmppd.errors import StoreError
from xmppd.process.logs import Log
from xmppd.storage.interfaces import Transaction

ROOT = Path(__file__).parents[3]
TEXT = """\
[component]
domain = "echo.example.org"
secret = "what's in a name"
[store]
url = "sqlite::memory:"
"""


class Reactor(MemoryReactorClock):
    stopped = False

    def callFromThread(self, function: Any, *args: Any) -> None:
        function(*args)

    def stop(self) -> None:
        self.stopped = True


class Running:
    """A process that has started, and what it failed with."""

    def __init__(self, directory: Path, set_up: Any, schema: Path | None = None) -> None:
        path = directory / "echo.toml"
        path.write_text(TEXT)
        self.reactor = Reactor()
        self.failed: list[str] = []
        loaded = load(path, Settings, "echo", {})
        reactor: Any = self.reactor
        self.log = Log(io.StringIO(), loaded.settings.log)
        self.process = Process(
            loaded,
            set_up,
            reactor,
            self.failed.append,
            schema=schema,
            log_to=self.log,
            read=lambda: load(path, Settings, "echo", {}),
        )
        self.process.startService()
        for function, args, named in self.reactor.whenRunningHooks:
            function(*args, **named)


def test_what_it_is_set_up_with(tmp_path: Path) -> None:
    settings: list[Setting[Settings]] = []
    running = Running(tmp_path, settings.append)
    [setting] = settings
    assert setting.component.domain == "echo.example.org"
    assert setting.store is None
    assert len(running.reactor.tcpClients) == 1
    result(running.process.stopService())


def test_it_has_a_store_of_its_own_schema(tmp_path: Path) -> None:
    schema = tmp_path / "echoes"
    schema.mkdir()
    (schema / "0001_echoes.sql").write_text("CREATE TABLE echoes (text $text NOT NULL);")
    rows: list[Any] = []

    async def work(tx: Transaction) -> Any:
        await tx.execute("INSERT INTO echoes VALUES (?)", ("hello",))
        return (await tx.execute("SELECT text FROM echoes")).rows

    async def set_up(setting: Setting[Settings]) -> None:
        assert setting.store is not None
        rows.extend(await setting.store.write(work))

    running = Running(tmp_path, set_up, schema)
    assert rows == [("hello",)]
    result(running.process.stopService())


def test_its_store_is_closed_whatever_happened_before(tmp_path: Path) -> None:
    """Its threads would keep the process for ever."""
    schema = tmp_path / "echoes"
    schema.mkdir()
    stores: list[Any] = []
    running = Running(tmp_path, lambda setting: stores.append(setting.store), schema)

    def faulty() -> None:
        raise RuntimeError("a bug")

    component: Any = running.process.component
    component.stop = faulty
    with logged("critical") as found:
        result(running.process.stopService())
    assert found == ["the component did not take leave in order"]

    async def work(tx: Transaction) -> None: ...

    with pytest.raises(StoreError):
        result(stores[0].read(work))


@pytest.mark.parametrize("late", [True, False])
def test_a_fault_of_the_set_up_ends_it(tmp_path: Path, late: bool) -> None:
    async def later(setting: Setting[Settings]) -> None:
        raise ValueError("out of breath")

    def now(setting: Setting[Settings]) -> None:
        raise ValueError("out of breath")

    running = Running(tmp_path, later if late else now)
    assert running.failed == ["could not start: out of breath. See the log"]
    assert len(running.reactor.tcpClients) == 0
    result(running.process.stopService())


def test_it_is_asked_to_stop_once(tmp_path: Path) -> None:
    running = Running(tmp_path, lambda setting: None)
    running.process._asked_to_stop()
    assert running.reactor.stopped
    running.reactor.stopped = False
    running.process._asked_to_stop()
    assert not running.reactor.stopped
    result(running.process.stopService())


class HungUp(Running):
    """A process that is sent SIGHUP."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, lambda setting: None)
        self.file = directory / "echo.toml"

    def told(self, text: str, level: str = "info") -> str:
        """What it says of another file."""
        self.file.write_text(text)
        with logged(level) as lines:
            signal.raise_signal(signal.SIGHUP)
        [line] = lines
        return line.replace(str(self.file), "FILE")

    def writes(self, level: LogLevel) -> bool:
        """Whether events of a level are written."""
        out = self.log._out = io.StringIO()
        self.log({"log_level": level, "log_time": 0.0, "log_namespace": "x", "log_format": "x"})
        return bool(out.getvalue())


def test_sighup_takes_what_can_change_while_it_runs(tmp_path: Path) -> None:
    running = HungUp(tmp_path)
    assert running.told(TEXT) == "reloaded: nothing has changed"
    assert not running.writes(LogLevel.debug)
    debug = f'{TEXT}[log]\nlevel = "debug"\n'
    assert running.told(debug) == "reloaded: log.level: takes effect now"
    assert running.writes(LogLevel.debug)
    assert running.told(TEXT) == "reloaded: log.level: takes effect now"
    assert not running.writes(LogLevel.debug)
    result(running.process.stopService())


def test_sighup_takes_a_secret_for_the_next_connection(tmp_path: Path) -> None:
    running = HungUp(tmp_path)
    link = running.process.component.link
    other = TEXT.replace("what's in a name", "a rose")
    assert running.told(other) == "reloaded: component.secret: takes effect now"
    assert link.identity.secret == "a rose"
    in_file = other.replace('secret = "a rose"', 'secret_file = "rose"')
    for name in ("a rose", "any other name"):
        (tmp_path / "rose").write_text(name)
        assert "component.secret_file: takes effect now" in running.told(in_file)
        assert link.identity.secret == name
    result(running.process.stopService())


def test_sighup_names_what_needs_a_restart_each_time(tmp_path: Path) -> None:
    running = HungUp(tmp_path)
    text = TEXT.replace("echo.example", "other.example")
    for _ in range(2):
        assert running.told(text) == "reloaded: component.domain: needs a restart"
    assert running.process.component.link.identity.domain == "echo.example.org"
    result(running.process.stopService())


def test_sighup_changes_nothing_where_the_file_has_a_fault(tmp_path: Path) -> None:
    running = HungUp(tmp_path)
    told = running.told(f'{TEXT}[log]\nlevel = "debug"\nlevle = 1', "error")
    assert told.startswith("nothing was reloaded: FILE:8: log.levle: unknown key. Did you")
    assert not running.writes(LogLevel.debug)
    assert not running.reactor.stopped
    result(running.process.stopService())


def test_the_sample_is_the_default_in_all_that_it_shows(tmp_path: Path) -> None:
    """`etc/component.toml`, as it stands and with every line that it shows."""
    text = (ROOT / "etc" / "component.toml").read_text()
    stated = tmp_path / "stated.toml"
    stated.write_text(text)
    shown = tmp_path / "shown.toml"
    lines = [
        line.removeprefix("#") if line.startswith("#") and line[1:2] != " " else line
        for line in text.splitlines()
    ]
    shown.write_text("\n".join(line for line in lines if not line.startswith("secret_file")))
    first, second = (load(path, Settings, "echo", {}) for path in (stated, shown))
    assert first.settings.log == second.settings.log
    assert first[1:-2] == second[1:-2]
    for table in Settings.__struct_fields__:
        for key in getattr(first.settings, table).__struct_fields__:
            assert f"{key} = " in text, (table, key)


def test_a_stanza_says_nothing_of_its_content() -> None:
    stanza = Stanza("message", {"from": "a@b", "to": "c"}, [], b"<body>secret</body>")
    assert repr(stanza) == "<Stanza message - a@b -> c>"
