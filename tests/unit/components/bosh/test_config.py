"""The gateway's own table, and the sample that shows it."""

from __future__ import annotations

import re

import pytest

from components.bosh.checks import check
from components.bosh.config import BoshTable, Config
from components.bosh.http.reasons import REASONS as OF_HTTP
from components.bosh.longpoll.reasons import REASONS as OF_BOSH
from components.bosh.websocket.reasons import REASONS as OF_WEBSOCKET
from components.common.config import load
from tests.support.process import ROOT
from xmppd.config import load as load_server
from xmppd.errors import ConfigError

SAMPLE = (ROOT / "etc" / "bosh.toml").read_text()
KEY = re.compile(r"^#(\w+ = )", re.MULTILINE)


def read(directory, text):
    path = directory / "bosh.toml"
    path.write_text(text)
    return load(path, Config, "bosh", {})


def test_the_sample_shows_the_defaults_as_they_are(tmp_path):
    for text in (SAMPLE, KEY.sub(r"\1", SAMPLE)):
        assert read(tmp_path, text).settings.bosh == BoshTable()


def test_the_sample_shows_every_key():
    shown = {found[1].split()[0] for found in KEY.finditer(SAMPLE)}
    assert shown == set(BoshTable.__struct_fields__)


def test_what_the_sample_says_of_the_servers_file_can_be_loaded(tmp_path):
    block = "\n".join(re.findall(r"^#     (.*)$", SAMPLE, re.MULTILINE))
    path = tmp_path / "xmppd.toml"
    path.write_text(f'[server]\ndomains = ["example.org"]\n{block}\n')
    (component,) = load_server(path).components.values()
    assert component.tunnel


@pytest.mark.parametrize(
    "line", ["wait = 0", "hold = 0", "body_octets = 10", 'listen = "x"', "x = 1"]
)
def test_a_wrong_value_is_named_with_its_key(tmp_path, line):
    with pytest.raises(ConfigError, match=f"bosh.{line.split()[0]}"):
        read(tmp_path, f"{SAMPLE}{line}\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("listen = []", "is empty. Name an endpoint"),
        ('listen = ["tpc:5280"]', '"tpc:5280" is no endpoint (Unknown endpoint type: '),
        ('listen = ["ssl:5443:privateKey=no.pem"]', "(No such file or directory). Write it as in"),
        ('bosh = "http-bind"', '"http-bind" is no path. Write it as in "/http-bind"'),
        ('bosh = "/http-bind/"', "is no path"),
        ('websocket = "/metrics"', "is another page's. Choose another path"),
        ('websocket = "/http-bind"', "is the path of bosh, too. Choose another path"),
        ('origins = ["chat.example.org"]', '"chat.example.org" is no origin. Write it as in'),
        ('origins = ["https://chat.example.org/"]', "without a path"),
        ('public = "chat.example.org"', "is no URL for it. Write it as in"),
        ('public = "wss://chat.example.org"', "is no URL for it"),
        ('public = "http://chat.example.org"', "is no URL for it"),
        ('see_other_bosh = "wss://chat.example.org/ws"', "is no URL for it"),
        ('see_other_websocket = "chat.example.org"', "is no URL for it"),
        ('proxies = ["10.0.0.300"]', 'Write them as in "127.0.0.1" or "10.0.0.0/8"'),
        ('metrics = ["everybody"]', 'Write them as in "127.0.0.1" or "10.0.0.0/8"'),
    ],
)
def test_what_nothing_could_come_of_is_told_with_key_and_remedy(tmp_path, line, words):
    loaded = read(tmp_path, f"{SAMPLE}{line}\n")
    with pytest.raises(ConfigError) as caught:
        check(loaded)
    place = f"{tmp_path / 'bosh.toml'}:{len(SAMPLE.splitlines()) + 1}"
    assert str(caught.value).startswith(f"{place}: bosh.{line.split()[0]}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        'listen = ["systemd:domain=INET:index=0", "tcp6:0", "unix:/run/xmppd-bosh.sock"]',
        'bosh = ""\nwebsocket = ""',
        'bosh = "/xmpp/http-bind"',
        'origins = ["*", "null", "https://chat.example.org:8443", "file://"]',
        'public = "https://example.org/chat"',
        'see_other_websocket = "wss://[2001:db8::1]:5443/ws"',
        'metrics = []\nproxies = ["10.0.0.0/8", "2001:db8::1"]',
    ],
)
def test_what_may_be_meant_is_let_be(tmp_path, line):
    check(read(tmp_path, f"{SAMPLE}{line}\n"))


def test_a_remedy_names_no_key_that_there_is_not():
    remedies = [
        remedy for table in (OF_HTTP, OF_BOSH, OF_WEBSOCKET) for _, remedy in table.values()
    ]
    named = {key for remedy in remedies for key in re.findall(r"(\w+) in \[bosh\]", remedy)}
    assert named
    assert named <= set(BoshTable.__struct_fields__)


@pytest.mark.parametrize(
    ("package", "reasons"), [("http", OF_HTTP), ("longpoll", OF_BOSH), ("websocket", OF_WEBSOCKET)]
)
def test_what_is_counted_has_a_meaning_and_a_remedy(package, reasons):
    folder = ROOT / "components" / "bosh" / package
    prefix = next(iter(reasons)).partition(".")[0]
    code = re.compile(rf'"({prefix}\.[a-z-]+)"')
    files = [each for each in folder.glob("*.py") if each.name != "reasons.py"]
    assert {found for each in files for found in code.findall(each.read_text())} == set(reasons)
