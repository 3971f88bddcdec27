"""`[core] endpoint`: made, taken from the file's directory, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from components.common import endpoint
from components.common.config import Loaded, Settings, load
from tests.support.certificates import Authority
from xmppd.errors import ConfigError

LEAST = '[component]\ndomain = "echo.example.org"\nsecret = "x"\n[core]\n'


def reading(directory: Path, description: str) -> Loaded[Settings]:
    path = directory / "echo.toml"
    path.write_text(f"{LEAST}endpoint = '{description}'\n")
    return load(path, Settings, "echo", {})


def refusal(directory: Path, description: str) -> str:
    with pytest.raises(ConfigError) as caught:
        endpoint.made(reading(directory, description), MemoryReactorClock())
    told = str(caught.value)
    assert told.startswith(f"{directory / 'echo.toml'}:5: core.endpoint: ")
    assert "\n" not in told
    return told.partition("core.endpoint: ")[2]


def test_what_is_wrong_with_it_is_told_in_words_of_operators(tmp_path: Path) -> None:
    told = refusal(tmp_path, "tls:example.org")
    assert "missing 1 required positional argument: 'port'" in told and "()" not in told
    assert 'such as "tcp:127.0.0.1:5347" or "tls:example.org:5348"' in told


def test_whom_it_trusts_has_to_be_there_and_readable(tmp_path: Path) -> None:
    description = "tls:example.org:5348:trustRoots=authorities"
    directory = tmp_path / "authorities"
    assert f"{directory} can't be read (No such file or directory). Have" in refusal(
        tmp_path, description
    )
    directory.mkdir()
    (directory / "authority.crt").write_text("under another ending nobody looks at it")
    assert f"there is no *.pem in {directory}. Have" in refusal(tmp_path, description)
    Authority().write(directory / "authority.pem")
    endpoint.made(reading(tmp_path, description), MemoryReactorClock())
    (directory / "other.PEM").write_text("none")
    assert f"{directory / 'other.PEM'} is no certificate" in refusal(tmp_path, description)
    (directory / "other.PEM").unlink()
    (directory / "directory.pem").mkdir()
    assert f"{directory / 'directory.pem'} can't be read" in refusal(tmp_path, description)


@pytest.mark.parametrize("name", ["run", "a:b"])
@pytest.mark.parametrize("form", ["unix:{}", "unix:path={}", "unix:timeout=3:path={}"])
def test_relative_paths_are_taken_from_the_files_directory(
    tmp_path: Path, name: str, form: str
) -> None:
    directory = tmp_path / name
    directory.mkdir()
    for path in ("x.sock", "/x.sock"):
        reactor: Any = MemoryReactorClock()
        endpoint.made(reading(directory, form.format(path)), reactor).connect(None)
        [(connected, *_)] = reactor.unixClients
        assert Path(connected) == directory / path
