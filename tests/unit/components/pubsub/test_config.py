"""The component's own table, and the sample that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.common.config import Loaded, load
from components.pubsub.config import Config, PubsubTable, policy
from components.pubsub.model import xslt
from components.pubsub.model.policy import Policy
from tests.support.process import ROOT
from tests.support.pubsub_bodies import stylesheet
from xmppd.admin.bundle_settings import settings
from xmppd.bundled import BUNDLED, places
from xmppd.config import load as load_server
from xmppd.errors import ConfigError
from xmppd.jid import JID

SAMPLE = (ROOT / "etc" / "pubsub.toml").read_text()
BARE = '[component]\ndomain = "pubsub.example.org"\nsecret = "s"\n'
KEY = re.compile(r"^#(\w+ = )", re.MULTILINE)


def read(directory: Path, text: str) -> Loaded[Config]:
    path = directory / "pubsub.toml"
    path.write_text(text)
    return load(path, Config, "pubsub", {})


def test_the_sample_shows_the_defaults_as_they_are(tmp_path: Path) -> None:
    shown = KEY.sub(r"\1", SAMPLE).replace('admins = ["admin@example.org"]', "admins = []")
    shown = re.sub(r"bodies = {.*}", "bodies = {}", shown)
    for text in (SAMPLE, shown):
        assert read(tmp_path, text).settings.pubsub == PubsubTable()


def test_the_sample_shows_every_key() -> None:
    shown = {found[1].split()[0] for found in KEY.finditer(SAMPLE)}
    assert shown == set(PubsubTable.__struct_fields__)


def test_every_limit_of_the_service_is_the_operators_to_set(tmp_path: Path) -> None:
    numbers = [name for name in PubsubTable.__struct_fields__ if name not in ("name", "create")]
    numbers.remove("admins")
    numbers.remove("bodies")
    lines = "\n".join(f"{name} = {4_000 + n}" for n, name in enumerate(numbers))
    text = f'{BARE}[pubsub]\nadmins = ["nurse@example.org"]\ncreate = "admins"\n{lines}\n'
    rules = policy(read(tmp_path, text))
    assert [getattr(rules, name) for name in numbers] == [4_000 + n for n in range(len(numbers))]
    assert rules.admins == {JID.parse("nurse@example.org")}
    assert rules.create == "admins"
    assert policy(read(tmp_path, BARE)) == Policy(domains=rules.domains)


def test_transformations_are_read_from_the_directory_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xslt, "PATIENCE", 60)
    (tmp_path / "body.xslt").write_bytes(stylesheet("<xsl:value-of select='name(*)'/>"))
    text = f'{BARE}[pubsub.bodies]\n"http://example.org/body.xslt" = "body.xslt"\n'
    bodies = policy(read(tmp_path, text)).bodies
    assert list(bodies) == ["http://example.org/body.xslt"]
    assert bodies["http://example.org/body.xslt"](b"<act/>") == "act"


def test_the_servers_own_file_has_them_too(tmp_path: Path) -> None:
    """What `[bundled.settings.pubsub]` says is written into the component's file."""
    (tmp_path / "body.xslt").write_bytes(stylesheet("."))
    path = tmp_path / "xmppd.toml"
    file = tmp_path / "body.xslt"
    path.write_text(
        '[server]\ndomains = ["example.org"]\n[bundled.settings.pubsub.bodies]\n'
        f'"http://example.org/body.xslt" = "{file}"\n'
    )
    config = load_server(path)
    (place,) = (each for each in places(config, str(path)) if each.bundled.name == "pubsub")
    written = settings(place, config).replace("[component]", '[component]\nsecret = "s"')
    assert list(policy(read(tmp_path, written)).bodies) == ["http://example.org/body.xslt"]


def test_what_the_sample_says_of_the_servers_file_is_what_the_bundled_one_gets(
    tmp_path: Path,
) -> None:
    block = "\n".join(re.findall(r"^#(?:     (.*))?$", SAMPLE, re.MULTILINE))
    path = tmp_path / "xmppd.toml"
    path.write_text(f'[server]\ndomains = ["example.org"]\n{block}\n')
    (component,) = load_server(path).components.values()
    (bundled,) = (each for each in BUNDLED if each.name == "pubsub")
    for name, granted in bundled.grants.items():
        said = getattr(component, name)
        if isinstance(granted, dict):
            said = {
                key: tuple(value) if name == "delegation" else value for key, value in said.items()
            }
        assert said == granted, name


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("nodez = 3", "pubsub.nodez", "Did you mean [pubsub] nodes?"),
        ("items = 0", "pubsub.items", "1 or more"),
        ("item_octets = 10", "pubsub.item_octets", "1024 or more"),
        ('create = "nobody"', "pubsub.create", 'one of "admins", "everybody"'),
        ('admins = ["example.org"]', "pubsub.admins", "example.org"),
        ('admins = ["a@b.lit/c"]', "pubsub.admins", "no bare JID"),
        ("bodies = 3", "pubsub.bodies", "expected table"),
        ("bodies = { a = 3 }", "pubsub.bodies", "expected string"),
        ('bodies = { a = "x.xslt" }', "pubsub.bodies.a", '"a" is no URL'),
        ('bodies = { "" = "x.xslt" }', 'pubsub.bodies.""', "is no URL"),
        ('bodies = { "urn:x" = "x.xslt" }', 'pubsub.bodies."urn:x"', "x.xslt can't be read (No"),
        (
            'bodies = { "urn:x" = "pubsub.toml" }',
            'pubsub.bodies."urn:x"',
            "is no stylesheet (Start",
        ),
    ],
)
def test_a_fault_is_one_line(tmp_path: Path, line: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(read(tmp_path, f"{BARE}[pubsub]\n{line}\n"))
    said = str(caught.value)
    assert key in said
    assert says in said
    assert "\n" not in said
