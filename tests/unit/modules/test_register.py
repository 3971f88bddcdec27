"""Making accounts before login (XEP-0077 §3.1.1), and whom the policy lets."""

import pytest

from tests.support.deferred import result
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Verona, condition
from xmppd import ns
from xmppd.jid import JID

QUERY = f"<query xmlns='{ns.REGISTER}'/>"
R, X = f"{{{ns.REGISTER}}}", f"{{{ns.DATA_FORM}}}"
GET_SET_CONDITIONS = ("service-unavailable", "not-allowed")


def fields(username="mercutio", password="queen mab"):
    """The old-style fields; None leaves one out."""
    given = (("username", username), ("password", password))
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given if value is not None)
    return f"<query xmlns='{ns.REGISTER}'>{inner}</query>"


def form(
    username="mercutio", password="queen mab", *, more="", form_type=ns.REGISTER, type_="submit"
):
    """The data form filled in."""
    values = {"FORM_TYPE": form_type, "username": username, "password": password}
    inner = "".join(
        f"<field var='{var}'><value>{value}</value></field>"
        for var, value in values.items()
        if value is not None
    )
    x = f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{inner}</x>"
    return f"<query xmlns='{ns.REGISTER}'>{more}{x}</query>"


def open_to(policy, **more):
    return Verona(registration={"policy": policy, **more})


def exists(server, name):
    return result(server.host.stores.accounts.exists(JID.of(name, DOMAIN)))


@pytest.fixture
def server():
    return open_to("on")


@pytest.fixture
def stranger(server):
    client = server.connect().open()
    client.take()
    return client


# ---------------------------------------------------------------- §3.1, §4: the fields


def test_3_1_the_required_fields_are_told_old_style_and_as_a_form(stranger):
    query = stranger.ask(QUERY)[0]
    assert [child.tag for child in query] == [
        f"{R}instructions",
        f"{R}username",
        f"{R}password",
        f"{X}x",
    ]
    x = query[-1]
    assert x.get("type") == "form"
    assert x.findtext(f"{X}field[@var='FORM_TYPE']/{X}value") == ns.REGISTER
    required = [f.get("var") for f in x.iterfind(f"{X}field") if f.find(f"{X}required") is not None]
    assert required == ["username", "password"]


@pytest.mark.parametrize("filled_in", [fields(), form(), form(form_type=None)])
def test_3_1_filled_in_either_way_they_make_an_account_that_can_log_in(server, stranger, filled_in):
    answer = stranger.ask(filled_in, "set", to=DOMAIN)
    assert (answer.get("type"), len(answer)) == ("result", 0)
    stranger.log_in("mercutio", "queen mab")
    assert stranger.jid.bare == f"mercutio@{DOMAIN}"


def test_3_1_the_name_is_prepared(server, stranger):
    stranger.ask(fields("MerCutio"), "set")
    assert exists(server, "mercutio")


def test_4_rule_5_the_form_precedes_the_old_fields(server, stranger):
    old = "<username>tybalt</username><password>prince of cats</password>"
    stranger.ask(form(more=old), "set")
    assert exists(server, "mercutio")
    assert not exists(server, "tybalt")


@pytest.mark.parametrize("wrong", [{"form_type": "jabber:iq:register:cancel"}, {"type_": "cancel"}])
def test_4_another_form_registers_nobody(server, stranger, wrong):
    assert condition(stranger.ask(form(**wrong), "set")) == "bad-request"
    assert not exists(server, "mercutio")


# ---------------------------------------------------------------- §3.1: the errors


def test_3_1_a_taken_name_is_a_conflict_and_the_account_stays_as_it_is(server, stranger):
    answer = stranger.ask(fields("juliet"), "set")
    assert condition(answer) == "conflict"
    assert (answer[0].get("type"), answer[0].get("code")) == ("cancel", "409")
    server.connect().log_in("juliet", PASSWORD)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        (None, "queen mab"),
        ("", "queen mab"),
        ("mercutio", None),
        ("mercutio", ""),
        ("mer@cutio", "queen mab"),
        ("mer/cutio", "queen mab"),
        ("m" * 1024, "queen mab"),
        ("\u00ad", "queen mab"),
        ("mercutio", "queen m"),
        ("mercutio", "queen\u0221mab"),
        ("mercutio", "\u00ad" * 8),
    ],
)
@pytest.mark.parametrize("fill_in", [fields, form])
def test_3_1_what_is_missing_or_unusable_is_not_acceptable(
    server, stranger, fill_in, username, password
):
    answer = stranger.ask(fill_in(username, password), "set")
    assert condition(answer) == "not-acceptable"
    assert (answer[0].get("type"), answer[0].get("code")) == ("modify", "406")
    assert not exists(server, "mercutio")


def test_the_shortest_password_is_configured(server, stranger):
    server.reload(registration={"policy": "on", "min_password": 3})
    assert stranger.ask(fields(password="mab"), "set").get("type") == "result"


def test_3_2_a_stranger_has_nothing_to_cancel(stranger):
    answer = stranger.ask(f"<query xmlns='{ns.REGISTER}'><remove/></query>", "set")
    assert condition(answer) == "unexpected-request"


def test_registration_is_for_the_streams_own_domain(stranger):
    answer = stranger.ask(fields(), "set", to="montague.lit")
    assert condition(answer) == "service-unavailable"


def test_the_answer_does_not_repeat_the_password(stranger):
    stranger.ask(fields("juliet", "queen mab"), "set")
    assert b"queen mab" not in stranger.log


# ---------------------------------------------------------------- whom the policy lets


@pytest.mark.parametrize(
    ("policy", "address", "allowed"),
    [
        ("off", "127.0.0.1", False),
        ("off", STRANGER, False),
        ("loopback", "127.0.0.1", True),
        ("loopback", STRANGER, False),
        ("on", "127.0.0.1", True),
        ("on", STRANGER, True),
    ],
)
def test_policy(policy, address, allowed):
    server = open_to(policy)
    client = server.connect(address, secure=True).open()
    feature = client.one().find(f"{{{ns.REGISTER_FEATURE}}}register")
    assert (feature is not None) is allowed
    seen = condition(client.ask(QUERY)), condition(client.ask(fields(), "set"))
    assert seen == (("", "") if allowed else GET_SET_CONDITIONS)
    assert exists(server, "mercutio") is allowed


def test_policy_follows_a_reload_on_open_streams(server, stranger):
    server.reload(registration={"policy": "off"})
    assert condition(stranger.ask(fields(), "set")) == "not-allowed"
    server.reload(registration={"policy": "on"})
    assert stranger.ask(fields(), "set").get("type") == "result"


def test_11_no_password_is_taken_before_tls_where_tls_is_required(server):
    client = server.connect(STRANGER).open()
    assert client.one().find(f"{{{ns.REGISTER_FEATURE}}}register") is None
    client.send(f"<iq type='set' id='1'>{fields()}</iq>")
    assert condition(client.one()) == "policy-violation"
    assert client.closed
    assert server.host.refusals.recent[-1].reason == "tls.required"
    assert not exists(server, "mercutio")


def test_11_after_tls_registration_goes_on(server):
    client = server.connect(STRANGER).open()
    client.send(f"<starttls xmlns='{ns.TLS}'/>").open()
    assert client.elements()[-1].find(f"{{{ns.REGISTER_FEATURE}}}register") is not None
    assert client.ask(fields(), "set").get("type") == "result"


def test_11_no_password_is_taken_without_tls_where_plain_is_not():
    server = Verona(registration={"policy": "on"}, auth={"plain_without_tls": "never"})
    client = server.connect().open()
    client.take()
    assert condition(client.ask(fields(), "set")) == "policy-violation"


def test_no_account_is_made_where_everybody_is_anonymous():
    server = Verona(registration={"policy": "on"}, auth={"anonymous": [DOMAIN], "legacy": True})
    client = server.connect().open()
    offered = {child.tag for child in client.one()}
    assert not offered & {f"{{{ns.REGISTER_FEATURE}}}register", f"{{{ns.AUTH_FEATURE}}}auth"}
    assert condition(client.ask(fields(), "set")) == "not-allowed"


@pytest.mark.parametrize("policy", ["off", "loopback", "on"])
def test_10_service_discovery_tells_of_it_whoever_may_register(policy):
    """Those who have an account can change its password."""
    juliet = open_to(policy).log_in("juliet")
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    assert answer.find(f".//{{{ns.DISCO_INFO}}}feature[@var='{ns.REGISTER}']") is not None


# ---------------------------------------------------------------- the rate


def register_from(server, address, name):
    client = server.connect(address, secure=True).open()
    client.take()
    return condition(client.ask(fields(name), "set"))


def test_an_address_registers_so_often_in_so_many_seconds():
    server = open_to("on", per_address=2, per_seconds=60)
    assert register_from(server, STRANGER, "sampson") == ""
    assert register_from(server, STRANGER, "gregory") == ""
    assert register_from(server, STRANGER, "abram") == "resource-constraint"
    assert server.host.refusals.recent[-1].reason == "register.rate"
    assert register_from(server, "192.0.2.8", "abram") == ""
    server.clock.advance(60)
    assert register_from(server, STRANGER, "peter") == ""


def test_one_ipv6_network_is_one_address():
    server = open_to("on", per_address=1)
    assert register_from(server, "2001:db8::1", "sampson") == ""
    assert register_from(server, "2001:db8::2", "gregory") == "resource-constraint"
    assert register_from(server, "2001:db8:0:1::1", "gregory") == ""


def test_taken_names_count_so_that_names_cant_be_tried_for_nothing():
    server = open_to("on", per_address=1)
    assert register_from(server, STRANGER, "juliet") == "conflict"
    assert register_from(server, STRANGER, "romeo") == "resource-constraint"


def test_what_could_never_be_registered_does_not_count():
    server = open_to("on", per_address=1)
    assert register_from(server, STRANGER, "") == "not-acceptable"
    assert register_from(server, STRANGER, "sampson") == ""


@pytest.mark.parametrize(("policy", "second"), [("on", "resource-constraint"), ("loopback", "")])
def test_loopback_is_exempt_only_where_nobody_else_may_register(policy, second):
    server = open_to(policy, per_address=1)
    assert register_from(server, "127.0.0.1", "sampson") == ""
    assert register_from(server, "127.0.0.1", "gregory") == second


def test_8_the_feature_is_offered_only_where_a_password_may_travel():
    tables = {"registration": {"policy": "on"}, "tls": {"require": False}}
    for secure, offered in ((False, False), (True, True)):
        client = Verona(**tables).connect(STRANGER, secure=secure).open()
        assert (ns.REGISTER_FEATURE.encode() in client.take()) is offered
