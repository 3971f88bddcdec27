"""What users do with their own account in-band (XEP-0077 §3.2, §3.3), and with no other."""

import pytest

from tests.support.deferred import result
from tests.support.logs import logged
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Verona, condition
from xmppd import ns
from xmppd.jid import JID

QUERY = f"<query xmlns='{ns.REGISTER}'/>"
REMOVE = f"<query xmlns='{ns.REGISTER}'><remove/></query>"
R, X = f"{{{ns.REGISTER}}}", f"{{{ns.DATA_FORM}}}"
JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
NEW = "a rose by any other name"


def fields(username="juliet", password=NEW):
    given = (("username", username), ("password", password))
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given if value is not None)
    return f"<query xmlns='{ns.REGISTER}'>{inner}</query>"


def form(username="juliet", password=NEW):
    values = {"FORM_TYPE": ns.REGISTER, "username": username, "password": password}
    inner = "".join(
        f"<field var='{v}'><value>{value}</value></field>" for v, value in values.items() if value
    )
    x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{inner}</x>"
    return f"<query xmlns='{ns.REGISTER}'>{x}</query>"


def lets_in(server, name, password):
    client = server.connect().open().authenticate(name, password)
    found = [e.tag for e in client.elements()]
    client.hang_up()
    return f"{{{ns.SASL}}}success" in found


def exists(server, name):
    return result(server.host.stores.accounts.exists(JID.of(name, DOMAIN)))


@pytest.fixture(params=["off", "on"])
def server(request):
    """Users keep their rights over their account whether registration is open or not."""
    return Verona(registration={"policy": request.param})


# ---------------------------------------------------------------- the log


def test_log_tells_of_each_account_made_changed_and_removed_and_of_no_password():
    server = Verona(registration={"policy": "on"})
    with logged() as messages:
        stranger = server.connect(STRANGER, secure=True).open()
        stranger.ask(fields("nurse", "angelica, good angelica"), "set")
        nurse = server.connect(STRANGER, secure=True).log_in("nurse", "angelica, good angelica")
        nurse.ask(fields("nurse", NEW), "set")
        nurse.ask(REMOVE, "set")
    assert [text for text in messages if text.startswith("account")] == [
        f"account nurse@{DOMAIN}: registered from {STRANGER}",
        f"account nurse@{DOMAIN}: password set from {STRANGER}",
        f"account nurse@{DOMAIN}: removed from {STRANGER}",
    ]
    assert not any("angelica" in text or NEW in text for text in messages)


# ---------------------------------------------------------------- §3.1


@pytest.mark.parametrize("to", [None, DOMAIN, JULIET])
def test_3_1_a_user_reads_that_and_as_whom_he_is_registered(juliet, to):
    query = juliet.ask(QUERY, to=to)[0]
    assert query.find(f"{R}registered") is not None
    assert query.findtext(f"{R}username") == "juliet"
    assert query.find(f"{R}password").text is None
    assert query.findtext(f"{X}x/{X}field[@var='username']/{X}value") == "juliet"


# ---------------------------------------------------------------- §3.3: the password


@pytest.mark.parametrize("to", [None, DOMAIN])
@pytest.mark.parametrize("request_", [fields(), form(), fields(JULIET), form(JULIET)])
def test_3_3_a_user_changes_his_own_password(server, juliet, to, request_):
    answer = juliet.ask(request_, "set", to=to)
    assert (answer.get("type"), len(answer)) == ("result", 0)
    assert lets_in(server, "juliet", NEW)
    assert not lets_in(server, "juliet", PASSWORD)


@pytest.mark.parametrize(
    "username", ["romeo", ROMEO, f"juliet@{DOMAIN}/tomb", "juliet@montague.lit", "@"]
)
def test_3_3_nobody_changes_anothers_password(server, juliet, username):
    assert condition(juliet.ask(fields(username), "set", to=DOMAIN)) == "forbidden"
    assert lets_in(server, "romeo", PASSWORD)
    assert lets_in(server, "juliet", PASSWORD)


@pytest.mark.parametrize("payload", [fields("romeo"), fields("juliet"), REMOVE, QUERY])
@pytest.mark.parametrize("type_", ["get", "set"])
def test_nobody_touches_an_account_by_addressing_it(server, juliet, payload, type_):
    known = juliet.ask(payload, type_, to=ROMEO)
    unknown = juliet.ask(payload, type_, to=f"nobody@{DOMAIN}")
    assert condition(known) == condition(unknown) == "service-unavailable"
    server.clock.advance(1)
    assert lets_in(server, "romeo", PASSWORD)
    assert lets_in(server, "juliet", PASSWORD)


def test_an_account_of_the_same_name_at_another_domain_is_anothers():
    server = Verona(server={"domains": [DOMAIN, "montague.lit"]})
    server.account("juliet", domain="montague.lit")
    juliet = server.log_in("juliet")
    for payload in (fields(), REMOVE):
        assert condition(juliet.ask(payload, "set", to="montague.lit")) == "service-unavailable"
    server.clock.advance(1)
    assert result(server.host.stores.accounts.exists(JID("juliet@montague.lit")))
    assert lets_in(server, "juliet", PASSWORD)


@pytest.mark.parametrize(
    "incomplete", [fields(None), fields(""), fields(password=None), fields(password=""), QUERY]
)
def test_3_3_table_2_an_incomplete_request_is_a_bad_request(server, juliet, incomplete):
    assert condition(juliet.ask(incomplete, "set")) == "bad-request"
    assert lets_in(server, "juliet", PASSWORD)


@pytest.mark.parametrize("password", ["rose", "a rose\u0221 by", "\u00ad" * 8])
def test_an_unusable_password_is_not_acceptable(server, juliet, password):
    assert condition(juliet.ask(fields(password=password), "set")) == "not-acceptable"
    assert lets_in(server, "juliet", PASSWORD)


def test_3_3_table_2_a_password_in_the_clear_is_not_authorized():
    server = Verona(tls={"require": False}, auth={"plain_without_tls": "always"})
    juliet = server.connect(STRANGER).log_in("juliet")
    server.reload(tls={"require": False}, auth={"plain_without_tls": "loopback"})
    assert condition(juliet.ask(fields(), "set")) == "not-authorized"
    assert lets_in(server, "juliet", PASSWORD)
    secure = server.connect(STRANGER, secure=True).log_in("juliet")
    assert secure.ask(fields(), "set").get("type") == "result"


def test_who_has_no_account_any_more_is_told_to_register(server, juliet):
    result(server.host.stores.accounts.remove(JID.of("juliet", DOMAIN)))
    for payload in (fields(), REMOVE):
        assert condition(juliet.ask(payload, "set")) == "registration-required"


# ---------------------------------------------------------------- §3.2: cancelling


@pytest.mark.parametrize("to", [None, DOMAIN])
def test_3_2_the_result_comes_first_then_every_stream_of_the_account_ends(server, juliet, to):
    elsewhere = server.log_in("juliet", "tomb")
    unbound = server.connect().open().authenticate("juliet").open()
    unbound.take()
    romeo = server.log_in("romeo")
    answer = juliet.ask(REMOVE, "set", to=to)
    assert (answer.get("type"), len(answer)) == ("result", 0)
    server.clock.advance(0)
    for client in (juliet, elsewhere, unbound):
        assert client.closed
        assert condition(client.one()) == "not-authorized"
    assert not romeo.closed
    assert not exists(server, "juliet")
    assert exists(server, "romeo")
    assert not lets_in(server, "juliet", PASSWORD)


def test_3_2_modules_hear_of_the_removal(server, juliet):
    heard = []
    server.host.hooks.account_removed.add(0, heard.append)
    juliet.ask(REMOVE, "set")
    assert heard == [JID.parse(JULIET)]


def test_3_2_table_1_remove_stands_alone(server, juliet):
    request = f"<query xmlns='{ns.REGISTER}'><remove/><username>juliet</username></query>"
    assert condition(juliet.ask(request, "set")) == "bad-request"
    server.clock.advance(1)
    assert not juliet.closed
    assert exists(server, "juliet")


def test_an_account_made_again_starts_anew():
    server = Verona(registration={"policy": "on"})
    juliet = server.log_in("juliet")
    juliet.ask(REMOVE, "set")
    server.clock.advance(0)
    again = server.connect().open()
    again.take()
    assert again.ask(fields(), "set").get("type") == "result"
    assert lets_in(server, "juliet", NEW)
    assert not lets_in(server, "juliet", PASSWORD)


# ---------------------------------------------------------------- who has no account


@pytest.fixture
def anonymous():
    """A client that has logged in without an account (XEP-0175), and its server."""
    server = Verona(auth={"anonymous": [DOMAIN]}, registration={"policy": "on"})
    client = server.connect().open()
    client.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open().bind()
    client.take()
    return client


@pytest.mark.parametrize("payload", [REMOVE, fields(), form()])
def test_who_is_anonymous_changes_nothing(anonymous, payload):
    assert condition(anonymous.ask(payload, "set")) == "not-allowed"
    count = anonymous.server.host.stores.accounts.count(DOMAIN)
    assert result(count) == 2


def test_who_is_anonymous_makes_no_account_of_its_own_name(anonymous):
    name = anonymous.connection.session.account.local
    assert condition(anonymous.ask(fields(name), "set")) == "not-allowed"
    assert condition(anonymous.ask(QUERY)) == "not-allowed"
