"""The server's own life: start and stop, on a reactor that only pretends."""

import signal
import stat

import pytest
from twisted.application.service import Application
from twisted.internet.defer import Deferred, fail
from twisted.logger import ILogObserver
from twisted.python import usage

from tests.support.deferred import result
from tests.support.logs import logged
from tests.support.playhouse import BASE
from xmppd import tap
from xmppd.admin import assembly
from xmppd.admin.hold import hold
from xmppd.errors import ConfigError
from xmppd.jid import JID
from xmppd.server import DRAIN, Server

# ---------------------------------------------------------------------- start


def test_listens_on_every_endpoint_and_the_control_socket(playhouse):
    server = playhouse.start()
    assert playhouse.failures == []
    assert len(playhouse.reactor.tcpServers) == 2
    assert playhouse.reactor.unixServers[0][0] == str(playhouse.directory / "data/control.sock")
    keys = [one["key"] for one in server._facts()["listening"]]
    assert keys == ["listen.c2s", "listen.c2s_tls", "listen.control"]


def test_listens_for_other_servers_where_there_are_any(playhouse):
    playhouse.write(base=BASE.replace("enabled = false", "enabled = true"))
    server = playhouse.start()
    keys = [one["key"] for one in server._facts()["listening"]]
    assert keys[2:4] == ["listen.s2s", "listen.s2s_tls"]
    assert [port for port, *_ in playhouse.reactor.tcpServers[2:]] == [5269, 5270]
    assert server.assembly.host.remotes.enabled


def test_data_directory_is_for_its_owner_alone(playhouse):
    playhouse.start()
    assert stat.S_IMODE((playhouse.directory / "data").stat().st_mode) == 0o700


def test_nothing_starts_before_the_reactor_runs(playhouse):
    server = Server(playhouse.file, playhouse.reactor, {}, playhouse.failures.append)
    server.startService()
    assert server.assembly is None
    assert playhouse.reactor.tcpServers == []


def test_limits_of_the_store_are_those_of_the_configuration(playhouse, monkeypatch):
    seen, real = [], assembly.open_stores

    def open_stores(url, reactor, base, *, limits=None, source):
        if limits is None:  # that of a trial
            return real(url, reactor, base, source=source)
        seen.append((limits.queue, limits.wait))
        return fail(ConfigError(source, "", "enough", "Seen"))

    monkeypatch.setattr("xmppd.admin.assembly.open_stores", open_stores)
    playhouse.write("queue = 17\nwait_seconds = 3\n")
    playhouse.start()
    assert seen == [(17, 3)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[modules]\noff = ['apothecary']", "modules.off"),
        ("[tls]\nciphers = 'DAGGER'", "tls.ciphers"),
        ("[limits]\ndepth = 'deep'", "limits.depth"),
    ],
)
def test_fault_that_can_be_known_is_told_before_the_reactor_runs(playhouse, text, key):
    playhouse.write(text)
    with pytest.raises(ConfigError) as caught:
        Server(playhouse.file, playhouse.reactor, {}, playhouse.failures.append)
    assert caught.value.key == key


def test_fault_while_starting_ends_the_process_with_its_line(playhouse, monkeypatch):
    def refuse(*args, **kwargs):
        raise ConfigError("xmppd.toml", "listen.control", "no", "Do")

    monkeypatch.setattr("xmppd.admin.control.listen", refuse)
    playhouse.start()
    assert playhouse.failures == ["xmppd.toml: listen.control: no. Do"]


def test_socket_that_systemd_did_not_pass_is_one_line_with_its_key(playhouse):
    base = BASE.replace('c2s = ["tcp:0:interface=127.0.0.1"]', 'c2s = ["systemd:INET:index=0"]')
    playhouse.write(base=base)
    playhouse.start()
    (line,) = playhouse.failures
    assert line.endswith(
        "listen.c2s: systemd passed no socket 0. Run the server from a .socket unit"
    )


def test_server_that_no_client_can_reach_says_so_once(playhouse):
    playhouse.write(base=BASE.replace('["tcp:0:interface=127.0.0.1"]', "[]"))
    with logged("warn") as messages:
        playhouse.start()
    assert messages == [
        "listen: c2s and c2s_tls are both empty: no client can connect. Add a listener"
    ]


def test_first_start_tells_how_to_add_an_account_with_a_command_that_works(
    playhouse, tmp_path, monkeypatch
):
    for name in ("python", "xmppctl"):
        (tmp_path / name).touch()
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with logged() as messages:
        server = playhouse.start()
    hint = f"{tmp_path / 'xmppctl'} -c {playhouse.file} adduser YOU@capulet.lit"
    assert f"no accounts yet: add one with {hint}" in messages
    assert not any("register one" in text for text in messages)
    result(server.assembly.host.administrator.create(JID("romeo@capulet.lit"), "a rose"))
    with logged() as messages:
        result(Deferred.fromCoroutine(server._introduce(server.assembly)))
    assert messages == []


def test_first_start_names_who_may_register(playhouse):
    playhouse.write('[registration]\npolicy = "on"\n')
    with logged() as messages:
        playhouse.start()
    assert "or let a client register one (XEP-0077)" in messages


def test_log_of_the_application_is_ours_unless_twistd_has_one(playhouse):
    for twistd, ours in (
        ({"nodaemon": 1}, True),
        ({"nodaemon": 1, "syslog": 1}, False),
        ({}, False),
    ):
        application = Application("xmppd")
        server = Server(playhouse.file, playhouse.reactor, twistd, playhouse.failures.append)
        server.setServiceParent(application)
        assert (application.getComponent(ILogObserver, None) is not None) is ours, twistd


# ---------------------------------------------------------------------- stop


def test_sigterm_stops_the_reactor_once(playhouse):
    playhouse.start()
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert playhouse.reactor.stops == 1


def test_stop_gives_the_signals_back_and_closes_the_store(playhouse):
    before = signal.getsignal(signal.SIGHUP)
    server = playhouse.start()
    assert signal.getsignal(signal.SIGHUP) is not before
    result(server.stopService())
    assert signal.getsignal(signal.SIGHUP) is before
    with pytest.raises(Exception, match="the store is closed"):
        result(server.assembly.host.stores.accounts.count("capulet.lit"))
    assert playhouse.reactor.getDelayedCalls() == []


def test_data_directory_is_held_from_start_to_stop(playhouse):
    server = playhouse.start()
    data = playhouse.directory / "data"
    with pytest.raises(ConfigError, match="uses"):
        hold(data, "x.toml")
    result(server.stopService())
    hold(data, "x.toml").release()


def test_stop_before_the_start_has_ended_waits_for_it(playhouse):
    server = Server(playhouse.file, playhouse.reactor, {}, playhouse.failures.append)
    server.startService()
    result(server.stopService())


class Silent:
    """A connection that never finishes."""

    heard = True

    def keep_alive(self):
        pass


def test_stop_waits_for_connections_but_not_for_ever(playhouse):
    server = playhouse.start()
    leaving, staying = Silent(), Silent()
    server.idle.add(leaving)
    server.idle.add(staying)
    ended = []
    server.stopService().addCallback(ended.append)
    server.idle.discard(leaving)
    playhouse.reactor.pump([0.1] * round(DRAIN / 0.1 - 1))
    assert not ended
    playhouse.reactor.pump([0.1] * 3)
    assert ended == [None]


def test_stop_ends_as_soon_as_the_last_connection_is_gone(playhouse):
    server = playhouse.start()
    leaving = Silent()
    server.idle.add(leaving)
    ended = []
    server.stopService().addCallback(ended.append)
    server.idle.discard(leaving)
    playhouse.reactor.advance(0.1)
    assert ended == [None]


class Ended:
    """A connection, and what its stream was ended with."""

    error = None

    def end(self, error):
        self.error = error


def faulty(*args):
    raise RuntimeError("a bug")


@pytest.mark.parametrize("where", ["connections", "component_connections"])
def test_one_that_can_not_be_ended_keeps_no_other_from_it(playhouse, where):
    server = playhouse.start()
    connections = [Ended(), Ended(), Ended()]
    connections[1].end = faulty
    setattr(server.assembly.host, where, connections)
    with logged("critical") as found:
        result(server.stopService())
    assert found == ["a stream was not ended in order"]
    assert [each.error and each.error.condition for each in connections] == [
        "system-shutdown",
        None,
        "system-shutdown",
    ]


def test_the_store_is_closed_whatever_happened_before(playhouse):
    """Its threads would keep the process for ever."""
    server = playhouse.start()
    server._bundle.stop = faulty
    with logged("critical") as found:
        result(server.stopService())
    assert found == ["the server did not take leave in order"]
    with pytest.raises(Exception, match="the store is closed"):
        result(server.assembly.host.stores.accounts.count("capulet.lit"))


# ---------------------------------------------------------------------- twistd


def options(*arguments, **twistd):
    made = tap.Options()
    made.parent = twistd
    made.parseOptions(list(arguments))
    return made


def test_usage_names_twistd_once():
    made = options(nodaemon=1)
    made.parent = usage.Options()
    made.parent.synopsis, made.parent.subCommand = "Usage: twistd [options]", "xmppd"
    assert made.getSynopsis() == "Usage: twistd [options] xmppd [-c FILE]"


def test_fault_in_the_configuration_is_one_line_and_status_1(playhouse):
    playhouse.write("[limits]\nbreadth = 3")
    with pytest.raises(SystemExit) as caught:
        tap.makeService(options("-c", str(playhouse.file)))
    line = str(caught.value.code)
    assert line.startswith(f"xmppd: {playhouse.file}:")
    assert "limits.breadth: unknown key" in line
    assert "\n" not in line


@pytest.mark.parametrize("option", ["uid", "gid", "chroot"])
def test_options_of_twistd_that_come_too_late_are_refused(playhouse, option):
    with pytest.raises(SystemExit, match=f"--{option}"):
        tap.makeService(options("-c", str(playhouse.file), **{option: 0}))


def test_file_limit_is_raised_as_far_as_it_goes(monkeypatch):
    asked = []
    monkeypatch.setattr("resource.getrlimit", lambda what: (1024, 4096))
    monkeypatch.setattr("resource.setrlimit", lambda what, limits: asked.append(limits))
    tap._raise_file_limit()
    assert asked == [(4096, 4096)]


def test_disk_that_is_not_mounted_is_no_new_server(playhouse):
    missing = playhouse.directory / "disk"
    playhouse.write(base=BASE.replace('data = "data"', f'data = "{missing}/xmppd"'))
    with pytest.raises(ConfigError, match=f"server.data: there is no directory {missing}"):
        playhouse.start()
    assert not missing.exists()


def test_data_of_another_user_are_left_alone(playhouse, monkeypatch):
    data = playhouse.directory / "data"
    data.mkdir()
    monkeypatch.setattr("os.geteuid", lambda: data.stat().st_uid + 1)
    with pytest.raises(ConfigError, match=r"server\.data: .* belongs to another user"):
        playhouse.start()
    assert list(data.iterdir()) == []
    playhouse.start(uid=1)  # as whom the process does not run yet, nor ever does
    (line,) = playhouse.failures
    assert "belongs to another user" in line
    assert not (data / "xmppd.lock").exists()
