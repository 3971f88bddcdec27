"""Which bundled components a configuration leaves to the server."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from xmppd import bundled
from xmppd.bundled import BUNDLED, Bundled, Secrets, extended, places, socket_path
from xmppd.config import Component, load
from xmppd.errors import ConfigError

PLUGINS = Path(__file__).parents[2] / "twisted/plugins/xmppd_components.py"

FACES = Bundled("faces", "faces", {"delegation": {"vcard-temp": ()}, "message": "outgoing"})
ECHO = Bundled("echo", "parrot")


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setattr(bundled, "BUNDLED", (FACES, ECHO))


@pytest.fixture
def configure(tmp_path):
    def make(text="", data="data"):
        path = tmp_path / "xmppd.toml"
        path.write_text(
            f'[server]\ndomains = ["capulet.lit", "mantua.lit"]\ndata = "{data}"\n{text}'
        )
        return load(path)

    return make


def unwanted(config):
    return {place.bundled.name: place.unwanted for place in places(config, "xmppd.toml")}


def test_each_has_a_program_a_domain_and_grants_that_do_not_meet():
    programs = re.findall(r'"(xmppd-\w+)"', PLUGINS.read_text())
    assert [each.plugin for each in BUNDLED if each.plugin not in programs] == []
    for what in ("name", "subdomain"):
        found = [getattr(each, what) for each in BUNDLED]
        assert len(set(found)) == len(found)
    delegated = [name for each in BUNDLED for name in each.grants.get("delegation", ())]
    assert len(set(delegated)) == len(delegated)
    for each in BUNDLED:
        assert Component(secret="a" * 8, **each.grants)


def test_all_of_them_are_there_below_the_first_domain(configure):
    found = places(configure(), "xmppd.toml")
    assert [(place.domain, place.unwanted) for place in found] == [
        ("faces.capulet.lit", ""),
        ("parrot.capulet.lit", ""),
    ]


def test_each_gets_a_table_as_an_operator_would_write_it(configure):
    secrets = Secrets()
    components = extended(configure(), "xmppd.toml", secrets).components
    assert components == {
        "faces.capulet.lit": Component(
            secret=secrets["faces"], delegation={"vcard-temp": ()}, message="outgoing"
        ),
        "parrot.capulet.lit": Component(secret=secrets["echo"]),
    }
    assert len(secrets["echo"]) == 48
    assert secrets["echo"] != secrets["faces"]
    assert Secrets()["echo"] != secrets["echo"]


OWN = "secret = 'wherefore art thou'\n"


@pytest.mark.parametrize(
    ("text", "faces", "echo"),
    [
        ("[bundled]\nstart = false", "[bundled] start is false", "[bundled] start is false"),
        ("[bundled]\noff = ['faces']", "[bundled] off names it", ""),
        (
            f"[components.'parrot.capulet.lit']\n{OWN}",
            "",
            "[components] has parrot.capulet.lit",
        ),
        (
            f"[components.'mirror.mantua.lit']\n{OWN}domains = ['mantua.lit']\n"
            "delegation = {'vcard-temp' = []}",
            "[components] delegates vcard-temp to mirror.mantua.lit",
            "",
        ),
    ],
)
def test_what_the_operator_says_goes_before(configure, text, faces, echo):
    config = configure(text)
    assert unwanted(config) == {"faces": faces, "echo": echo}
    found = extended(config, "xmppd.toml", Secrets()).components
    assert len(found) == len(config.components) + (not faces) + (not echo)


def test_domain_of_the_server_is_no_components(configure):
    config = configure()
    server = structs.replace(config.server, domains=("capulet.lit", "parrot.capulet.lit"))
    assert unwanted(structs.replace(config, server=server))["echo"] == (
        "parrot.capulet.lit is a domain of the server itself"
    )


def test_what_keeps_something_of_users_is_not_for_guests(configure, monkeypatch):
    kept = FACES._replace(guests=False)
    monkeypatch.setattr(bundled, "BUNDLED", (kept, ECHO))
    found = extended(configure("[auth]\nanonymous = ['capulet.lit']"), "", Secrets()).components
    assert {name: table.domains for name, table in found.items()} == {
        "faces.mantua.lit": ("mantua.lit",),
        "parrot.capulet.lit": (),
    }
    masks = configure("[auth]\nanonymous = ['capulet.lit', 'mantua.lit']")
    assert unwanted(masks) == {"faces": "[auth] anonymous has every domain", "echo": ""}
    assert {place.domains for place in places(configure(), "")} == {()}


def test_configuration_that_wants_none_is_left_as_it_is(configure):
    config = configure("[bundled]\nstart = false")
    assert extended(config, "xmppd.toml", Secrets()) is config


@pytest.mark.parametrize("text", ["off = ['apothecary']", "settings.apothecary.poison = true"])
def test_one_that_there_is_not_is_named(configure, text):
    with pytest.raises(ConfigError) as caught:
        places(configure(f"[bundled]\n{text}"), "xmppd.toml")
    told = str(caught.value)
    assert re.match(r"xmppd.toml: bundled.(off|settings): no bundled component is called", told)
    assert told.endswith("There are: faces, echo")


def test_socket_whose_path_is_too_long_is_told(configure):
    text = "[listen]\ncontrol = '/run/xmppd.sock'\n"
    config = configure(text, data=f"/{'d' * 100}")
    assert socket_path(config) == f"/{'d' * 100}/components.sock"
    with pytest.raises(ConfigError, match=r"server\.data: .* a socket's path at most 107"):
        places(config, "xmppd.toml")
    assert places(configure(f"{text}[bundled]\nstart = false", data=f"/{'d' * 100}"), "")
