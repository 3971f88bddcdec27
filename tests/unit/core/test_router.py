"""What a client's stanza goes through before it is delivered (RFC 6120 §8.1, §8.2.3, §10.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sessions import Household, ends, read
from xmppd.core.iq import On
from xmppd.errors import STANZA_CONDITIONS, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire import faults
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
BALCONY = "juliet@capulet.lit/balcony"


def house(lang: str = "") -> Household:
    return Household({"balcony": 0}, lang=lang)


# ---------------------------------------------------------------------- from


@pytest.mark.parametrize(
    "claimed",
    [
        "romeo@montague.lit/orchard",
        "romeo@montague.lit",
        "ROMEO@Montague.LIT/orchard",
        "Romeo@montague.lit",
    ],
)
def test_a_client_may_name_its_own_addresses_rfc6120_8_1_2_1(claimed: str) -> None:
    verona = house()
    verona.send(f"<message from='{claimed}' to='{BALCONY}'><body>Love</body></message>")
    (had,) = verona.juliet["balcony"].elements()
    assert had.get("from") == "romeo@montague.lit/orchard"
    assert verona.juliet["balcony"].written.count(b"from=") == 1


@pytest.mark.parametrize(
    "claimed",
    [
        "romeo@montague.lit/tomb",
        "romeo@montague.lit/ORCHARD",
        "juliet@capulet.lit",
        BALCONY,
        "montague.lit",
        "romeo@capulet.lit",
        "romeo@montague.lit.evil.example",
        "romeo@montague.lit/orchard/x",
        "",
        "@montague.lit",
        "romeo@montague.lit/",
        "a@b@c",
        "romeo\u200e@",
    ],
)
@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
def test_a_forged_from_ends_the_stream_rfc6120_4_9_3_9(kind: str, claimed: str) -> None:
    verona = house()
    with pytest.raises(StreamError) as caught:
        verona.send(f"<{kind} type='error' from='{claimed}' to='{BALCONY}'/>")
    assert (caught.value.condition, caught.value.reason) == ("invalid-from", "stream.invalid-from")
    assert verona.juliet["balcony"].written == b""


def test_a_forgery_is_found_before_a_malformed_to_is_answered() -> None:
    with pytest.raises(StreamError):
        house().send("<message from='juliet@capulet.lit' to='@'/>")


# ---------------------------------------------------------------------- to


@pytest.mark.parametrize("to", ["", "@", "a@b@c", "@capulet.lit", "juliet@capulet.lit/", "a b@c"])
@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
def test_a_malformed_to_is_answered_rfc6120_8_3_3_8(kind: str, to: str) -> None:
    verona = house()
    type_ = " type='get'" if kind == "iq" else ""
    verona.send(f"<{kind}{type_} id='x1' to='{to}'><q xmlns='urn:example:q'/></{kind}>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert told["condition"] == "jid-malformed"
    assert (told["kind"], told["error"], told["code"]) == (kind, "modify", "400")
    assert (told["id"], told["to"]) == ("x1", "romeo@montague.lit/orchard")


def test_a_message_without_to_goes_to_the_own_account_rfc6120_10_3_1() -> None:
    verona = house()
    verona.send("<message><body>Soft!</body></message>")
    (had,) = verona.romeo.elements()
    assert had.get("to") == "romeo@montague.lit"
    assert had.get("from") == "romeo@montague.lit/orchard"


def test_an_iq_without_to_is_for_the_account_rfc6120_10_3_3() -> None:
    verona = house()
    asked = []
    verona.router.iq.add(On.ACCOUNT, "get", "urn:example:q q", asked.append)
    verona.router.iq.add(On.HOST, "get", "urn:example:q q", lambda request: pytest.fail())
    verona.send("<iq type='get' id='x1'><q xmlns='urn:example:q'/></iq>")
    (request,) = asked
    assert request.own
    assert request.session is verona.romeo.session
    (told,) = verona.romeo.elements()
    assert (told.get("type"), told.get("from")) == ("result", "romeo@montague.lit")


@pytest.mark.parametrize("type_", ["result", "error"])
def test_an_iq_answer_without_to_is_dropped(type_: str) -> None:
    verona = house()
    verona.send(f"<iq type='{type_}' id='x1'/>")
    assert verona.romeo.written == b""


@pytest.mark.parametrize(
    "type_", ["subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "balcony"]
)
def test_presence_without_to_is_available_or_unavailable(type_: str) -> None:
    verona = house()
    verona.send(f"<presence type='{type_}' id='x1'/>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert (told["kind"], told["condition"]) == ("presence", "bad-request")
    assert verona.romeo.session.priority == 0


def test_own_presence_moves_the_session_and_is_told_rfc6121_4_2() -> None:
    verona = house()
    told = []
    verona.hooks.presence.add(
        Phase.DELIVER, lambda session, stanza, before: told.append((stanza.type, before))
    )
    session = verona.romeo.session
    verona.send("<presence><priority>-5</priority></presence>")
    assert session.priority == -5
    verona.send("<presence/>")
    assert session.priority == 0
    verona.send("<presence type='unavailable'/>")
    assert session.priority is None
    assert not session.available
    verona.send("<presence/>")
    assert told == [("", 0), ("", -5), ("unavailable", 0), ("", None)]


@pytest.mark.parametrize(
    ("text", "priority"), [("127", 127), ("-128", -128), ("+5", 5), (" 7\n", 7), ("007", 7)]
)
def test_a_priority_is_a_byte_rfc6121_4_7_2_3(text: str, priority: int) -> None:
    verona = house()
    verona.send(f"<presence><priority>{text}</priority></presence>")
    assert (verona.romeo.session.priority, verona.romeo.written) == (priority, b"")


@pytest.mark.parametrize("text", ["128", "-129", "", "high", "1_0", "1.0", "٣", "9" * 5000, "- 1"])
def test_what_is_no_priority_changes_nothing(text: str) -> None:
    verona = house()
    verona.send(f"<presence id='x1'><priority>{text}</priority></presence>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert told["condition"] == "bad-request"
    assert verona.romeo.session.priority == 0
    assert verona.romeo.session.presence is None


def test_a_priority_of_another_namespace_is_none() -> None:
    verona = house()
    verona.send("<presence><priority xmlns='urn:example:q'>9</priority></presence>")
    assert verona.romeo.session.priority == 0


# ---------------------------------------------------------------------- xml:lang


def test_the_streams_language_is_stamped_where_none_is_given_rfc6120_8_1_5() -> None:
    verona = house(lang="it")
    verona.send(f"<message to='{BALCONY}'/>")
    verona.send(f"<message to='{BALCONY}' xml:lang='en'/>")
    verona.send(f"<message to='{BALCONY}' xml:lang=''/>")
    assert [e.get(LANG) for e in verona.juliet["balcony"].elements()] == ["it", "en", ""]


def test_no_language_is_invented() -> None:
    verona = house()
    verona.send(f"<message to='{BALCONY}'/>")
    assert [e.get(LANG) for e in verona.juliet["balcony"].elements()] == [None]


# ---------------------------------------------------------------------- IQ rules, §8.2.3

Q = "<q xmlns='urn:example:q'/>"


@pytest.mark.parametrize(
    ("iq", "id_"),
    [
        (f"<iq type='get'>{Q}</iq>", None),
        (f"<iq id='x1'>{Q}</iq>", "x1"),
        (f"<iq id='x1' type=''>{Q}</iq>", "x1"),
        (f"<iq id='x1' type='woo'>{Q}</iq>", "x1"),
        ("<iq id='x1' type='get'/>", "x1"),
        ("<iq id='x1' type='set'>words</iq>", "x1"),
        (f"<iq id='x1' type='get'>{Q}{Q}</iq>", "x1"),
        (f"<iq id='x1' type='set'>{Q}<p xmlns='urn:example:p'/></iq>", "x1"),
    ],
)
@pytest.mark.parametrize("to", ["", "capulet.lit", "juliet@capulet.lit", BALCONY, "verona.it"])
def test_a_wrong_iq_is_a_bad_request_and_goes_nowhere(iq: str, id_: str | None, to: str) -> None:
    verona = house()
    verona.send(iq.replace("<iq", f"<iq to='{to}'" if to else "<iq", 1))
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert (told["condition"], told["error"], told["code"]) == ("bad-request", "modify", "400")
    assert told["id"] == id_
    assert verona.juliet["balcony"].written == b""


def test_an_empty_id_is_an_id() -> None:
    verona = house()
    verona.send(f"<iq type='get' id='' to='capulet.lit'>{Q}</iq>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert (told["id"], told["condition"]) == ("", "service-unavailable")


def test_a_result_with_two_children_is_dropped() -> None:
    verona = house()
    verona.send(f"<iq type='result' id='x1' to='{BALCONY}'>{Q}{Q}</iq>")
    assert (verona.romeo.written, verona.juliet["balcony"].written) == (b"", b"")


def test_a_request_of_the_other_type_is_not_allowed() -> None:
    verona = house()
    verona.router.iq.add(On.HOST, "get", "urn:example:q q", lambda request: Tag("q"))
    verona.send(f"<iq type='set' id='x1' to='capulet.lit'>{Q}</iq>")
    assert [ends(e)["condition"] for e in verona.romeo.elements()] == ["not-allowed"]


def test_an_iq_to_a_session_passes_and_its_answer_comes_back() -> None:
    verona = house()
    verona.send(f"<iq type='get' id='x1' to='{BALCONY}'>{Q}</iq>")
    answer = read("<iq type='result' id='x1' to='romeo@montague.lit/orchard'/>")
    verona.router.from_client(verona.juliet["balcony"].session, answer)
    (had,) = verona.romeo.elements()
    assert (had.get("type"), had.get("id"), had.get("from")) == ("result", "x1", BALCONY)


# ---------------------------------------------------------------------- errors


def test_what_a_hook_refuses_is_answered_with_its_error() -> None:
    verona = house()

    def refuse(stanza: object, session: object) -> None:
        raise StanzaError("policy-violation", "Not today", reason="stanza.forbidden")

    verona.hooks.client_stanza.add(Phase.GUARD, refuse)
    verona.send(f"<message id='x1' to='{BALCONY}'/>")
    (told,) = verona.romeo.elements()
    assert ends(told)["condition"] == "policy-violation"
    assert told.findtext(".//{*}text") == "Not today"
    assert verona.refusals.counts == {"stanza.forbidden": 1}
    assert verona.juliet["balcony"].written == b""


@pytest.mark.parametrize("point", ["client_stanza", "account_stanza", "undelivered"])
def test_a_bug_in_a_hook_is_an_internal_error_for_that_stanza_only(point: str) -> None:
    verona = Household({})

    def bug(stanza: Stanza, *_: object) -> Stanza:
        if stanza.type == "error":
            return stanza
        raise KeyError("Tybalt")

    remove = getattr(verona.hooks, point).add(Phase.GUARD, bug)
    verona.send("<message id='x1' to='juliet@capulet.lit'/>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert (told["condition"], told["code"]) == ("internal-server-error", "500")
    assert b"Tybalt" not in verona.romeo.written
    remove()
    verona.send("<message id='x2' to='juliet@capulet.lit'/>")
    assert [ends(e)["condition"] for e in verona.romeo.elements()][1:] == ["service-unavailable"]


def test_a_route_that_fails_is_answered_and_an_error_for_it_is_not() -> None:
    verona = house()

    def broken(stanza: object) -> None:
        raise RuntimeError("the friar's letter was not delivered")

    verona.router.routes["mantua.lit"] = broken
    verona.send("<message id='x1' to='mantua.lit'/>")
    assert [ends(e)["condition"] for e in verona.romeo.elements()] == ["internal-server-error"]
    stanza = read("<message id='x2'/>")
    stanza.sender, stanza.to = (p.session.jid for p in (verona.romeo, verona.juliet["balcony"]))
    stanza.sender = stanza.sender.of("", "mantua.lit")
    verona.router.bounce(stanza, StanzaError("gone", reason="stanza.no-session"))  # must not raise


def test_an_account_hook_sees_whatever_is_for_an_account_and_may_take_it() -> None:
    verona = house()
    seen = []
    verona.hooks.account_stanza.add(Phase.GUARD, seen.append)
    for to in (BALCONY, "juliet@capulet.lit", "juliet@capulet.lit/tomb", "nobody@capulet.lit"):
        verona.send(f"<message id='x1' to='{to}'/>")
    verona.send("<message id='x1' to='capulet.lit'/>")
    assert len(seen) == 5, "four, and the error that comes back for the fifth"
    assert (verona.juliet["balcony"].written, verona.romeo.written) == (b"", b"")


@pytest.mark.parametrize("condition", STANZA_CONDITIONS)
@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
def test_every_condition_is_rendered_with_its_legacy_code_xep0086(
    kind: str, condition: str
) -> None:
    verona = house()

    def refuse(stanza: object, session: object) -> None:
        raise StanzaError(condition, reason="stanza.forbidden")

    verona.hooks.client_stanza.add(Phase.GUARD, refuse)
    type_ = " type='set'" if kind == "iq" else ""
    verona.send(f"<{kind}{type_} id='x1' to='{BALCONY}'>{Q}</{kind}>")
    (told,) = [ends(e) for e in verona.romeo.elements()]
    assert told["condition"] == condition
    assert told["error"] == STANZA_CONDITIONS[condition].type
    assert told["code"] == str(STANZA_CONDITIONS[condition].code)
    assert (told["from"], told["to"]) == (BALCONY, "romeo@montague.lit/orchard")


CONDITIONS = """
    bad-request             modify 400
    conflict                cancel 409
    feature-not-implemented cancel 501
    forbidden               auth   403
    gone                    cancel 302
    internal-server-error   cancel 500
    item-not-found          cancel 404
    jid-malformed           modify 400
    not-acceptable          modify 406
    not-allowed             cancel 405
    not-authorized          auth   401
    payment-required        auth   402
    policy-violation        modify 406
    recipient-unavailable   wait   404
    redirect                modify 302
    registration-required   auth   407
    remote-server-not-found cancel 404
    remote-server-timeout   wait   504
    resource-constraint     wait   500
    service-unavailable     cancel 503
    subscription-required   auth   407
    undefined-condition     cancel 500
    unexpected-request      wait   400
"""
"""RFC 6120 §8.3.3 (its types) and payment-required of RFC 3920, with the codes of XEP-0086 §3.

XEP-0086 is older than policy-violation, which has the code of not-acceptable here.
"""


def test_the_table_of_conditions_is_that_of_rfc6120_8_3_3() -> None:
    written = {
        name: (type_, int(code))
        for name, type_, code in map(str.split, CONDITIONS.split("\n")[1:-1])
    }
    assert {name: tuple(known) for name, known in STANZA_CONDITIONS.items()} == written
    with pytest.raises(ValueError, match="no stanza error condition"):
        StanzaError("death", reason="stanza.forbidden")


def test_gone_and_redirect_carry_an_address_and_extras_stand_behind() -> None:
    stanza = read(f"<message id='x1' to='{BALCONY}'/>")
    error = StanzaError(
        "gone", "Moved", reason="stanza.forbidden", payload="xmpp:a@b?c&d", extra=b"<x xmlns='y'/>"
    )
    content = faults.stanza_error(stanza, error).element
    (shown,) = content.findall("{jabber:client}error")
    assert [child.tag.partition("}")[2] for child in shown] == ["gone", "text", "x"]
    assert shown[0].text == "xmpp:a@b?c&d"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(id_=TEXT, to=TEXT, type_=TEXT, lang=TEXT, kind=st.sampled_from(["message", "presence"]))
def test_whatever_stands_in_the_attributes_both_sides_read_xml(
    id_: str, to: str, type_: str, lang: str, kind: str
) -> None:
    """No attribute of a client's can break out of the tag that the server writes."""
    verona = Household({"balcony": 0})
    stanza = read(f"<{kind}/>")
    stanza.attrs.update(
        {"id": id_, "type": type_, "to": to, "http://www.w3.org/XML/1998/namespace lang": lang}
    )
    verona.router.from_client(verona.romeo.session, stanza)
    for party in (verona.romeo, verona.juliet["balcony"]):
        for element in party.elements():
            assert element.get("id") == id_


def test_what_has_no_address_goes_the_way_of_what_has_the_accounts_rfc6120_10_3() -> None:
    verona, seen = house(), []
    verona.hooks.account_stanza.add(Phase.GUARD, seen.append)
    verona.send(f"<iq type='get' id='x1'>{Q}</iq>")
    verona.send("<message id='x2'/>")
    assert [(s.kind, s.to) for s in seen] == [
        ("iq", "romeo@montague.lit"),
        ("message", "romeo@montague.lit"),
    ]


@pytest.mark.parametrize(
    "text",
    ["<message id='x1' to='{0}'/>", "<presence to='{0}'/>", "<iq type='result' id='x1' to='{0}'/>"],
)
def test_what_is_for_the_server_can_be_taken(text: str) -> None:
    verona, seen = house(), []
    verona.hooks.host_stanza.add(Phase.DELIVER, lambda stanza: seen.append(stanza) and None)
    for to in ("capulet.lit", "capulet.lit/x"):
        verona.send(text.format(to))
        assert seen.pop().to == to
    assert verona.romeo.elements() == []


def test_routing_never_raises_whoever_calls_it() -> None:
    """What comes from a component or another server has nobody above it to catch anything."""
    verona = house()

    def refuse(stanza: object) -> None:
        raise StanzaError("forbidden", reason="stanza.forbidden")

    verona.hooks.subscription.add(Phase.GUARD, refuse)
    for text in (
        "<presence type='subscribe' id='x1'/>",
        "<iq type='get' id='x2'/>",
        "<iq type='set' id='x3'><a/><b/></iq>",
    ):
        for to in (JID("juliet@capulet.lit"), JID("capulet.lit")):
            stanza = read(text)
            stanza.sender, stanza.to = verona.romeo.session.jid, to
            verona.router.route(stanza)
    conditions = [ends(e)["condition"] for e in verona.romeo.elements()]
    assert conditions == ["forbidden", *["bad-request"] * 4]


def test_whoever_keeps_what_is_delivered_sees_stanzas() -> None:
    """As stream management does (XEP-0198 §4)."""
    verona, kept = house(), []
    verona.juliet["balcony"].session.deliver = kept.append
    verona.send(f"<message id='x1' to='{BALCONY}'/>")
    assert [(s.kind, s.id) for s in kept] == [("message", "x1")]
    assert verona.juliet["balcony"].written == b""


def test_a_route_is_attached_for_a_domain_or_for_all_that_nobody_serves() -> None:
    verona, told = house(), []
    verona.hooks.attached.add(Phase.DELIVER, told.append)
    rooms: list[Stanza] = []
    rest: list[Stanza] = []
    detach_rooms = verona.router.attach(rooms.append, "rooms.lit")
    detach_rest = verona.router.attach(rest.append)
    assert verona.router.attached
    for to in ("r1@rooms.lit", "tybalt@mantua.lit"):
        verona.send(f"<message id='x1' to='{to}'/>")
    assert [[str(s.to) for s in out] for out in (rooms, rest)] == [
        ["r1@rooms.lit"],
        ["tybalt@mantua.lit"],
    ]
    detach_rooms()
    verona.send("<message id='x2' to='r1@rooms.lit'/>")
    assert [s.id for s in rest] == ["x1", "x2"]
    detach_rest()
    verona.send("<message id='x3' to='r1@rooms.lit'/>")
    assert [ends(e)["condition"] for e in verona.romeo.elements()] == ["remote-server-not-found"]
    assert told == [True, True, True, False]
    assert not verona.router.attached


@pytest.mark.parametrize("domain", ["capulet.lit", "rooms.lit"])
def test_no_domain_has_two_routes(domain: str) -> None:
    router = house().router
    router.attach(lambda stanza: None, "rooms.lit")
    with pytest.raises(ValueError, match="served already"):
        router.attach(lambda stanza: None, domain)
