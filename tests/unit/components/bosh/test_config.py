"""The gateway's own table, and the sample that shows it."""

from __future__ import annotations

import re

import pytest

from components.bosh.config import BoshTable, Config
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
