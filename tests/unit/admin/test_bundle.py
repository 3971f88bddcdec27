"""The server's own components: what each is started with, and what a reload makes of them."""

import os
import signal
import stat
import sys
import tomllib

import pytest

from tests.support.children import Children
from tests.support.deferred import result
from tests.support.logs import logged
from tests.support.playhouse import BASE, Reactor
from xmppd import bundled
from xmppd.admin.bundle_settings import settings
from xmppd.bundled import Bundled, Place
from xmppd.config import Component, load
from xmppd.errors import ConfigError


class Crowded(Children, Reactor):
    """A reactor that starts processes."""


ON = BASE.replace("start = false", "start = true")
ECHO = Bundled("echo", "echo", {"multicast": 20})
MASKED = Place(ECHO, "echo.masks.lit")


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setattr(bundled, "BUNDLED", (ECHO,))


@pytest.fixture
def house(playhouse):
    playhouse.reactor = Crowded()
    playhouse.write(base=ON)
    return playhouse


def no_space(path, content):
    raise OSError(28, "No space left on device")


def child(house):
    """The one that was started last."""
    return house.reactor.processes[-1]


def file(house):
    return house.directory / "data" / "echo.toml"


def written(house):
    return tomllib.loads(file(house).read_text())


def test_it_is_started_when_everything_listens(house):
    with logged() as messages:
        server = house.start()
    assert house.failures == []
    [process] = house.reactor.processes
    assert process.command[:2] == [sys.executable, "-P"]
    assert process.command[-5:] == ["-n", "--pidfile=", "xmppd-echo", "-c", str(file(house))]
    ready = next(text for text in messages if text.startswith("ready: "))
    order = [ready, "echo is started (process 100)", "bundled components: echo is echo.capulet.lit"]
    assert [text for text in messages if text in order] == order
    component = server.assembly.host.components.get("echo.capulet.lit")
    secret = process.environment["XMPPD_COMPONENT_SECRET"]
    assert component.settings == Component(secret=secret, multicast=20)
    assert process.environment["XMPPD_TIED"] == "1"
    assert process.environment["PATH"] == os.environ["PATH"]


def test_it_has_a_file_for_its_owner_alone_without_the_secret(house):
    house.start()
    assert stat.S_IMODE(file(house).stat().st_mode) == 0o600
    data = house.directory / "data"
    assert written(house) == {
        "component": {"domain": "echo.capulet.lit", "data": str(data)},
        "core": {
            "endpoint": f"unix:{data}/components.sock",
            "server": ["capulet.lit"],
            "guests": [],
        },
        "store": {
            "url": "sqlite::memory:",
            "queue": 10_000,
            "wait_seconds": 10,
            "connections": 2,
        },
        "log": {"format": "json", "level": "info"},
    }


def test_to_one_that_keeps_something_of_users_a_guest_is_none(house):
    """He might make nodes otherwise, as anybody as often as he likes."""
    house.write(domains='["masks.lit", "capulet.lit"]', base=ON)
    kept = Place(ECHO._replace(guests=False), "echo.capulet.lit", domains=("capulet.lit",))
    config = load(house.file)
    servers = [tomllib.loads(settings(each, config))["core"]["server"] for each in (kept, MASKED)]
    assert servers == [["capulet.lit"], ["masks.lit", "capulet.lit"]]


def test_one_that_takes_guests_for_users_is_told_which_they_are(house):
    """Rooms are for guests, too, but not for good."""
    base = f'{ON}[auth]\nanonymous = ["masks.lit"]\n'
    house.write(domains='["masks.lit", "capulet.lit"]', base=base)
    core = tomllib.loads(settings(MASKED, load(house.file)))["core"]
    assert (core["server"], core["guests"]) == (["masks.lit", "capulet.lit"], ["masks.lit"])


@pytest.mark.parametrize(
    ("url", "its"),
    [
        ("sqlite:xmppd.db", "sqlite:{data}/echo.db"),
        ('sqlite:/srv/it\'s \\"it\\".db', "sqlite:/srv/echo.db"),
        ("postgresql://romeo:{{ro}}@verona/x", "postgresql://romeo:{ro}@verona/x"),
    ],
)
def test_its_store_is_beside_the_servers_or_in_the_same_database(house, url, its):
    house.write(base=ON.replace("sqlite::memory:", url))
    told = tomllib.loads(settings(Place(ECHO, "echo.capulet.lit"), load(house.file)))
    assert told["store"]["url"] == its.replace("{data}", str(house.directory / "data"))


def test_socket_is_open_only_while_one_is_wanted(house):
    house.write()
    server = house.start()
    sockets = [path for path, *_ in house.reactor.unixServers]
    assert [path.rpartition("/")[2] for path in sockets] == ["control.sock"]
    house.write(base=ON)
    result(server.reload())
    result(server.reload())
    sockets = [path for path, *_ in house.reactor.unixServers]
    assert [path.rpartition("/")[2] for path in sockets] == ["control.sock", "components.sock"]
    assert server._facts()["listening"][-1]["key"] == "bundled"


def test_reload_starts_and_stops_it(house):
    server = house.start()
    first = child(house)
    house.write()
    assert result(server.reload()) == ["bundled.start: takes effect now"]
    assert first.signals == ["TERM"]
    assert server.assembly.host.components.get("echo.capulet.lit") is None
    assert server._facts()["bundled"] == []
    house.write(base=ON)
    result(server.reload())
    first.end()
    assert len(house.reactor.processes) == 2
    assert server.assembly.host.components.get("echo.capulet.lit") is not None


LOUD = "[bundled.settings.echo]\nloud = true\n"


def test_reload_that_concerns_it_starts_it_anew(house):
    server = house.start()
    first = child(house)
    words = "words = ['who?', 'me']\nloud = true\nhalls.'the great one' = [1, 2]"
    house.write(f"[bundled.settings.echo]\n{words}\n", base=ON)
    reloaded = server.reload()
    assert first.signals == [], "it is asked first whether it would start"
    child(house).end()
    assert result(reloaded) == ["bundled.settings: takes effect now"]
    assert first.signals == ["TERM"]
    halls = {"the great one": [1, 2]}
    assert written(house)["echo"] == {"words": ["who?", "me"], "loud": True, "halls": halls}
    first.end()
    assert child(house) is not first
    assert server._facts()["bundled"][0]["failures"] == 0


def test_it_is_asked_by_its_program_about_the_settings_that_it_would_have(house):
    server = house.start()
    before = file(house).read_text()
    house.write(LOUD, base=ON)
    reloaded = server.reload()
    asked, path = child(house), house.directory / "data" / "echo.asked.toml"
    assert asked.command[-4:] == ["xmppd-echo", "--check", "-c", str(path)]
    assert tomllib.loads(path.read_text())["echo"] == {"loud": True}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert asked.told_nothing and "XMPPD_TIED" not in asked.environment
    assert asked.environment["XMPPD_COMPONENT_SECRET"] not in server._bundle._secrets.values()
    asked.end()
    assert not path.exists() and result(reloaded)
    assert file(house).read_text() != before
    house.reactor.advance(40)
    assert asked.signals == []


def refuse(process, path):
    """What a component's program says to a key that it does not know."""
    process.protocol.errReceived(b"a warning\nxmppd-echo: ")
    process.protocol.errReceived(f"{path}:21: echo.loud: unknown key. Remove it\n".encode())
    process.end(1)


def test_reload_with_settings_that_it_would_not_take_changes_nothing_and_loses_nothing(house):
    server = house.start()
    before = server.config, file(house).read_text()
    house.write(f"[limits]\ndepth = 70\n{LOUD}", base=ON)
    reloaded = server.reload()
    refuse(child(house), house.directory / "data" / "echo.asked.toml")
    key = "bundled.settings.echo"
    with pytest.raises(ConfigError) as caught:
        result(reloaded)
    assert str(caught.value) == (
        f"{house.file}: {key}: echo.loud: unknown key. Remove it. "
        f"Correct it under [{key}]; then xmppctl reload"
    )
    assert (server.config, file(house).read_text()) == before
    assert server.assembly.host.config.limits.depth != 70
    first, _ = house.reactor.processes
    assert (first.signals, first.pid) == ([], 100)
    assert sorted(path.name for path in file(house).parent.glob("*.toml")) == ["echo.toml"]


def test_sighup_with_settings_that_it_would_not_take_is_told_in_the_log(house):
    server = house.start()
    house.write(LOUD, base=ON)
    with logged("error") as errors:
        signal.raise_signal(signal.SIGHUP)
        refuse(child(house), house.directory / "data" / "echo.asked.toml")
    assert errors[0].startswith(f"nothing was reloaded: {house.file}: bundled.settings.echo: ")
    assert server.config.bundled.settings == {}


def test_program_that_does_not_answer_is_killed_and_nothing_is_reloaded(house):
    server = house.start()
    house.write(LOUD, base=ON)
    reloaded = server.reload()
    house.reactor.advance(29)
    assert child(house).signals == []
    house.reactor.advance(1)
    assert child(house).signals == ["KILL"]
    child(house).end(signal=9)
    with pytest.raises(ConfigError, match="its program has not read them within 30 s"):
        result(reloaded)
    assert house.reactor.processes[0].signals == []


@pytest.mark.parametrize("how", ["crash", "no program", "no disk"])
def test_program_that_can_not_be_asked_is_a_fault(house, monkeypatch, how):
    server = house.start()
    house.write(LOUD, base=ON)
    if how == "no disk":
        monkeypatch.setattr("xmppd.admin.bundle_check.write_private", no_space)
    house.reactor.spawns_fail = how == "no program"
    reloaded = server.reload()
    if how == "crash":
        child(house).end(signal=11)
    words = {
        "crash": "ended with status -11",
        "no program": "could not be started: Resource temporarily unavailable",
        "no disk": "can't be written .No space left on device.",
    }
    with pytest.raises(ConfigError, match=words[how]):
        result(reloaded)
    assert server.config.bundled.settings == {}


def test_reloads_wait_for_each_other(house):
    server = house.start()
    house.write(LOUD, base=ON)
    first = server.reload()
    house.write(f"[limits]\ndepth = 70\n{LOUD}", base=ON)
    second = server.reload()
    assert len(house.reactor.processes) == 2
    child(house).end()
    assert result(first) == ["bundled.settings: takes effect now"]
    assert result(second) == ["limits.depth: takes effect now"]


def test_one_that_fails_already_keeps_nothing_else_from_being_reloaded(house):
    """Nobody is asked twice about the same settings: the log tells of those by then."""
    house.write(LOUD, base=ON)
    server = house.start()
    child(house).end(1)
    house.write(f"[limits]\ndepth = 70\n{LOUD}", base=ON)
    assert result(server.reload()) == ["limits.depth: takes effect now"]


def test_server_that_stops_meanwhile_reloads_nothing(house):
    server = house.start()
    house.write(LOUD, base=ON)
    reloaded = server.reload()
    asked = child(house)
    house.reactor.processes.remove(asked)
    stopped = result_of_stop(house, server)
    asked.end()
    with pytest.raises(ConfigError, match="the server is stopping"):
        result(reloaded)
    assert stopped is None
    assert len(house.reactor.processes) == 1


def test_reload_that_does_not_concern_it_leaves_it_alone(house):
    server = house.start()
    house.write('[log]\nlevel = "debug"\n[limits]\ndepth = 70\n', base=ON)
    result(server.reload())
    assert child(house).signals == []
    assert len(house.reactor.processes) == 1


def test_reload_starts_one_that_is_waited_for(house):
    server = house.start()
    child(house).end(1)
    result(server.reload())
    assert len(house.reactor.processes) == 2


@pytest.mark.parametrize("text", ["off = ['apothecary']", "settings.apothecary.poison = true"])
def test_one_that_there_is_not_is_told_before_the_start_and_by_a_reload(house, text):
    faulty = ON.replace("start = true", text)
    server = house.start()
    house.write(base=faulty)
    with pytest.raises(ConfigError, match="no bundled component is called apothecary"):
        result(server.reload())
    assert child(house).signals == []
    result_of_stop(house, server)
    with pytest.raises(ConfigError, match="no bundled component is called apothecary"):
        house.start()


def test_file_that_cannot_be_written_is_told_and_tried_again_by_a_reload(house, monkeypatch):
    with monkeypatch.context() as full, logged("error") as errors:
        full.setattr("xmppd.admin.bundle.write_private", no_space)
        server = house.start()
    assert house.failures == []
    words = f"{file(house)} can't be written (No space left on device)"
    assert errors == [f"echo is not started: {words}"]
    [refusal] = server.assembly.host.refusals.about("echo.capulet.lit")
    assert (refusal.reason, refusal.detail) == ("component.failing", words)
    assert house.reactor.processes == []
    result(server.reload())
    assert len(house.reactor.processes) == 1


def test_one_that_ends_again_and_again_is_a_refusal_with_its_reason(house):
    server = house.start()
    for _ in range(3):
        child(house).protocol.errReceived(b"xmppd-echo: no voice\n")
        child(house).end(1)
        server._bundle._children["echo"].hurry()
    [refusal] = server.assembly.host.refusals.about("echo.capulet.lit")
    assert (refusal.reason, refusal.detail) == ("component.failing", "xmppd-echo: no voice")
    [fact] = server._facts()["bundled"]
    assert (fact["failures"], fact["last_words"]) == (3, "xmppd-echo: no voice")


# ---------------------------------------------------------------------- stop


def result_of_stop(house, server):
    stopped = server.stopService()
    for process in house.reactor.processes:
        if process.signals and process.pid is not None:
            process.end()
    return result(stopped)


def test_stop_waits_for_it_before_its_stream_is_ended(house):
    server = house.start()
    ended = []

    class Stream:
        def end(self, error):
            ended.append(error.condition)

    server.assembly.host.component_connections.add(Stream())
    stopped = server.stopService()
    assert child(house).signals == ["TERM"]
    assert ended == []
    child(house).end()
    assert ended == ["system-shutdown"]
    assert stopped.called
    assert house.reactor.getDelayedCalls() == []
