"""The component's own tables, and the sample that shows them."""

from __future__ import annotations

import re

import pytest

from components.common.config import load
from components.muc.config import Config, MUCTable, Rates, policy, room_defaults
from components.muc.defaults import Defaults
from components.muc.model.rates import Limits
from components.muc.model.settings import DEFAULTS, Settings
from tests.support.process import ROOT
from xmppd.config import load as load_server
from xmppd.errors import ConfigError

SAMPLE = (ROOT / "etc" / "muc.toml").read_text()
BARE = '[component]\ndomain = "conference.example.org"\nsecret = "s"\n'
KEY = re.compile(r"^#(\w+ = )", re.MULTILINE)


def read(directory, text):
    path = directory / "muc.toml"
    path.write_text(text)
    return load(path, Config, "muc", {})


def defaults(directory, lines):
    loaded = read(directory, f"{SAMPLE}{lines}\n")
    return room_defaults(loaded, policy(loaded))


def test_the_sample_shows_the_defaults_as_they_are(tmp_path):
    shown = KEY.sub(r"\1", SAMPLE).replace('admins = ["admin@example.org"]', "admins = []")
    for text in (SAMPLE, shown):
        assert read(tmp_path, text).settings.muc == MUCTable()


def test_the_sample_shows_every_key():
    of_service, rest = SAMPLE.split("[muc.rates]\n#")
    of_rates, of_rooms = rest.split("[muc.defaults]")
    for text, table in ((of_service, MUCTable), (of_rates, Rates), (of_rooms, Defaults)):
        shown = {found[1].split()[0] for found in KEY.finditer(text)}
        assert shown == set(table.__struct_fields__) - {"defaults", "rates"}


def test_rates_are_as_the_operator_has_them_be(tmp_path):
    assert policy(read(tmp_path, BARE)).rates == Limits()
    said = read(tmp_path, f"{BARE}[muc.rates]\nmessages = 0\njoins = 2.5\n")
    assert policy(said).rates == Limits(messages=0, joins=2.5)


def test_whom_the_server_has_for_guests_rooms_do_too(tmp_path):
    assert policy(read(tmp_path, BARE)).guests == ()
    said = policy(read(tmp_path, f'{BARE}[core]\nguests = ["masks.example.org"]\n'))
    assert said.guests == ("masks.example.org",)


def test_what_the_sample_says_of_the_servers_file_can_be_loaded(tmp_path):
    block = "\n".join(re.findall(r"^#     (.*)$", SAMPLE, re.MULTILINE))
    path = tmp_path / "xmppd.toml"
    path.write_text(f'[server]\ndomains = ["example.org"]\n{block}\n')
    (component,) = load_server(path).components.values()
    assert (component.multicast, component.accounts) == (1000, True)


def test_rooms_are_as_the_operator_has_them_be(tmp_path):
    assert defaults(tmp_path, "") == DEFAULTS
    lines = 'persistent = true\nwhois = "anyone"\npresence_broadcast = ["moderator"]\nhistory = 0'
    assert defaults(tmp_path, lines) == Settings(
        persistent=True,
        whois="anyone",
        presence_broadcast=frozenset({"moderator"}),
        history=0,
    )


def test_rooms_get_no_more_than_the_service_allows(tmp_path):
    text = SAMPLE.replace("#history = 200", "history = 10").replace("#occupants", "occupants")
    loaded = read(tmp_path, f"{text}max_occupants = 9000\n")
    made = room_defaults(loaded, policy(loaded))
    assert (made.history, made.max_occupants) == (10, 5_000)


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("persistant = true", "muc.defaults.persistant", "Did you mean [muc.defaults] persistent?"),
        ("owned = 3", "muc.defaults.owned", "It belongs in [muc]"),
        ("persistent = 1", "muc.defaults.persistent", "true or false"),
        ('whois = "nobody"', "muc.defaults.whois", 'one of "anyone", "moderators"'),
        ('member_list = ["owner"]', "muc.defaults.member_list", 'one of "moderator"'),
        ("history = -1", "muc.defaults.history", "not less than 0"),
        ('lang = "tongue of Verona"', "muc.defaults.lang", "a language is wanted"),
        (f'name = "{"O" * 201}"', "muc.defaults.name", "no more than 200 characters"),
        (f'password = "{"O" * 501}"', "muc.defaults.password", "no more than 500 characters"),
        ('question = "Who goes there?"', "muc.defaults.question", "no answer"),
    ],
)
def test_a_fault_is_one_line(tmp_path, line, key, says):
    with pytest.raises(ConfigError) as caught:
        defaults(tmp_path, line)
    said = str(caught.value)
    assert key in said and says in said and "\n" not in said
