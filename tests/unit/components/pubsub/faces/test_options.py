"""Options of subscriptions (XEP-0060 §6.3), and the defaults (§6.4)."""

from __future__ import annotations

import pytest

from tests.support.people import C
from tests.support.pubsub import Globe, P, error, form, subid
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
X = f"{{{ns.DATA_FORM}}}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    romeo = globe.person("romeo")
    romeo.subscribe("play")
    return romeo


def get(person, node="play", jid=ROMEO, **more):
    attrs = "".join(f" {name}='{value}'" for name, value in more.items())
    named = f" jid='{jid}'" if jid else ""
    return person.pubsub(f"<options node='{node}'{named}{attrs}/>", "get")


def put(person, x="", node="play", jid=ROMEO, subid="", **fields):
    more = f" subid='{subid}'" if subid else ""
    named = f" jid='{jid}'" if jid else ""
    x = x or form("subscribe_options", **fields)
    return person.pubsub(f"<options node='{node}'{named}{more}>{x}</options>")


def values(answer):
    return {
        each.get("var", "").removeprefix("pubsub#"): [
            v.text or "" for v in each.findall(f"{X}value")
        ]
        for each in answer.iter(f"{X}field")
    }


def test_6_3_3_the_form_shows_how_it_is(globe, juliet, romeo) -> None:
    answer = get(romeo)
    (options,) = answer.find(f"{P}pubsub")
    assert (options.get("node"), options.get("jid")) == ("play", ROMEO)
    assert options.get("subid")
    assert options.find(f"{X}x").get("type") == "form"
    shown = values(answer)
    assert shown.pop("FORM_TYPE") == ["http://jabber.org/protocol/pubsub#subscribe_options"]
    assert shown.pop("deliver") == ["1"]
    assert sorted(shown.pop("show-values")) == ["away", "chat", "dnd", "online", "xa"]
    # §13.8: no bodies are offered where none can be made; no digests; of a leaf nothing of nodes.
    assert shown == {"expire": [""]}


def test_6_3_6_1_what_is_submitted_holds_and_the_rest_stays(globe, juliet, romeo) -> None:
    answer = put(romeo, deliver="false")
    assert answer.get("type") == "result"
    assert len(answer) == 0
    juliet.publish("play")
    assert romeo.events() == []
    put(romeo, **{"show-values": ["chat", "online"]})
    shown = values(get(romeo))
    assert (shown["deliver"], sorted(shown["show-values"])) == (["0"], ["chat", "online"])
    globe.again()
    assert values(get(romeo)) == shown
    put(romeo, deliver="1")
    juliet.publish("play")
    assert len(romeo.events()) == 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"deliver": "perhaps"}, "no boolean"),
        ({"digest": "1"}, "there are no digests"),
        ({"include_body": "true"}, "nothing makes bodies (§13.8)"),
        ({"show-values": ["online", "asleep"]}, "no show value"),
        ({"expire": "tomorrow"}, "no DateTime (§13.19)"),
        ({"expire": "1969-07-20T02:56:15Z"}, "over already"),
        ({"keywords": "rose"}, "would be ignored (§13.20)"),
        ({"subscription_type": "nodes"}, "it is no collection"),
    ],
)
def test_6_3_6_2_options_that_can_not_be(globe, juliet, romeo, fields, why) -> None:
    before = values(get(romeo))
    answer = put(romeo, deliver="0", **{k: v for k, v in fields.items() if k != "deliver"})
    if "deliver" in fields:
        answer = put(romeo, **fields)
    assert error(answer) == ("bad-request", "invalid-options"), why
    if "deliver" not in fields:
        assert values(get(romeo)) == before


def test_6_3_6_2_what_is_no_form_at_all(globe, juliet, romeo) -> None:
    empty = f"<x xmlns='{ns.DATA_FORM}' type='form'/>"
    other = form("node_config", deliver="0")
    for x in (empty, other, "<x xmlns='urn:x'/>"):
        assert error(put(romeo, x)) == ("bad-request", "invalid-options")


def test_6_3_digests_that_are_not_wanted_are_no_fault(globe, juliet, romeo) -> None:
    """Clients send back what the examples of §6.3.5 have."""
    answer = put(romeo, deliver="1", digest="0", digest_frequency="86400000", include_body="false")
    assert answer.get("type") == "result"


def test_a_form_that_is_canceled_changes_nothing(globe, juliet, romeo) -> None:
    """XEP-0004 §3.1."""
    before = values(get(romeo))
    assert put(romeo, f"<x xmlns='{ns.DATA_FORM}' type='cancel'/>").get("type") == "result"
    assert values(get(romeo)) == before


def test_6_3_4_1_nobody_sees_or_sets_those_of_another(globe, juliet, romeo) -> None:
    assert error(get(juliet)) == ("forbidden",)
    assert error(put(juliet, deliver="0")) == ("forbidden",)
    assert values(get(romeo))["deliver"] == ["1"]


def test_6_3_4_2_who_is_not_subscribed_has_none(globe, juliet, romeo) -> None:
    for answer in (get(juliet, jid=JULIET), put(juliet, jid=JULIET, deliver="0")):
        assert error(answer) == ("unexpected-request", "not-subscribed")
        assert answer.find(f"{C}error").get("type") == "modify"


def test_6_3_4_3_a_jid_is_required(globe, juliet, romeo) -> None:
    assert error(get(romeo, jid="")) == ("bad-request", "jid-required")
    assert error(put(romeo, jid="", deliver="0")) == ("bad-request", "jid-required")


def test_6_3_4_4_which_one_has_to_be_said(globe, juliet, romeo) -> None:
    second = subid(romeo.subscribe("play", more=True))
    assert error(get(romeo)) == ("bad-request", "subid-required")
    assert error(put(romeo, deliver="0")) == ("bad-request", "subid-required")
    assert put(romeo, deliver="0", subid=second).get("type") == "result"
    assert values(get(romeo, subid=second))["deliver"] == ["0"]
    # The other one is as it was: one notification, for it alone.
    juliet.publish("play")
    assert len(romeo.events()) == 1
    shim = "{http://jabber.org/protocol/shim}header"
    (message,) = romeo.messages
    (header,) = message.iter(shim)
    assert header.text not in ("", second)


def test_6_3_4_5_a_subid_that_is_none_of_his(globe, juliet, romeo) -> None:
    assert error(get(romeo, subid="unheard-of")) == ("not-acceptable", "invalid-subid")
    answer = put(romeo, deliver="0", subid="unheard-of")
    assert error(answer) == ("not-acceptable", "invalid-subid")


def test_6_3_4_7_there_is_no_such_node(globe, juliet, romeo) -> None:
    assert error(get(romeo, node="play2")) == ("item-not-found",)
    assert error(put(romeo, node="play2", deliver="0")) == ("item-not-found",)


def test_6_4_the_defaults_of_a_node_and_of_the_service(globe, juliet, romeo) -> None:
    answer = romeo.pubsub("<default node='play'/>", "get")
    (default,) = answer.find(f"{P}pubsub")
    assert default.get("node") == "play"
    assert default.find(f"{X}x").get("type") == "result"
    assert values(answer)["deliver"] == ["1"]
    everywhere = romeo.pubsub("<default/>", "get")
    assert "node" not in everywhere.find(f"{P}pubsub")[0].attrib
    assert values(everywhere) == values(answer)
    globe.set_up("play", tempsub=True)
    assert values(romeo.pubsub("<default node='play'/>", "get"))["expire"] == ["presence"]


def test_6_4_a_node_that_one_may_not_see_has_none(globe, juliet, romeo) -> None:
    assert error(romeo.pubsub("<default node='play2'/>", "get")) == ("item-not-found",)
    globe.set_up("play", access_model="whitelist")
    answer = romeo.pubsub("<default node='play'/>", "get")
    assert error(answer) == ("not-allowed", "closed-node")
