"""The configuration: what loads, what each fault says, what a reload would change."""

import os
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppd.config import Component, Config, changes, control_socket, keys, load
from xmppd.config.changes import NEEDS_RESTART
from xmppd.config.text import bare_jid, domain, endpoint
from xmppd.errors import ConfigError

SAMPLE = Path(__file__).parents[2] / "etc" / "xmppd.toml"

KEYS = {
    f"{table}.{key}" for table in Config.__struct_fields__ for key in keys.of_table(Config, table)
}

EXAMPLES = {
    "tls.certificates",
    "tls.client_ca",
    "listen.control",
    "auth.anonymous",
    "auth.impersonate",
    "s2s.ca",
    "s2s.allow",
    "s2s.deny",
    "s2s.resolver",
    "s2s.domains",
    "s2s.routes",
    "modules.off",
    "bundled.off",
    "bundled.settings",
    "components.secret",
    "components.domains",
    "components.iq",
    "components.delegation",
} | {key for key in KEYS if key.startswith("contact.")}
"""Keys whose default is empty: the sample file shows what they could hold."""

SECRET = "secret = 'wherefore art thou'"

SAMPLE_LINE = re.compile(r'^#(?=\[|"?[\w@.]+"? = )', re.MULTILINE)


def write(directory: Path, text: str) -> Path:
    path = directory / "xmppd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(directory: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(write(directory, text))
    assert "\n" not in str(caught.value)
    return caught.value


# The defaults


def test_without_a_file_the_server_stays_on_loopback(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = load(None)
    assert config.server.domains == ("localhost",)
    for listener in config.listen.c2s + config.listen.c2s_tls:
        assert listener.endswith(":interface=127.0.0.1")
    assert config.registration.policy == "loopback"
    assert config.server.data == str(tmp_path / "xmppd-data")


def test_an_empty_file_faces_the_network_with_registration_off(tmp_path):
    config = load(write(tmp_path, ""))
    assert config.listen.c2s == ("tcp:5222",)
    assert config.listen.c2s_tls == ("tcp:5223",)
    assert config.registration.policy == "off"


def test_a_configuration_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        Config().limits.depth = 3


# The sample file


def test_the_sample_loads_as_it_is():
    config = load(SAMPLE)
    assert config.server.domains == ("example.org",)
    assert config.limits.read_rate == 65536
    assert config.registration.policy == "off"


def test_the_sample_loads_with_every_line_switched_on(tmp_path):
    (tmp_path / "certs").mkdir()
    (tmp_path / "client-ca.pem").touch()
    (tmp_path / "authorities.pem").touch()
    text = SAMPLE_LINE.sub("", SAMPLE.read_text())
    text = text.replace(
        'domains = ["example.org"]', 'domains = ["example.org", "guests.example.org"]'
    )
    config = load(write(tmp_path, text))
    assert config.auth.impersonate["prospero@example.org"] == (
        "ariel@example.org",
        "caliban@example.org",
    )


def test_the_sample_names_every_key_once():
    raw = tomllib.loads(SAMPLE_LINE.sub("", SAMPLE.read_text()))
    named = {f"{table}.{key}" for table, content in _tables(raw) for key in content}
    assert named == KEYS


def _tables(raw):
    """Each table and its content; of tables with names of their own, the one that there is."""
    for table, content in raw.items():
        if keys.are_named(Config, table):
            (content,) = content.values()
        yield table, content


def test_the_sample_shows_the_true_defaults():
    live = tomllib.loads(SAMPLE.read_text())
    shown = dict(_tables(tomllib.loads(SAMPLE_LINE.sub("", SAMPLE.read_text()))))
    component = Component(secret="wherefore art thou")
    defaults = {**msgspec.to_builtins(Config()), "components": msgspec.to_builtins(component)}
    for key in KEYS - EXAMPLES:
        table, name = key.split(".")
        if name not in live.get(table, {}):
            default = defaults[table][name]
            expected = list(default) if isinstance(default, tuple) else default
            assert shown[table][name] == expected, key


def test_every_key_is_read_by_something():
    """A key that nothing reads would be a promise that nobody keeps."""
    root = SAMPLE.parents[1] / "xmppd"
    files = [path for path in root.rglob("*.py") if path.parent.name != "config"]
    source = "\n".join(path.read_text() for path in files)
    for key in sorted(KEYS):
        table, name = key.split(".")
        if table != "contact":  # whose keys are read as a list
            read = rf"\b(?:{table}|settings|_settings\(\)|_limits|grants)\.{name}\b"
            assert re.search(read, source), key


# Faults


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[server]\ndomains = [", 2, "", "TOML"),
        ("[server]\n[server]", 2, "", "Cannot declare [server] twice"),
        ("[a.b]\n[a.b]", 2, "", "Cannot declare [a.b] twice"),
        ("[limits]\n\ndepht = 70", 3, "limits.depht", "Did you mean [limits] depth?"),
        ("[limit]\ndepth = 70", 1, "limit", "Did you mean limits?"),
        ("depth = 70", 1, "depth", "It belongs in [limits]"),
        ("[tls]\ndomains = ['x.org']", 2, "tls.domains", "It belongs in [server]"),
        ("[log]\nyorick = 1", 2, "log.yorick", "Known here: format, level"),
        ("server = 3", 1, "server", "Write it as a table"),
        ("[limits]\ndepth = 'deep'", 2, "limits.depth", "expected integer, got string"),
        ("[limits]\ndepth = true", 2, "limits.depth", "expected integer, got bool"),
        ("[limits]\ndepth = 2", 2, "limits.depth", "a whole number from 8 to 1000"),
        ("[limits]\nresources = 0", 2, "limits.resources", "a whole number, 1 or more"),
        ("[limits]\nstanza_bytes = 9999", 2, "limits.stanza_bytes", "from 10000"),
        ("[limits]\ntag_bytes = 99999", 2, "limits.tag_bytes", "unauthenticated"),
        ("[auth]\niterations = 4096", 2, "auth.iterations", "from 10000"),
        ("[auth]\nmechanisms = ['CRAM-MD5']", 2, "auth.mechanisms", "unknown value 'CRAM-MD5'"),
        ("[auth]\nmechanisms = ['ANONYMOUS']", 2, "auth.mechanisms", "keys of their own"),
        ("[auth]\nmechanisms = []", 2, "auth.mechanisms", "nobody could log in"),
        ("[auth]\nmechanisms = ['PLAIN', 'PLAIN']", 2, "auth.mechanisms", "there twice"),
        ("[auth]\nanonymous = ['elsinore.dk']", 2, "auth.anonymous", "no domain of this server"),
        ("[auth.impersonate]\n'romeo' = []", 1, "auth.impersonate", "bare JID"),
        ("[auth]\nimpersonate = {'a@b' = 'c@d'}", 2, 'auth.impersonate."a@b"', "expected list"),
        ("[server]\ndomains = []", 2, "server.domains", "a list that is not empty"),
        ("[server]\ndomains = 'verona.it'", 2, "server.domains", "Give a list"),
        (
            "[server]\ndomains = ['ver ona.it']",
            2,
            "server.domains",
            '"ver ona.it": the domain part',
        ),
        ("[server]\ndomains = ['verona.it', 'VERONA.it.']", 2, "server.domains", "there twice"),
        ("[auth.impersonate]\n'r@x.it' = ['j@x.it/y']", 1, "auth.impersonate", "bare JID"),
        ("[server]\nresource_conflict = 'duel'", 2, "server.resource_conflict", '"rename"'),
        ("[tls]\nrequire = 'maybe'", 2, "tls.require", 'Give "auto", or true or false'),
        ("[tls]\nminimum = '1.1'", 2, "tls.minimum", 'one of "1.2", "1.3"'),
        ("[tls]\ncertificates = 'nowhere'", 2, "tls.certificates", "no directory"),
        ("[tls]\nclient_ca = 'nowhere.pem'", 2, "tls.client_ca", "no file"),
        ("[s2s]\nca = 'nowhere.pem'", 2, "s2s.ca", "no file"),
        ("[s2s.domains.'a.it']\nrequires = 'none'", 2, 's2s.domains."a.it".requires', "mean"),
        ("[s2s.domains.'a.it']\nrequire = 'x'", 2, 's2s.domains."a.it".require', '"dialback"'),
        ("[s2s.routes]\n'b.it' = []\n'a.it' = 'x'", 3, 's2s.routes."a.it"', "Give a list"),
        ("[limits.depth]\nx = 1", 1, "limits.depth", "Give a whole number"),
        ("[listen]\nc2s = ['5222']", 2, "listen.c2s", "kind:arguments"),
        ("[listen]\nc2s = ['tcp:http']", 2, "listen.c2s", "http is no port number"),
        ("[listen]\nc2s = ['tcp:65536']", 2, "listen.c2s", "no port number"),
        ("[listen]\nc2s_tls = ['ssl:5223']", 2, "listen.c2s_tls", "the server's own part"),
        ("[listen]\nc2s_tls = ['tcp:5222']", 2, "listen.c2s_tls", "is in c2s too"),
        ("[listen]\ncontrol = '/" + "x" * 107 + "'", 2, "listen.control", "at most 107"),
        ("[store]\nurl = 'mysql:x'", 2, "store.url", 'Give "sqlite:"'),
        ("[registration]\npolicy = 'open'", 2, "registration.policy", '"loopback"'),
        ("[contact]\nabuse = ['the friar']", 2, "contact.abuse", "mailto:"),
        (f"[components.a.lit]\n{SECRET}", 1, "components.a.lit", '[components."a.lit"]'),
        (
            f"[components.a.b.lit.delegation]\n'urn:x' = []\n[components.a.b.lit]\n{SECRET}",
            1,
            "components.a.b",
            'Write the name in quotes: [components."a.b.lit"]',
        ),
        (f"[components.a]\n{SECRET}\nrhyme.x = 1", 3, "components.a.rhyme", "Known here"),
        ("[components]\nx = 3", 2, "components.x", "Write it as a table"),
        ("[components.x]\ninstances = 2", 1, "components.x.secret", "there is no secret"),
        ('[components."a.lit"]\nsecret = "x"', 2, 'components."a.lit".secret', "of 8 characters"),
        (f'[components."a.lit"]\n{SECRET}\nsecrt = 1', 3, 'components."a.lit".secrt', "mean"),
        (f"[components.localhost]\n{SECRET}", 1, "components.localhost", "its own"),
        (f"[components.'a b']\n{SECRET}", 1, 'components."a b"', "domain name such as"),
        (f"[components.x]\n{SECRET}\ndomains = ['y']", 3, "components.x.domains", "no domain of"),
        (f"[components.x]\n{SECRET}\nroster = 'all'", 3, "components.x.roster", '"both"'),
        (f"[components.x]\n{SECRET}\npresence = 'roster'", 3, "components.x.presence", "roster to"),
        (
            f"[components.x]\n{SECRET}\ntunnel = true\ninstances = 2",
            3,
            "components.x.tunnel",
            "live in one process",
        ),
        (f"[components.x]\n{SECRET}\n[components.x.iq]\nz = 'no'", 3, "components.x.iq", '"get"'),
        (
            f"[components.x]\n{SECRET}\n[components.x.delegation]\n'urn:xmpp:delegation:2' = []",
            3,
            "components.x.delegation",
            "can't be delegated",
        ),
        (
            "".join(f"[components.{x}]\n{SECRET}\ndelegation = {{y = []}}\n" for x in "ab"),
            6,
            "components.b.delegation",
            "delegated to a at localhost",
        ),
    ],
)
def test_a_fault_names_file_line_key_and_remedy(tmp_path, text, line, key, says):
    error = fault(tmp_path, text)
    assert error.source == f"{tmp_path / 'xmppd.toml'}:{line}"
    assert error.key == key
    assert says in f"{error.problem}. {error.remedy}"


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file\. Name an existing file"):
        load(tmp_path / "absent.toml")


def test_a_directory_in_place_of_the_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"a directory\. Name the file in it"):
        load(tmp_path)


def test_a_file_that_is_not_utf8_is_told(tmp_path):
    path = tmp_path / "xmppd.toml"
    path.write_bytes(b'[server]\ndata = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8 at octet 17"):
        load(path)


# A faulty file


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "xmppd-data/control.sock"),
        ("[limits]\nbreadth = 3", "xmppd-data/control.sock"),
        ("[server]\ndomains = [\ndata = 'd'\n[limits\n", "d/control.sock"),
        ("[server]\ndata = 'd' # here\n[ listen ]\ncontrol=\"c.sock\"\n[x]\ncontrol='y'", "c.sock"),
        ("[server]\ndata = [", "xmppd-data/control.sock"),
        ("[listen]\ncontrol = 3", "xmppd-data/control.sock"),
        ("[listen]\ncontrol = '/run/x.sock'\n\0", "/run/x.sock"),
    ],
)
def test_the_control_socket_of_a_faulty_file_can_be_made_out(tmp_path, text, where):
    assert control_socket(write(tmp_path, text)) == str(tmp_path / where)


def test_a_file_that_cannot_be_read_names_no_control_socket(tmp_path):
    assert control_socket(tmp_path / "absent.toml") is None
    assert control_socket(tmp_path) is None


# Canonical values


def test_relative_paths_start_at_the_file_and_the_store_at_the_data(tmp_path):
    (tmp_path / "certs").mkdir()
    config = load(write(tmp_path, "[server]\ndata = 'd/../data'\n[tls]\ncertificates = 'certs'"))
    assert config.server.data == str(tmp_path / "data")
    assert config.tls.certificates == str(tmp_path / "certs")
    assert config.tls.client_ca == ""
    assert config.store.url == f"sqlite:{tmp_path}/data/xmppd.db"
    assert config.listen.control == str(tmp_path / "data" / "control.sock")


def test_absolute_paths_and_the_memory_store_stay_as_they_are(tmp_path):
    text = "[server]\ndata = '/srv/xmppd'\n[store]\nurl = 'sqlite::memory:'"
    config = load(write(tmp_path, text))
    assert (config.server.data, config.store.url) == ("/srv/xmppd", "sqlite::memory:")


@pytest.mark.parametrize("url", ["postgresql://u:p%40@h:5/db?sslmode=require", "postgres:///db"])
def test_the_url_of_a_postgresql_database_stays_as_it_is(tmp_path, url):
    assert load(write(tmp_path, f"[store]\nurl = '{url}'")).store.url == url


def test_a_store_that_is_none_is_not_repeated_for_it_may_hold_a_password(tmp_path):
    with pytest.raises(ConfigError, match=r"store\.url: names no store") as caught:
        load(write(tmp_path, "[store]\nurl = 'postgresql:claudius:poison@elsinore/db'"))
    assert "poison" not in str(caught.value)


def test_a_relative_config_path_gives_absolute_paths(tmp_path, monkeypatch):
    write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    assert os.path.isabs(load(Path("xmppd.toml")).server.data)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Verona.IT", "verona.it"),
        ("verona.it.", "verona.it"),
        ("MÜNCHEN.example", "münchen.example"),
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_domains_are_lower_case_u_labels(written, canonical):
    assert domain(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "a..b",
        "-",
        "a_b.org",
        "../etc",
        "a/b",
        "xn--\xfc.org",
        "x" * 64,
        "[::1]",
        "a." * 150,
    ],
)
def test_what_is_no_host_name_is_no_domain(written):
    with pytest.raises(ValueError, match="domain"):
        domain(written)


@pytest.mark.parametrize(
    "written", ["verona.example", "@verona.example", "romeo@", "romeo@verona.example/orchard", ""]
)
def test_what_is_no_bare_jid_of_an_account_is_refused(written):
    with pytest.raises(ValueError, match=r"domain|form|local part"):
        bare_jid(written)


def test_jids_are_prepared(tmp_path):
    text = "[auth.impersonate]\n'ARIEL@milan.example' = ['Caliban@milan.example.']"
    config = load(write(tmp_path, text))
    assert config.auth.impersonate == {"ariel@milan.example": ("caliban@milan.example",)}


@given(st.text())
def test_a_canonical_domain_stays_so_and_can_name_a_file(text):
    try:
        name = domain(text)
    except ValueError:
        return
    assert domain(name) == name
    assert not set(name) & set("/\\\0@ ") and not name.startswith(".")


@given(st.text())
def test_endpoints_and_jids_of_any_text_raise_nothing_but_value_error(text):
    for read in (endpoint, bare_jid):
        try:
            assert read(text)
        except ValueError:
            pass


@pytest.mark.parametrize(
    "description",
    [
        "tcp:0",
        "tcp:port=5222:backlog=128",
        r"tcp:5222:interface=\:\:1",
        "tcp6:5222",
        "unix:/run/xmppd/c2s.sock:mode=660",
        "systemd:domain=INET:index=0",
        "haproxy:tcp:5222",
    ],
)
def test_endpoints_that_twisted_takes_are_taken(description):
    assert endpoint(description) == description


# Reload


def test_changes_name_each_key_and_when_it_holds(tmp_path):
    old = load(write(tmp_path, ""))
    new = load(write(tmp_path, "[listen]\nc2s = ['tcp:5322']\n[limits]\ndepth = 70"))
    assert changes(old, new) == ["listen.c2s: needs a restart", "limits.depth: takes effect now"]
    assert changes(new, new) == []


def test_what_needs_a_restart_is_a_key_and_the_sample_says_so():
    assert NEEDS_RESTART <= KEYS
    text = SAMPLE.read_text()
    for table in {key.partition(".")[0] for key in NEEDS_RESTART}:
        section = text.partition(f"[{table}]")[2].partition("\n\n\n")[0]
        before = text.partition(f"[{table}]")[0].rpartition("\n\n\n")[2]
        assert "restart" in before + section, table
