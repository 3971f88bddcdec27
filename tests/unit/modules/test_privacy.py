"""Privacy lists as clients see them (XEP-0016 §2, RFC 3921 §10): read, changed, pushed."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, ROMEO, item
from tests.support.privacy import (
    NAMES,
    do,
    listed,
    named,
    names,
    pushes,
    put_list,
    query,
    rule,
    rules_of,
)
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.errors import StoreError
from xmppd.jid import JID

TYBALT = rule(3, jid=f"tybalt@{DOMAIN}")
REST = rule(68, "allow")


@pytest.fixture
def chamber(server: Verona, juliet: Client) -> Client:
    """Another session of juliet's."""
    return server.log_in("juliet", "chamber")


# ---------------------------------------------------------------- §2.3 retrieving


def test_2_3_names_come_with_the_active_and_the_default_list_before_them(juliet: Client) -> None:
    assert names(juliet) == []
    for name in ("public", "private", "special"):
        put_list(juliet, name, REST)
    assert not do(juliet, named("active", "private"))
    assert not do(juliet, named("default", "public"))
    told = names(juliet)
    assert told[:2] == [("active", "private"), ("default", "public")]
    assert sorted(told[2:]) == [("list", "private"), ("list", "public"), ("list", "special")]


def test_2_3_a_list_reads_back_as_it_was_set_in_order(juliet: Client) -> None:
    juliet.ask(item(ROMEO, groups=["Montagues"]), "set")
    put_list(
        juliet,
        "public",
        rule(68, "allow"),
        rule(7, "deny", "iq message", group="Montagues"),
        rule(5, "deny", "presence-in presence-out", jid="Tybalt@CAPULET.lit/Sword"),
        rule(4294967295, "allow", "message", subscription="none"),
        rule(0, "allow", jid=DOMAIN),
    )
    assert rules_of(juliet, "public") == [
        ({"type": "jid", "value": DOMAIN, "action": "allow", "order": "0"}, []),
        (
            {
                "type": "jid",
                "value": "tybalt@capulet.lit/Sword",
                "action": "deny",
                "order": "5",
            },
            ["presence-in", "presence-out"],
        ),
        (
            {"type": "group", "value": "Montagues", "action": "deny", "order": "7"},
            ["message", "iq"],
        ),
        ({"action": "allow", "order": "68"}, []),
        (
            {
                "type": "subscription",
                "value": "none",
                "action": "allow",
                "order": "4294967295",
            },
            ["message"],
        ),
    ]


def test_2_3_a_list_that_is_not_there_is_not_found(juliet: Client) -> None:
    assert condition(juliet.ask(listed("The Empty Set"))) == "item-not-found"


@pytest.mark.parametrize(
    "payload",
    [
        query("<list name='public'/><list name='private'/>"),
        query("<active name='public'/>"),
        query("<default/>"),
        query("<list/>"),
        query("<list name=''/>"),
        query("<list xmlns='urn:example:x' name='public'/>"),
    ],
)
def test_2_3_what_else_is_asked_is_a_bad_request(juliet: Client, payload: str) -> None:
    put_list(juliet, "public", REST)
    put_list(juliet, "private", REST)
    assert condition(juliet.ask(payload)) == "bad-request"


@pytest.mark.parametrize("type_", ["get", "set"])
def test_nobody_reads_or_sets_anothers_lists(server: Verona, juliet: Client, type_: str) -> None:
    put_list(juliet, "public", REST)
    romeo = server.log_in("romeo")
    payload = listed("public", *([REST] if type_ == "set" else []))
    answers = [romeo.ask(payload, type_, to) for to in (JULIET, f"nobody@{DOMAIN}")]
    assert [condition(answer) for answer in answers] == ["service-unavailable"] * 2


# ---------------------------------------------------------------- §2.4 active lists


def test_2_4_an_active_list_is_of_one_session_and_ends_with_it(
    server: Verona, juliet: Client, chamber: Client
) -> None:
    put_list(juliet, "special", REST, apply="active")
    assert ("active", "special") in names(juliet)
    assert ("active", "special") not in names(chamber)
    juliet.hang_up()
    assert names(server.log_in("juliet", "balcony")) == [("list", "special")]


def test_2_4_it_can_be_changed_and_declined(juliet: Client) -> None:
    put_list(juliet, "special", REST, apply="active")
    put_list(juliet, "private", REST, apply="active")
    assert names(juliet)[0] == ("active", "private")
    assert not do(juliet, named("active"))
    assert names(juliet)[0][0] == "list"
    assert not do(juliet, named("active")), "twice does no harm"


@pytest.mark.parametrize("verb", ["active", "default"])
def test_2_4_2_5_a_list_that_is_not_there_cant_apply(juliet: Client, verb: str) -> None:
    put_list(juliet, "special", REST, apply=verb)
    assert do(juliet, named(verb, "The Empty Set")) == "item-not-found"
    assert names(juliet)[0] == (verb, "special")


# ---------------------------------------------------------------- §2.5 the default list


def test_2_5_the_default_list_stays_across_sessions(server: Verona, juliet: Client) -> None:
    put_list(juliet, "special", REST, apply="default")
    juliet.hang_up()
    server.host.residents.forget(JID.parse(JULIET))
    again = server.log_in("juliet", "balcony")
    assert names(again) == [("default", "special"), ("list", "special")]
    assert not do(again, named("default"))
    assert names(again) == [("list", "special")]


def test_2_5_nobody_changes_the_default_under_another_session(
    juliet: Client, chamber: Client
) -> None:
    put_list(juliet, "public", REST, apply="default")
    put_list(juliet, "special", REST)
    assert do(juliet, named("default", "special")) == "conflict"
    assert do(juliet, named("default")) == "conflict"
    assert names(juliet)[0] == ("default", "public")
    assert not do(juliet, named("default", "public")), "that is no change"
    # With a list of its own the other session has nothing to do with the default.
    assert not do(chamber, named("active", "special"))
    assert not do(juliet, named("default", "special"))
    assert names(juliet)[0] == ("default", "special")


def test_2_5_a_first_default_is_in_nobodys_way(juliet: Client, chamber: Client) -> None:
    put_list(juliet, "public", REST, apply="default")
    assert names(chamber)[0] == ("default", "public")


# ---------------------------------------------------------------- §2.6, §2.7 editing and adding


def test_2_6_an_edit_replaces_the_list_and_is_pushed_to_all_sessions(
    juliet: Client, chamber: Client
) -> None:
    put_list(juliet, "public", TYBALT, REST)
    assert pushes(chamber) == [("list", "public")]
    juliet.take()
    juliet.send(f"<iq type='set' id='e1'>{listed('public', REST)}</iq>")
    assert pushes(juliet) == [("list", "public")]
    assert pushes(chamber) == [("list", "public")]
    assert rules_of(chamber, "public") == [({"action": "allow", "order": "68"}, [])]


def test_2_6_a_push_is_an_iq_from_the_account_with_the_name_only(
    juliet: Client, chamber: Client
) -> None:
    put_list(juliet, "public", TYBALT)
    push = chamber.one()
    assert (push.get("type"), push.get("from"), push.get("to")) == (
        "set",
        JULIET,
        f"{JULIET}/chamber",
    )
    assert push.get("id")
    assert len(push[0][0]) == 0
    chamber.send(f"<iq type='result' id='{push.get('id')}'/>")
    assert chamber.take() == b""


def test_2_6_a_list_may_be_edited_while_others_use_it(juliet: Client, chamber: Client) -> None:
    put_list(juliet, "public", TYBALT, apply="default")
    assert not do(chamber, named("active", "public"))
    assert not do(juliet, listed("public", REST))


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (["<item action='deny'/>"], "bad-request"),
        (["<item order='1'/>"], "bad-request"),
        (["<item action='block' order='1'/>"], "bad-request"),
        (["<item action='deny' order='-1'/>"], "bad-request"),
        (["<item action='deny' order='1.5'/>"], "bad-request"),
        (["<item action='deny' order='4294967296'/>"], "bad-request"),
        (["<item action='deny' order='99999999999999999999'/>"], "bad-request"),
        (["<item action='deny' order='\u0661'/>"], "bad-request"),
        ([rule(1), rule(1, "allow")], "bad-request"),
        ([rule(1), rule(1, "allow", jid=ROMEO)], "bad-request"),
        ([rule(1, subscription="ask")], "bad-request"),
        ([rule(1, subscription="")], "bad-request"),
        ([rule(1, domain="montague.lit")], "bad-request"),
        (["<item type='' action='deny' order='1'/>"], "bad-request"),
        (["<item type='jid' action='deny' order='1'/>"], "jid-malformed"),
        ([rule(1, jid="@capulet.lit")], "jid-malformed"),
        ([rule(1, jid="romeo@capulet.lit/")], "jid-malformed"),
        ([rule(1, group="Enemies")], "item-not-found"),
        ([rule(1, group="")], "item-not-found"),
        ([rule(1, "deny", "presence")], "bad-request"),
        (["<message/>"], "bad-request"),
        ([rule(1), "<item xmlns='urn:example:x' action='deny' order='2'/>"], "bad-request"),
    ],
)
def test_2_1_a_list_that_is_wrong_changes_nothing(
    juliet: Client, chamber: Client, rules: list[str], says: str
) -> None:
    put_list(juliet, "public", TYBALT)
    before = rules_of(juliet, "public")
    pushes(chamber)
    assert do(juliet, listed("public", *rules)) == says
    assert rules_of(juliet, "public") == before
    assert pushes(chamber) == []


@pytest.mark.parametrize(
    "payload",
    [
        query(""),
        query("<active/><default/>"),
        query("<list name='a'/><list name='public'/>"),
        query("<list name='public'><item action='deny' order='1'/></list><active name='public'/>"),
        query("<item action='deny' order='1'/>"),
        query("<active name=''/>"),
        query(f"<list name='{'x' * 1024}'><item action='deny' order='1'/></list>"),
    ],
)
def test_2_1_a_set_does_one_thing(juliet: Client, payload: str) -> None:
    put_list(juliet, "public", TYBALT)
    assert do(juliet, payload) == "bad-request"
    assert names(juliet) == [("list", "public")]


def test_there_are_only_so_many_lists_and_rules() -> None:
    juliet = Verona(privacy={"lists": 2, "items": 3}).log_in("juliet")
    put_list(juliet, "a", rule(1), rule(2), rule(3))
    put_list(juliet, "b", rule(1))
    assert do(juliet, listed("c", rule(1))) == "resource-constraint"
    assert do(juliet, listed("a", *map(rule, range(4)))) == "resource-constraint"
    assert len(rules_of(juliet, "a")) == 3
    assert not do(juliet, listed("a", rule(9))), "what is there may be replaced"


# ---------------------------------------------------------------- §2.8 removing


def test_2_8_a_list_is_removed_and_that_is_pushed(juliet: Client, chamber: Client) -> None:
    put_list(juliet, "public", TYBALT)
    pushes(chamber)
    assert not do(juliet, listed("public"))
    assert pushes(chamber) == [("list", "public")]
    assert names(juliet) == []
    assert do(juliet, listed("public")) == "item-not-found"


@pytest.mark.parametrize("verb", ["active", "default"])
def test_2_8_not_while_another_session_uses_it(juliet: Client, chamber: Client, verb: str) -> None:
    put_list(juliet, "public", TYBALT)
    assert not do(chamber, named(verb, "public"))
    assert do(juliet, listed("public")) == "conflict"
    assert ("list", "public") in names(juliet)


def test_2_8_a_list_that_applies_here_only_goes_with_its_uses(
    server: Verona, juliet: Client
) -> None:
    put_list(juliet, "public", TYBALT, apply="active")
    assert not do(juliet, named("default", "public"))
    assert not do(juliet, listed("public"))
    assert names(juliet) == []
    put_list(juliet, "public", REST)
    assert names(juliet) == [("list", "public")]
    assert names(server.log_in("juliet", "chamber")) == [("list", "public")]


# ---------------------------------------------------------------- §3, and what else may happen


def test_3_the_server_tells_of_it(juliet: Client) -> None:
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    told = {feature.get("var") for feature in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}
    assert {ns.PRIVACY, ns.BLOCKING} <= told


@pytest.mark.parametrize("payload", [NAMES, f"<blocklist xmlns='{ns.BLOCKING}'/>"])
def test_without_the_guard_nothing_is_promised(payload: str) -> None:
    juliet = Verona(modules={"off": ["privacy_guard"]}).log_in("juliet")
    assert condition(juliet.ask(payload)) == "service-unavailable"
    told = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    assert ns.PRIVACY not in [feature.get("var") for feature in told[0]]


def test_a_guest_has_no_lists() -> None:
    server = Verona(server={"domains": [DOMAIN, "masks.lit"]}, auth={"anonymous": ["masks.lit"]})
    guest = server.connect().open("masks.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open("masks.lit")
    guest.bind()
    assert names(guest) == []
    assert do(guest, listed("public", REST)) == "not-allowed"


def test_a_store_that_fails_changes_nothing(
    server: Verona, juliet: Client, chamber: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_list(juliet, "public", TYBALT)
    pushes(chamber)

    def change(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(server.host.stores.privacy, "change", change)
    assert do(juliet, listed("public", REST)) == "internal-server-error"
    assert do(juliet, named("default", "public")) == "internal-server-error"
    assert [attrs["action"] for attrs, _ in rules_of(juliet, "public")] == ["deny"]
    assert pushes(chamber) == []
    monkeypatch.undo()
    assert not do(juliet, named("default", "public")), "nothing is locked"


def test_lists_count_for_what_accounts_take_in_memory(server: Verona, juliet: Client) -> None:
    before = server.resident(JULIET).weight
    put_list(juliet, "public", TYBALT, REST)
    assert server.resident(JULIET).weight == before + 3
