"""The small services of the server itself: ping, version, time, uptime, contacts, sessions."""

import time

import pytest

from tests.support.server import DOMAIN, Verona, condition
from xmppd import __version__, ns

ROMEO = f"romeo@{DOMAIN}"
INFO = f"<query xmlns='{ns.DISCO_INFO}'/>"
X = f"{{{ns.DATA_FORM}}}"


@pytest.fixture
def zone(monkeypatch):
    """Set the time zone of the process."""

    def use(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    monkeypatch.undo()
    time.tzset()


# ---------------------------------------------------------------- XEP-0199


@pytest.mark.parametrize("to", [None, DOMAIN, f"juliet@{DOMAIN}"])
def test_xep_0199_4_2_a_ping_is_answered_with_an_empty_result(juliet, to):
    answer = juliet.ask(f"<ping xmlns='{ns.PING}'/>", to=to)
    assert (answer.get("type"), len(answer)) == ("result", 0)


# ---------------------------------------------------------------- XEP-0092


def test_xep_0092_2_the_server_tells_name_and_version_and_no_operating_system(juliet):
    query = juliet.ask(f"<query xmlns='{ns.VERSION}'/>", to=DOMAIN)[0]
    told = [(child.tag, child.text) for child in query]
    name, version = f"{{{ns.VERSION}}}name", f"{{{ns.VERSION}}}version"
    assert told == [(name, "xmppd"), (version, __version__)]


# ---------------------------------------------------------------- XEP-0202


@pytest.mark.parametrize(
    ("tz", "offset"), [("UTC", "+00:00"), ("VRN-1", "+01:00"), ("NST3:30", "-03:30")]
)
def test_xep_0202_2_the_server_tells_utc_and_its_offset(juliet, zone, tz, offset):
    zone(tz)
    told = juliet.ask(f"<time xmlns='{ns.TIME}'/>", to=DOMAIN)[0]
    assert told.findtext(f"{{{ns.TIME}}}tzo") == offset
    assert told.findtext(f"{{{ns.TIME}}}utc") == "2006-12-08T01:58:35Z"


# ---------------------------------------------------------------- XEP-0012


def test_xep_0012_5_the_server_tells_how_long_it_has_been_up(server, juliet):
    server.clock.advance(123.9)
    query = juliet.ask(f"<query xmlns='{ns.LAST}'/>", to=DOMAIN)[0]
    assert query.get("seconds") == "123"
    assert not query.text


# ---------------------------------------------------------------- XEP-0157


def test_xep_0157_3_addresses_stand_in_a_form_of_disco_info():
    addresses = ["mailto:abuse@capulet.lit", "xmpp:abuse@capulet.lit"]
    server = Verona(contact={"abuse": addresses, "admin": ["mailto:xmpp@capulet.lit"]})
    x = server.log_in("juliet").ask(INFO, to=DOMAIN).find(f".//{X}x")
    assert x.get("type") == "result"
    assert x.find(f"{X}field[@var='FORM_TYPE']").get("type") == "hidden"
    assert {field.get("var"): [value.text for value in field] for field in x} == {
        "FORM_TYPE": ["http://jabber.org/network/serverinfo"],
        "abuse-addresses": addresses,
        "admin-addresses": ["mailto:xmpp@capulet.lit"],
    }


def test_xep_0157_without_addresses_there_is_no_form(juliet):
    assert juliet.ask(INFO, to=DOMAIN).find(f".//{X}x") is None


def test_xep_0157_addresses_follow_a_reload(server, juliet):
    server.reload(contact={"status": ["https://capulet.lit/status"]})
    x = juliet.ask(INFO, to=DOMAIN).find(f".//{X}x")
    assert [field.get("var") for field in x] == ["FORM_TYPE", "status-addresses"]


# ---------------------------------------------------------------- RFC 3921, RFC 6120


@pytest.mark.parametrize("to", [None, DOMAIN])
def test_rfc_3921_3_a_session_is_there_already(juliet, to):
    answer = juliet.ask(f"<session xmlns='{ns.SESSION}'/>", "set", to)
    assert (answer.get("type"), len(answer)) == ("result", 0)


@pytest.mark.parametrize("to", [None, DOMAIN])
def test_rfc_6120_7_1_a_second_bind_is_not_allowed(juliet, to):
    assert condition(juliet.ask(f"<bind xmlns='{ns.BIND}'/>", "set", to)) == "not-allowed"


@pytest.mark.parametrize(
    "payload", [f"<session xmlns='{ns.SESSION}'/>", f"<bind xmlns='{ns.BIND}'/>"]
)
def test_nobody_has_a_session_with_anothers_account(juliet, payload):
    assert condition(juliet.ask(payload, "set", ROMEO)) == "service-unavailable"
