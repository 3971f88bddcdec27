"""The server's own life: start, reload and stop, on a reactor that only pretends."""

import re
import signal
import socket
import stat
from types import ModuleType

import pytest
from twisted.application.service import Application
from twisted.internet.defer import fail
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, globalLogPublisher

from tests.support.certificates import Authority, dns, write_pair
from tests.support.deferred import result
from xmppd import ns, tap
from xmppd.admin import assembly
from xmppd.admin.hold import hold
from xmppd.config import load
from xmppd.config.changes import NEEDS_RESTART
from xmppd.core.iq import On
from xmppd.errors import ConfigError
from xmppd.jid import JID
from xmppd.modules import time
from xmppd.server import DRAIN, Server, in_force
from xmppd.stream.sasl import FetchPassword

BASE = """
[server]
domains = {domains}
data = "data"
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = ["tcp:0:interface=127.0.0.1"]
[store]
url = "sqlite::memory:"
"""


class Pool:
    """A thread pool of no threads."""

    def callInThreadWithCallback(self, on_result, function, *args):
        on_result(True, function(*args))

    def start(self):
        """Nothing has to be started."""

    def stop(self):
        """Nothing has to be stopped."""


class Reactor(MemoryReactorClock):
    """Runs what is to run in threads at once, and is told when it runs."""

    stops = 0

    def callFromThread(self, function, *args):
        function(*args)

    def stop(self):
        self.stops += 1

    def listenUNIX(self, path, factory, mode=0o666):
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path)
        return super().listenUNIX(path, factory)


class Playhouse:
    """A server in a directory, its reactor, and why it could not start."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "xmppd.toml"
        self.reactor = Reactor()
        self.failures = []
        self.server = None

    def write(self, text="", domains='["capulet.lit"]', base=BASE):
        self.file.write_text(base.format(domains=domains) + text)

    def start(self, **twistd):
        self.server = Server(self.file, self.reactor, twistd, self.failures.append)
        self.server.startService()
        self.reactor.run()
        self.reactor.stops = 0  # in memory, a reactor stops when its hooks have run
        return self.server


@pytest.fixture(autouse=True)
def workers_without_threads(monkeypatch):
    monkeypatch.setattr("xmppd.auth.workers.ThreadPool", lambda *arguments: Pool())


@pytest.fixture
def playhouse(tmp_path):
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    made = Playhouse(tmp_path)
    made.write()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


# ---------------------------------------------------------------------- start


def test_listens_on_every_endpoint_and_the_control_socket(playhouse):
    server = playhouse.start()
    assert playhouse.failures == []
    assert len(playhouse.reactor.tcpServers) == 2
    assert playhouse.reactor.unixServers[0][0] == str(playhouse.directory / "data/control.sock")
    keys = [one["key"] for one in server._facts()["listening"]]
    assert keys == ["listen.c2s", "listen.c2s_tls", "listen.control"]


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


def twice(context):
    """A module that answers what the ping module answers: one that a former release left."""
    context.iq(On.HOST, "get", f"{ns.PING} ping", lambda request: None)


def broken(context):
    context.advertise("urn:example:q")
    raise KeyError("poison")


@pytest.fixture(
    params=[
        (twice, "iq host get urn:xmpp:ping ping has a responder already, the module ping"),
        (broken, "KeyError: 'poison'"),
    ],
    ids=["twice", "broken"],
)
def intruder(request, monkeypatch):
    """A module `tybalt` that can't be loaded, once `enter` is called, and what is said of it."""
    register, told = request.param
    tybalt = ModuleType("xmppd.modules.tybalt")
    tybalt.register = register
    real = assembly.available

    def enter():
        monkeypatch.setattr(assembly, "available", lambda source: [*real(source), tybalt])

    return enter, told


def test_module_that_cannot_be_loaded_is_named_before_the_reactor_runs(playhouse, intruder):
    enter, told = intruder
    enter()
    with pytest.raises(ConfigError) as caught:
        Server(playhouse.file, playhouse.reactor, {}, playhouse.failures.append)
    assert f"modules: tybalt can't be loaded: {told}" in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- reload


def test_reload_takes_effect_everywhere(playhouse):
    server = playhouse.start()
    playhouse.write(
        "[limits]\ndepth = 70\nidle_seconds = 600\n"
        '[modules]\noff = ["time"]\n[auth]\nlegacy = true',
        domains='["capulet.lit", "mantua.lit"]',
    )
    assert server.reload() == [
        "server.domains: takes effect now",
        "auth.legacy: takes effect now",
        "limits.depth: takes effect now",
        "limits.idle_seconds: takes effect now",
        "modules.off: takes effect now",
    ]
    assert server.assembly is not None
    host = server.assembly.host
    assert host.config.limits.depth == server.admission.limits.depth == 70
    assert host.domains == ("capulet.lit", "mantua.lit")
    assert set(host.router.routes) == {"capulet.lit", "mantua.lit"}
    assert "time" not in server.assembly.modules.contexts
    assert server._sweeping is not None
    assert server._sweeping.interval == 10
    assert (playhouse.directory / "data/legacy.key").exists()
    assert result(host.administrator.create(JID("romeo@capulet.lit"), "a rose"))
    question = FetchPassword("romeo")
    assert result(host.authenticator.answer(question, "capulet.lit", "127.0.0.1")) == "a rose"


def test_idle_watch_stops_when_it_is_switched_off_and_starts_again(playhouse):
    server = playhouse.start()
    playhouse.write("[limits]\nidle_seconds = 0")
    server.reload()
    assert server._sweeping is None
    playhouse.write()
    server.reload()
    assert server._sweeping is not None
    assert server._sweeping.running


@pytest.mark.parametrize(
    "text",
    [
        "[limits]\ndepth = 70\nbreadth = 3",
        "[limits]\ndepth = 70\n[modules]\noff = ['apothecary', 'time']",
        "[limits]\ndepth = 70\n[tls]\nciphers = 'DAGGER'\n[modules]\noff = ['time']",
        "[limits\n",
    ],
)
def test_reload_with_a_fault_changes_nothing(playhouse, text):
    server = playhouse.start()
    before, contexts = server.config, server.certificates.context_for("capulet.lit")
    playhouse.write(text)
    with pytest.raises(ConfigError):
        server.reload()
    assert server.config is before
    assert server.assembly.host.config is before
    assert server.certificates.context_for("capulet.lit") is contexts
    assert "time" in server.assembly.modules.contexts


def everything(server):
    """What a reload may change."""
    host = server.assembly.host
    return (
        server.config,
        host.config,
        host.authenticator,
        dict(host.router.iq._table),
        host.advertised.features(On.HOST),
        list(server.assembly.modules.contexts.values()),
        server.certificates.context_for("capulet.lit"),
        server.admission.limits,
    )


def test_reload_with_a_module_that_cannot_be_loaded_changes_nothing(playhouse, intruder):
    enter, told = intruder
    playhouse.write('[modules]\noff = ["time"]')
    server = playhouse.start()
    before = everything(server)
    enter()
    playhouse.write("[limits]\ndepth = 70")
    with pytest.raises(ConfigError, match=re.escape(f"tybalt can't be loaded: {told}")):
        server.reload()
    assert everything(server) == before


def test_reload_with_a_module_that_fails_where_the_trial_did_not_changes_nothing(
    playhouse, monkeypatch
):
    playhouse.write('[modules]\noff = ["time"]')
    server = playhouse.start()
    before = everything(server)
    register = time.register

    def fail_later(context):
        if context.host is server.assembly.host:
            raise RuntimeError("too late")
        register(context)

    monkeypatch.setattr(time, "register", fail_later)
    playhouse.write("[limits]\ndepth = 70\n")
    with pytest.raises(ConfigError, match="time can't be loaded: RuntimeError: too late"):
        server.reload()
    assert everything(server) == before


def test_reload_with_a_damaged_seal_changes_nothing(playhouse):
    server = playhouse.start()
    (playhouse.directory / "data/legacy.key").write_text("no key")
    playhouse.write("[auth]\ndigest_md5 = true\n[limits]\ndepth = 70")
    with pytest.raises(ConfigError, match=r"legacy\.key"):
        server.reload()
    assert server.config.limits.depth != 70


def test_reload_reads_certificates_again(playhouse):
    certificates = playhouse.directory / "certs"
    certificates.mkdir()
    playhouse.write('[tls]\ncertificates = "certs"')
    server = playhouse.start()
    assert [problem.domain for problem in server.certificates.problems] == ["capulet.lit"]
    pair = Authority().issue(dns("capulet.lit"))
    write_pair(pair, certificates / "capulet.lit.crt", certificates / "capulet.lit.key")
    assert server.reload() == []
    assert server.certificates.problems == ()
    (certificates / "capulet.lit.key").unlink()
    (told,) = server.reload()
    assert "capulet.lit.key: No such file" in told


def test_what_needs_a_restart_stays_and_is_named_at_every_reload(playhouse):
    server = playhouse.start()
    playhouse.write("wait_seconds = 3\n")
    for _ in range(2):
        assert server.reload() == ["store.wait_seconds: needs a restart"]
        assert server.config.store.wait_seconds == 10


def test_in_force_takes_every_key_but_those_that_need_a_restart(tmp_path):
    path = tmp_path / "xmppd.toml"
    path.write_text("")
    old = load(path)
    path.write_text(
        '[server]\ndomains = ["capulet.lit"]\ndata = "elsewhere"\n'
        '[log]\nformat = "json"\nlevel = "debug"\n[listen]\ncontrol = "here.sock"'
    )
    new = load(path)
    both = in_force(old, new)
    for table in old.__struct_fields__:
        for key in getattr(old, table).__struct_fields__:
            source = old if f"{table}.{key}" in NEEDS_RESTART else new
            assert getattr(getattr(both, table), key) == getattr(getattr(source, table), key)


def test_sighup_reloads_and_survives_a_fault(playhouse):
    server = playhouse.start()
    playhouse.write("[limits]\ndepth = 70")
    signal.raise_signal(signal.SIGHUP)
    assert server.config.limits.depth == 70
    playhouse.write("[limits]\ndepth = 80\nbreadth = 3")
    signal.raise_signal(signal.SIGHUP)
    assert server.config.limits.depth == 70
    assert playhouse.reactor.stops == 0


def test_sighup_logs_whatever_keeps_it_from_reloading(playhouse, monkeypatch):
    server, seen = playhouse.start(), []

    def give_up(path):
        raise MemoryError("no room")

    monkeypatch.setattr("xmppd.config.load", give_up)
    globalLogPublisher.addObserver(seen.append)
    try:
        signal.raise_signal(signal.SIGHUP)
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert any(event.get("log_failure") for event in seen)
    assert server.running


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


# ---------------------------------------------------------------------- twistd


def options(*arguments, **twistd):
    made = tap.Options()
    made.parent = twistd
    made.parseOptions(list(arguments))
    return made


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
