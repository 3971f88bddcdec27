"""A component's configuration file: what it means, and one line for each fault in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from components.common.config import Loaded, Settings, load
from components.common.process import Process
from components.common.stream import Identity
from xmppd.config.schema import Table
from xmppd.errors import ConfigError
from xmppd.process.lifeline import SECRET_VARIABLE


class Echo(Table, frozen=True):
    times: int = 1


class Config(Settings, frozen=True):
    echo: Echo = Echo()


LEAST = '[component]\ndomain = "Echo.example.org"\n'
SECRET = 'secret = "what\'s in a name"\n'


def read(directory: Path, text: str, **environment: str) -> Loaded[Config]:
    path = directory / "echo.toml"
    path.write_text(text)
    return load(path, Config, "echo", environment)


def test_the_least_that_is_needed(tmp_path: Path) -> None:
    loaded = read(tmp_path, LEAST + SECRET)
    assert loaded.identity == Identity("echo.example.org", "what's in a name")
    assert loaded.servers == ("example.org",)
    assert loaded.settings.core.endpoint == "tcp:127.0.0.1:5347"
    assert loaded.data == tmp_path / "xmppd-data"
    assert loaded.url == "sqlite:echo.db"
    assert loaded.settings.echo.times == 1


def test_all_that_may_be_said(tmp_path: Path) -> None:
    loaded = read(
        tmp_path,
        LEAST
        + SECRET
        + 'instance = "one"\ndata = "/var/lib/echo"\n'
        + '[core]\nendpoint = "unix:/run/x"\nserver = ["A.example", "b.example"]\n'
        + 'guests = ["B.example"]\n'
        + '[store]\nurl = "postgresql:///echo"\n[log]\nformat = "json"\n[echo]\ntimes = 2\n',
    )
    assert loaded.identity.instance == "one"
    assert loaded.servers == ("a.example", "b.example")
    assert loaded.guests == ("b.example",)
    assert loaded.data == Path("/var/lib/echo")
    assert loaded.url == "postgresql:///echo"
    assert loaded.settings.echo.times == 2


def test_the_secret_may_stand_in_a_file_or_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" filed \n")
    assert read(tmp_path, LEAST + 'secret_file = "secret"\n').identity.secret == "filed"
    environment = {SECRET_VARIABLE: "given"}
    assert read(tmp_path, LEAST, **environment).identity.secret == "given"
    assert read(tmp_path, LEAST + SECRET, **environment).identity.secret != "given"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "component: there is no component. Write it as a table: [component], then its keys"),
        (
            "[component]\n" + SECRET,
            ":1: component.domain: there is no domain. Give a string in quotes",
        ),
        (LEAST, ":1: component.secret: there is no secret. Give the one that the server has"),
        (
            LEAST + 'secret = "a"\nsecret_file = "b"\n',
            ":4: component.secret_file: there is a secret and a secret_file. Keep one of them",
        ),
        (LEAST + 'secret_file = "nowhere"\n', ":3: component.secret_file: "),
        (
            '[component]\ndomain = "a b"\n' + SECRET,
            ':2: component.domain: "a b" is no domain',
        ),
        (
            '[component]\ndomain = "echo"\n' + SECRET,
            "core.server: echo is below no domain that could be the server's. Name the server's",
        ),
        (LEAST + SECRET + "[ecko]\n", ":4: ecko: unknown table. Did you mean echo?"),
        (
            LEAST + SECRET + "[echo]\ntime = 1\n",
            ":5: echo.time: unknown key. Did you mean [echo] times?",
        ),
        (
            LEAST + SECRET + '[echo]\ntimes = "x"\n',
            ":5: echo.times: expected integer, got string. Give",
        ),
        (LEAST + SECRET + '[core]\nserver = "@"\n', ':5: core.server: "@" is no domain'),
    ],
)
def test_a_fault_is_one_line_with_its_place_and_remedy(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "echo.toml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["", "tcp", "carrier-pigeon:x", "tcp:host:port:x=y"])
def test_an_endpoint_that_is_none(tmp_path: Path, endpoint: str) -> None:
    loaded = read(tmp_path, LEAST + SECRET + f'[core]\nendpoint = "{endpoint}"\n')
    reactor: Any = MemoryReactorClock()
    with pytest.raises(ConfigError, match=r"core\.endpoint: .*Write a client endpoint"):
        Process(loaded, lambda setting: None, reactor, lambda message: None)


@pytest.mark.parametrize("endpoint", ["tcp:core.example.org:5347", "unix:/run/xmppd", "tls:h:5347"])
def test_endpoints_of_every_kind(tmp_path: Path, endpoint: str) -> None:
    loaded = read(tmp_path, LEAST + SECRET + f'[core]\nendpoint = "{endpoint}"\n')
    reactor: Any = MemoryReactorClock()
    process = Process(loaded, lambda setting: None, reactor, lambda message: None)
    assert process.component.domain == "echo.example.org"
