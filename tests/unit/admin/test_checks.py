"""Each check finds its fault, tells the remedy, and changes nothing."""

import os
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import NOW, Authority, dns, purposes, srv_name, write_pair
from xmppd.admin.bundle_check import faults
from xmppd.admin.checks import Setting, check_all, check_start
from xmppd.admin.hold import hold
from xmppd.admin.ports import check_port
from xmppd.bundled import Bundled
from xmppd.config import load
from xmppd.errors import ConfigError
from xmppd.reasons import REASONS

CA = Authority()

FREE = '[listen]\nc2s = ["tcp:0:interface=127.0.0.1"]\nc2s_tls = ["tcp:0:interface=127.0.0.1"]\n'


@pytest.fixture
def configure(tmp_path):
    def make(text="", listen=FREE):
        path = tmp_path / "xmppd.toml"
        path.write_text(f'[server]\ndomains = ["capulet.lit"]\ndata = "data"\n{listen}{text}')
        return Setting(load(path), "xmppd.toml", now=NOW)

    return make


def problems(setting):
    return [(f.subject, f.detail, f.remedy) for f in check_all(setting) if f.remedy]


def start(setting):
    check_start(setting.config, setting.source)


def test_fresh_machine_is_in_order_and_stays_untouched(configure, tmp_path):
    setting = configure()
    assert problems(setting) == []
    start(setting)
    assert os.listdir(tmp_path) == ["xmppd.toml"]


def test_every_subject_has_a_line(configure):
    subjects = [finding.subject for finding in check_all(configure())]
    assert list(dict.fromkeys(subjects)) == [
        "configuration",
        "data directory",
        "store",
        "certificates",
        "other servers",
        "control socket",
        "ports",
        "components",
    ]


def test_unknown_module_is_named(configure):
    setting = configure('[modules]\noff = ["apothecary"]')
    ((subject, detail, remedy),) = problems(setting)
    assert subject == "configuration"
    assert "apothecary" in detail
    assert "ping" in remedy
    with pytest.raises(ConfigError, match="apothecary"):
        start(setting)


def test_data_directory_that_others_may_read_is_advice_and_no_obstacle(configure, tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data").chmod(0o755)
    setting = configure()
    ((subject, detail, remedy),) = problems(setting)
    assert subject == "data directory"
    assert "mode 755" in detail
    assert remedy == f"chmod 700 {tmp_path / 'data'}"
    start(setting)


def test_data_directory_that_is_a_file_is_found(configure, tmp_path):
    (tmp_path / "data").write_text("")
    setting = configure()
    assert problems(setting)[0][0] == "data directory"
    with pytest.raises(ConfigError, match=r"server\.data"):
        start(setting)


@pytest.mark.parametrize("place", ["/proc/xmppd", "/etc/passwd", "/etc/passwd/xmppd"])
def test_data_directory_that_could_not_be_made_is_found(tmp_path, place):
    path = tmp_path / "xmppd.toml"
    path.write_text(f'[server]\ndata = "{place}"\n{FREE}')
    setting = Setting(load(path), "xmppd.toml", now=NOW)
    subject, detail, _ = problems(setting)[0]
    assert subject == "data directory"
    assert detail.startswith(f"server.data: user {os.geteuid()} can't write to /")
    assert [f.subject for f in check_all(setting)][-1] == "components"
    with pytest.raises(ConfigError, match=r"server\.data"):
        start(setting)


def test_data_directory_of_another_user_is_found_and_no_obstacle(configure, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir(mode=0o700)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    setting = configure()
    ((subject, detail, remedy),) = problems(setting)
    assert (subject, "belongs to another user" in detail) == ("data directory", True)
    assert "sudo -u" in remedy
    start(setting)


def test_what_may_not_be_looked_at_is_a_problem_and_no_end(configure, monkeypatch):
    setting, stat = configure(), os.stat

    def refuse(path, **options):
        if str(path).startswith(setting.config.server.data):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr("os.stat", refuse)
        found = list(check_all(setting))
    assert any(f.subject == "store" and "Permission denied" in f.detail for f in found)
    assert found[-1].subject == "components"


@pytest.mark.parametrize("place", ["/nonexistent/control.sock", "/etc/passwd/control.sock"])
def test_control_socket_that_could_not_be_made_is_found(configure, place):
    setting = configure(listen=f'{FREE}control = "{place}"\n')
    ((subject, detail, _),) = problems(setting)
    assert (subject, "listen.control: " in detail) == ("control socket", True)
    with pytest.raises(ConfigError, match=r"listen\.control"):
        start(setting)


def test_data_directory_that_another_process_holds_is_found(configure, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    held = hold(tmp_path / "data", "xmppd.toml")
    setting = configure()
    ((subject, detail, _),) = problems(setting)
    assert (subject, f"process {os.getpid()} uses" in detail) == ("data directory", True)
    with pytest.raises(ConfigError, match="uses"):
        start(setting)
    status = {"pid": os.getpid(), "listening": []}
    assert problems(Setting(setting.config, "xmppd.toml", status, NOW)) == []
    held.release()
    assert problems(setting) == []


def test_damaged_secret_is_found(configure, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "decoy.key").write_bytes(b"short")
    ((subject, detail, _),) = problems(configure())
    assert (subject, "5 octets" in detail) == ("secrets", True)


def test_legacy_key_is_looked_at_where_it_is_used(configure, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "legacy.key").write_bytes(b"no key")
    assert problems(configure()) == []
    ((subject, _, _),) = problems(configure("[auth]\ndigest_md5 = true"))
    assert subject == "secrets"


def test_file_that_is_no_database_is_found(configure, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "xmppd.db").write_bytes(b"two households, both alike " * 50)
    setting = configure()
    ((subject, detail, _),) = problems(setting)
    assert (subject, "not a database" in detail) == ("store", True)
    with pytest.raises(ConfigError, match=r"store\.url"):
        start(setting)


def make_store(path: Path, version: int):
    path.parent.mkdir(mode=0o700)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE schema_migrations (schema_set, version, name, applied)")
    connection.execute("INSERT INTO schema_migrations VALUES ('core', ?, 'x', 0)", (version,))
    connection.commit()
    connection.close()


def test_store_of_a_newer_release_is_found(configure, tmp_path):
    make_store(tmp_path / "data" / "xmppd.db", 9999)
    setting = configure()
    ((subject, detail, _),) = problems(setting)
    assert (subject, "schema version 9999" in detail) == ("store", True)
    with pytest.raises(ConfigError, match="9999"):
        start(setting)


def test_store_of_an_older_release_is_told_but_not_changed(configure, tmp_path):
    path = tmp_path / "data" / "xmppd.db"
    make_store(path, 0)
    before = path.read_bytes()
    (line,) = [f.detail for f in check_all(configure()) if f.subject == "store"]
    assert "schema version 0, to become" in line
    assert path.read_bytes() == before


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_store_that_another_process_keeps_locked_is_found(configure, tmp_path, monkeypatch, lock):
    monkeypatch.setattr("xmppd.admin.checks.LOCKED", 0.0)
    path = tmp_path / "data" / "xmppd.db"
    make_store(path, 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute(f"BEGIN {lock}")
        setting = configure()
        ((subject, detail, remedy),) = problems(setting)
        assert (subject, "another process holds it" in detail) == ("store", True)
        assert remedy == f"End that process (fuser {path} shows which)"
        with pytest.raises(ConfigError, match="another process holds it"):
            start(setting)
    assert problems(setting) == []
    assert sorted(os.listdir(path.parent)) == ["xmppd.db"]


def test_store_that_could_not_be_made_is_found(configure):
    setting = configure('[store]\nurl = "sqlite:/no/such/verona.db"')
    ((subject, detail, _),) = problems(setting)
    assert (subject, "/no/such" in detail) == ("store", True)
    with pytest.raises(ConfigError, match=r"store\.url"):
        start(setting)


@pytest.mark.parametrize(
    ("days", "fault"), [(60, ""), (10, "the certificate expires on"), (-3, "expired on")]
)
def test_certificate_is_told_with_its_end(configure, tmp_path, days, fault):
    pair = Authority().issue(
        dns("capulet.lit"), start=NOW - timedelta(days=30), end=NOW + timedelta(days=days)
    )
    write_pair(pair, tmp_path / "certs" / "capulet.lit.crt", tmp_path / "certs" / "capulet.lit.key")
    setting = configure('[tls]\ncertificates = "certs"\n')
    found = [f for f in check_all(setting) if f.subject == "certificates"]
    assert len(found) == 1
    assert bool(found[0].remedy) == bool(fault)
    assert fault in found[0].detail
    assert f"{NOW + timedelta(days=days):%Y-%m-%d}" in found[0].detail
    start(setting)


def test_certificate_of_another_name_is_found_and_no_obstacle(configure, tmp_path):
    pair = Authority().issue(dns("mantua.lit"))
    write_pair(pair, tmp_path / "certs" / "capulet.lit.crt", tmp_path / "certs" / "capulet.lit.key")
    setting = configure('[tls]\ncertificates = "certs"\n')
    ((subject, detail, _),) = problems(setting)
    assert (subject, "does not name capulet.lit" in detail) == ("certificates", True)
    start(setting)


@pytest.mark.parametrize(
    ("usages", "fault"),
    [
        ([], ""),
        ([ExtendedKeyUsageOID.SERVER_AUTH], ""),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], "is not for servers"),
    ],
)
def test_certificate_that_is_for_no_server_is_advice(configure, tmp_path, usages, fault):
    pair = Authority().issue(dns("capulet.lit"), more=[purposes(*usages)] if usages else [])
    write_pair(pair, tmp_path / "certs" / "capulet.lit.crt", tmp_path / "certs" / "capulet.lit.key")
    setting = configure('[tls]\ncertificates = "certs"\n')
    found = [detail for subject, detail, _ in problems(setting) if subject == "certificates"]
    assert [fault in detail for detail in found] == ([True] if fault else [])
    start(setting)


def test_a_components_own_certificate_is_looked_at_too(configure, tmp_path):
    certs = tmp_path / "certs"
    pair = CA.issue(dns("capulet.lit"))
    write_pair(pair, certs / "capulet.lit.crt", certs / "capulet.lit.key")
    setting = configure('[tls]\ncertificates = "certs"\n')
    found = [detail for subject, detail, _ in problems(setting) if subject == "certificates"]
    assert found == []
    name = "conference.capulet.lit"
    write_pair(CA.issue(dns("mantua.lit")), certs / f"{name}.crt", certs / f"{name}.key")
    (detail,) = [detail for subject, detail, _ in problems(setting) if subject == "certificates"]
    assert f"does not name {name}" in detail


def believed(configure, tmp_path, pair, more=""):
    """What is said of other servers where this one has such a certificate."""
    CA.write(tmp_path / "authorities.pem")
    write_pair(pair, tmp_path / "certs" / "capulet.lit.crt", tmp_path / "certs" / "capulet.lit.key")
    keys = f'[tls]\ncertificates = "certs"\n[s2s]\nca = "authorities.pem"\n{more}'
    setting = configure(keys)
    start(setting)
    return [detail for subject, detail, _ in problems(setting) if subject == "other servers"]


def test_certificate_that_other_servers_believe_is_in_order(configure, tmp_path):
    pair = CA.intermediate().issue(dns("capulet.lit"))
    assert believed(configure, tmp_path, pair) == []


@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        (Authority("Tybalt").issue(dns("capulet.lit")), "self-signed certificate in"),
        (CA.intermediate().issue(dns("capulet.lit"))._replace(chain=()), "local issuer"),
        (CA.issue([srv_name("_xmpp-client.capulet.lit")]), "does not name the domain"),
    ],
)
def test_certificate_that_other_servers_do_not_believe_is_advice(configure, tmp_path, pair, fault):
    (detail,) = believed(configure, tmp_path, pair)
    assert detail.startswith("capulet.lit: a server with the same rules would not believe ")
    assert fault in detail
    assert believed(configure, tmp_path, pair, 'require = "dialback"\n') == []
    assert believed(configure, tmp_path, pair, "enabled = false\n") == []


def test_a_file_without_authorities_is_found(configure, tmp_path):
    (tmp_path / "authorities.pem").write_text("alas")
    found = problems(configure('[s2s]\nca = "authorities.pem"\n'))
    assert [(subject, "s2s.ca: no certificates" in detail) for subject, detail, _ in found] == [
        ("other servers", True)
    ]


def test_a_host_without_authorities_is_advice(configure, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    monkeypatch.setattr("xmppd.net.trust.BUNDLES", ())
    setting = configure()
    ((subject, detail, _),) = problems(setting)
    assert (subject, "this host has no authorities" in detail) == ("other servers", True)
    start(setting)


def test_ciphers_that_select_none_are_found(configure):
    ((subject, detail, _),) = problems(configure('[tls]\nciphers = "DAGGER"\n'))
    assert (subject, "tls.ciphers" in detail) == ("certificates", True)


@pytest.fixture
def taken():
    """A port of 127.0.0.1 that another program holds."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_port_that_is_taken_is_found_unless_the_running_server_holds_it(configure, taken):
    endpoint = f"tcp:{taken}:interface=127.0.0.1"
    listen = f'[listen]\nc2s = ["{endpoint}"]\nc2s_tls = []\n'
    setting = configure(listen=listen)
    ((subject, detail, remedy),) = problems(setting)
    assert subject == "ports"
    assert detail == f"listen.c2s: can't listen on {endpoint}: Address already in use"
    assert remedy == "Stop the other program, or choose another port"
    with pytest.raises(ConfigError, match="Address already in use"):
        start(setting)
    status = {"pid": 1, "listening": [{"endpoint": endpoint}]}
    assert problems(Setting(setting.config, "xmppd.toml", status, NOW)) == []


def test_server_that_no_client_can_reach_is_advice_and_no_obstacle(configure):
    setting = configure(listen="[listen]\nc2s = []\nc2s_tls = []\n")
    ((subject, detail, _),) = problems(setting)
    assert (subject, detail) == (
        "ports",
        "listen: c2s and c2s_tls are both empty: no client can connect",
    )
    start(setting)


def test_endpoint_that_needs_a_reactor_is_not_tried():
    assert check_port("xmppd.toml", "listen.c2s", "unix:/nowhere/at/all.sock") is False


def test_endpoint_of_no_known_kind_is_found():
    with pytest.raises(ConfigError, match="can't listen on pigeon:5222"):
        check_port("xmppd.toml", "listen.c2s", "pigeon:5222")


# ---------------------------------------------------------------------- components


@pytest.fixture
def echo(monkeypatch):
    monkeypatch.setattr("xmppd.bundled.BUNDLED", (Bundled("echo", "echo"),))


def status(**state):
    """What a running server tells of `echo.capulet.lit`; None where it is not connected."""
    child = {"name": "echo", "domain": "echo.capulet.lit", "seconds": 5, "failures": 0}
    connected = state.pop("connected", 1)
    return {
        "pid": 1,
        "bundled": [{**child, "last_words": "", **state}],
        "components": {"echo.capulet.lit": connected},
    }


def of_components(setting):
    return [found[1:3] for found in check_all(setting) if found.subject == "components"]


def test_bundled_component_is_told_with_its_domain_or_why_it_stays_out(configure, echo):
    assert of_components(configure()) == [
        ("echo is started with the server, at echo.capulet.lit", "")
    ]
    setting = configure('[bundled]\noff = ["echo"]\n')
    assert of_components(setting) == [("echo is not started: [bundled] off names it", "")]


def test_settings_that_a_bundled_component_would_not_take_are_advice(configure, echo):
    key = "bundled.settings.echo"
    setting = replace(configure(), faults=lambda *_: [(key, "echo.rhyme: unknown key")])
    told = (f"{key}: echo.rhyme: unknown key", f"Correct it under [{key}]; then xmppctl reload")
    assert told in of_components(setting)
    start(setting)


def test_only_those_with_settings_are_asked_about_them(configure, monkeypatch):
    asked = []
    monkeypatch.setattr("xmppd.bundled.BUNDLED", (Bundled("echo", "echo"), Bundled("muc", "muc")))
    monkeypatch.setattr(
        "subprocess.run", lambda command, **_: asked.append(command) or CompletedProcess([], 0)
    )
    assert not list(faults(configure().config, "xmppd.toml"))
    assert not list(faults(configure("[bundled.settings.muc]\ncreate = 1\n").config, "xmppd.toml"))
    assert ["xmppd-muc" in each and "--check" in each for each in asked] == [True]


def test_bundled_component_that_there_is_not_keeps_the_server_from_starting(configure, echo):
    setting = configure('[bundled]\noff = ["apothecary"]\n')
    assert [subject for subject, *_ in problems(setting)] == ["components"]
    with pytest.raises(ConfigError, match="no bundled component is called apothecary"):
        start(setting)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({}, "echo.capulet.lit is connected"),
        ({"connected": 0}, "echo.capulet.lit is starting"),
    ],
)
def test_component_of_a_running_server_is_in_order(configure, echo, state, told):
    setting = replace(configure(), status=status(**state))
    assert of_components(setting) == [(told, "")]


def test_component_that_fails_or_is_not_there_is_advice_with_a_remedy(configure, echo):
    failing = status(connected=0, failures=4, last_words="xmppd-echo: no voice")
    silent = status(connected=0, seconds=60)
    absent = {**status(), "bundled": [], "components": {"rooms.capulet.lit": 0}}
    gone = ("echo.capulet.lit: is not connected", "See its own log, and xmppctl components")
    forged = {"reason": "component.secret", "meaning": "a wrong one", "remedy": "give the same"}
    refused = {**absent, "absent": {"rooms.capulet.lit": {"seconds": 3, "refusal": forged}}}
    long_gone = {**absent, "absent": {"rooms.capulet.lit": {"seconds": 61, "refusal": None}}}
    why = "is not connected, refused with component.secret (a wrong one)"
    for state, told in (
        (long_gone, ("rooms.capulet.lit: is not connected", gone[1])),
        (refused, (f"rooms.capulet.lit: {why}", "give the same")),
        (
            failing,
            (
                "bundled: echo has ended of itself (failures in a row: 4), the last time with: "
                "xmppd-echo: no voice",
                REASONS["component.failing"][1],
            ),
        ),
        (silent, gone),
        (absent, ("rooms.capulet.lit: is not connected", gone[1])),
    ):
        setting = replace(configure(), status=state)
        assert told in of_components(setting)
        start(setting)


def test_component_that_may_be_restarting_is_no_fault(configure):
    state = {"seconds": 60, "refusal": None}
    told = {
        "pid": 1,
        "components": {"rooms.capulet.lit": 0},
        "absent": {"rooms.capulet.lit": state},
    }
    [found] = [
        each
        for each in check_all(replace(configure(), status=told))
        if each.subject == "components" and "rooms" in each.detail
    ]
    assert not found.remedy
    assert found.detail.startswith("rooms.capulet.lit is not connected, for 60 s now")
