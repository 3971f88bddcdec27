"""The component's own table, and the sample that shows it."""

from __future__ import annotations

import re

import msgspec
import pytest

from components.common.config import load
from components.pubsub.model.policy import Policy
from components.vcard import avatar, tap
from components.vcard.config import Config, VCardTable
from components.vcard.vcard import Limits
from tests.support.process import ROOT
from tests.support.vcards import photo, png
from xmppd.config import load as load_server
from xmppd.errors import ConfigError

SAMPLE = (ROOT / "etc" / "vcard.toml").read_text()
KEY = re.compile(r"^#(\w+ = )", re.MULTILINE)


def read(directory, text):
    path = directory / "vcard.toml"
    path.write_text(text)
    return load(path, Config, "vcard", {}).settings


@pytest.mark.parametrize("text", [SAMPLE, KEY.sub(r"\1", SAMPLE)])
def test_the_sample_shows_the_defaults_as_they_are(tmp_path, text):
    assert read(tmp_path, text).vcard == VCardTable()


def test_the_sample_shows_every_key():
    shown = {found[1].split()[0] for found in KEY.finditer(SAMPLE)}
    assert shown == set(VCardTable.__struct_fields__)


def test_what_the_sample_says_of_the_servers_file_can_be_loaded(tmp_path):
    block = "\n".join(re.findall(r"^#     (.*)$", SAMPLE, re.MULTILINE))
    path = tmp_path / "xmppd.toml"
    path.write_text(f'[server]\ndomains = ["example.org"]\n{block}\n')
    (component,) = load_server(path).components.values()
    assert set(component.delegation) == {"vcard-temp", "urn:ietf:params:xml:ns:vcard-4.0"}
    assert component.iq == {"http://jabber.org/protocol/pubsub": "set"}


def test_the_sizes_are_those_that_vcards_are_checked_by(tmp_path):
    table = read(tmp_path, SAMPLE + "octets = 5000\nphoto_octets = 0\n").vcard
    assert table.limits == Limits(5_000, 0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("octets = 10", "vcard.octets"),
        ("photo_octets = -1", "vcard.photo_octets"),
        ("search = 'nobody'", "vcard.search"),
        ("searches_per_minute = 0", "vcard.searches_per_minute"),
        ("octet = 5000", "Did you mean"),
    ],
)
def test_a_fault_is_one_line(tmp_path, line, says):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{SAMPLE}{line}\n")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_the_largest_photo_fits_in_an_item_of_publish_subscribe_xep0398_3_2():
    largest = photo(b"x" * (Limits().photo - len(png())))
    assert len(largest.data) == Limits().photo
    assert len(avatar.data(largest).render()) <= Policy().item_octets


def test_the_remedies_name_keys_that_there_are():
    from xmppd.reasons import REASONS

    for code in ("limit.vcard", "limit.photo", "search.stranger", "search.rate"):
        remedy = REASONS[code][1]
        named = set(re.findall(r"\b\w*(?:octets|search\w*)\b(?= =| in )", remedy))
        assert named and named <= set(VCardTable.__struct_fields__), (code, remedy)


def test_the_program_has_its_own_file():
    assert tap.PROGRAM.name == "vcard"
    assert msgspec.structs.fields(Config)[-1].name == "vcard"
