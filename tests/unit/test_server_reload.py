"""Reload: what it takes, what needs a restart, and that a fault changes nothing."""

import re
import signal
from types import ModuleType

import pytest
from twisted.logger import globalLogPublisher

from tests.support.certificates import Authority, dns, write_pair
from tests.support.deferred import result
from xmppd import ns
from xmppd.admin import assembly
from xmppd.config import load
from xmppd.config.changes import NEEDS_RESTART
from xmppd.core.iq import On
from xmppd.errors import ConfigError
from xmppd.jid import JID
from xmppd.modules import time
from xmppd.server import Server, in_force
from xmppd.stream.sasl import FetchPassword


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
    assert result(server.reload()) == [
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
    answer = host.authenticator.answer(question, "capulet.lit", "127.0.0.1")
    assert result(answer).value == "a rose"


def test_idle_watch_stops_when_it_is_switched_off_and_starts_again(playhouse):
    server = playhouse.start()
    playhouse.write("[limits]\nidle_seconds = 0")
    result(server.reload())
    assert server._sweeping is None
    playhouse.write()
    result(server.reload())
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
        result(server.reload())
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
        host.advertised.features(On.HOST, "capulet.lit"),
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
        result(server.reload())
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
        result(server.reload())
    assert everything(server) == before


def test_reload_with_a_damaged_seal_changes_nothing(playhouse):
    server = playhouse.start()
    (playhouse.directory / "data/legacy.key").write_text("no key")
    playhouse.write("[auth]\ndigest_md5 = true\n[limits]\ndepth = 70")
    with pytest.raises(ConfigError, match=r"legacy\.key"):
        result(server.reload())
    assert server.config.limits.depth != 70


def test_reload_reads_certificates_again(playhouse):
    certificates = playhouse.directory / "certs"
    certificates.mkdir()
    playhouse.write('[tls]\ncertificates = "certs"')
    server = playhouse.start()
    assert [problem.domain for problem in server.certificates.problems] == ["capulet.lit"]
    pair = Authority().issue(dns("capulet.lit"))
    write_pair(pair, certificates / "capulet.lit.crt", certificates / "capulet.lit.key")
    assert result(server.reload()) == []
    assert server.certificates.problems == ()
    (certificates / "capulet.lit.key").unlink()
    (told,) = result(server.reload())
    assert "capulet.lit.key: No such file" in told


def test_what_needs_a_restart_stays_and_is_named_at_every_reload(playhouse):
    server = playhouse.start()
    playhouse.write("wait_seconds = 3\n")
    for _ in range(2):
        assert result(server.reload()) == ["store.wait_seconds: needs a restart"]
        assert server.config.store.wait_seconds == 10


def test_in_force_takes_every_key_but_those_that_need_a_restart(tmp_path):
    path = tmp_path / "xmppd.toml"
    path.write_text("")
    old = load(path)
    path.write_text(
        '[server]\ndomains = ["capulet.lit"]\ndata = "elsewhere"\n'
        '[log]\nformat = "json"\nlevel = "debug"\n[listen]\ncontrol = "here.sock"\n'
        '[components."rooms.capulet.lit"]\nsecret = "a plague on both"'
    )
    new = load(path)
    both = in_force(old, new)
    for table in old.__struct_fields__:
        if table == "components":
            assert both.components == new.components != {}
            continue
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
