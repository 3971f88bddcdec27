"""What people show their contacts, by slixmpp at a running server (XEP-0163).

Romeo is Juliet's contact; the nurse is nobody's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import NS, E, error
from tests.support.pubsub_readers import (
    Reader,
    befriend,
    event,
    fails,
    line,
    read,
    readers,
)
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO, NURSE, TYBALT = (
    f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse", "tybalt")
)
AVATAR = b"\x89PNG\r\n\x1a\n" + b"a face like the sun" * 40
OMEMO = "eu.siacs.conversations.axolotl"
BOOKMARKS = "urn:xmpp:bookmarks:1"


@asynccontextmanager
async def friends(
    server: Server, *others: str, plugins: tuple[str, ...] = ()
) -> AsyncIterator[list[Reader]]:
    """Juliet and Romeo, who see each other's presence, and others."""
    async with readers(server, "juliet", "romeo", *others, plugins=plugins) as people:
        await befriend(people[0], people[1])
        for each in people:
            each.forgets()
        yield people


async def next_of(reader: Reader, node: str) -> Element:
    """The next item of a node that somebody is told of; of others he may be told before."""
    while (items := event(await reader.gets(), "items")).get("node") != node:
        pass
    [item] = items
    return item


def mood(juliet: Reader) -> Any:
    return juliet.plugin["xep_0107"].publish_mood("in_love", "O Romeo!")


def activity(juliet: Reader) -> Any:
    return juliet.plugin["xep_0108"].publish_activity("relaxing", "thinking", "on the balcony")


def tune(juliet: Reader) -> Any:
    return juliet.plugin["xep_0118"].publish_tune(artist="The Musicians", title="Heart's Ease")


def place(juliet: Reader) -> Any:
    return juliet.plugin["xep_0080"].publish_location(locality="Verona", lat=45.44, lon=10.99)


def nick(juliet: Reader) -> Any:
    return juliet.plugin["xep_0172"].publish_nick("Jule")


def vcard(juliet: Reader) -> Any:
    return juliet.plugin["xep_0292"].publish_vcard(full_name="Juliet Capulet", nickname="Jule")


SHOWN = (
    ("xep_0107", mood, "http://jabber.org/protocol/mood", "O Romeo!"),
    ("xep_0108", activity, "http://jabber.org/protocol/activity", "on the balcony"),
    ("xep_0118", tune, "http://jabber.org/protocol/tune", "Heart's Ease"),
    ("xep_0080", place, "http://jabber.org/protocol/geoloc", "Verona"),
    ("xep_0172", nick, "http://jabber.org/protocol/nick", "Jule"),
    ("xep_0292", vcard, "urn:ietf:params:xml:ns:vcard-4.0", "Juliet Capulet"),
)


@pytest.mark.parametrize(
    ("plugin", "publish", "node", "said"), SHOWN, ids=[each[0] for each in SHOWN]
)
async def test_what_is_shown_comes_to_contacts_and_own_clients_that_want_it(
    globe: Server, plugin: str, publish: Callable[[Reader], Any], node: str, said: str
) -> None:
    """XEP-0163 §3, §4: a mood, an activity, a tune, a place, a nick, a vCard."""
    async with friends(globe, "juliet/garden", "nurse", plugins=(plugin,)) as people:
        juliet, romeo, garden, nurse = people
        await soon(publish(juliet))
        for each in (romeo, garden, juliet):
            item = await next_of(each, node)
            assert said in "".join(item.itertext())
        await nurse.hears_nothing()
        closed = await fails(nurse.pubsub.get_items(JULIET, node))
        assert closed == ("not-authorized", "presence-subscription-required")
        kept = await soon(romeo.pubsub.get_items(JULIET, node))
        assert said in "".join(kept.xml.itertext())


async def test_4_3_1_it_comes_from_the_account_to_full_jids(globe: Server) -> None:
    async with friends(globe, plugins=("xep_0107",)) as (juliet, romeo):
        await soon(mood(juliet))
        told = await romeo.gets()
        assert (told.get("from"), told.get("to")) == (JULIET, romeo.boundjid.full)
        assert told.get("type") == "headline"


def replies(message: Element) -> list[dict[str, str]]:
    """The addresses that a message has (XEP-0033), which stand in one header."""
    headers = message.findall(f"{{{ns.ADDRESS}}}addresses")
    assert len(headers) < 2
    return [dict(address.attrib) for header in headers for address in header]


async def test_4_3_1_contacts_learn_which_resource_it_was_and_strangers_do_not(
    globe: Server,
) -> None:
    node = "urn:example:resource"
    async with friends(globe, "juliet/garden", "nurse") as (juliet, romeo, garden, nurse):
        for each in (romeo, garden):
            each.plugin["xep_0163"].add_interest(node)
            await each.plugin["xep_0115"].update_caps()
            await each.hears_nothing()
        options = juliet.form("publish-options", access_model="open")
        await soon(juliet.pubsub.publish(None, node, "1", line("one"), options))
        await nurse.subscribes(node, JULIET)
        for each in (romeo, garden, nurse):
            await each.gets()
        for publisher in (juliet, garden):
            await publisher.publishes(node, "But, soft!", service=None)
            address = {"type": "replyto", "jid": publisher.boundjid.full}
            for each, said in ((romeo, [address]), (garden, [address]), (nurse, [])):
                told = await each.gets()
                assert (read(told), replies(told)) == ("But, soft!", said)
        await soon(nurse.pubsub.unsubscribe(JULIET, node))
        await soon(juliet.pubsub.delete_node(JULIET, node))


async def test_4_2_who_does_not_want_it_does_not_get_it(globe: Server) -> None:
    async with friends(globe) as (juliet, romeo):
        juliet.register_plugin("xep_0107")
        await soon(mood(juliet))
        await romeo.hears_nothing()


async def test_4_3_4_who_comes_later_gets_the_last_item(globe: Server) -> None:
    async with friends(globe, plugins=("xep_0107",)) as (juliet, _):
        await soon(juliet.plugin["xep_0107"].publish_mood("sad", "Ay me!"))
        await soon(juliet.plugin["xep_0107"].publish_mood("happy", "Good night"))
    async with readers(globe, "romeo/orchard", plugins=("xep_0107",)) as (romeo,):
        item = await next_of(romeo, "http://jabber.org/protocol/mood")
        assert "Good night" in "".join(item.itertext())
        romeo.forgets()
        romeo.send_presence(pshow="away")
        await romeo.hears_nothing()
    async with readers(globe, "juliet/garden", plugins=("xep_0107",)) as (garden,):
        item = await next_of(garden, "http://jabber.org/protocol/mood")
        assert "Good night" in "".join(item.itertext())


async def test_5_the_access_model_is_in_force_at_once(globe: Server) -> None:
    """§5, §7.1: groups of the owner's roster, the whole roster, whom he has named, everybody."""
    node, models = "urn:example:model", ("roster", "presence", "whitelist", "open")
    async with friends(globe, "nurse") as (juliet, romeo, nurse):
        romeo.plugin["xep_0163"].add_interest(node)
        await romeo.plugin["xep_0115"].update_caps()
        groups = {"access_model": "roster", "roster_groups_allowed": ["Loves"]}
        options = juliet.form("publish-options", **groups)
        await soon(juliet.pubsub.publish(None, node, "1", line("roster, in no group"), options))
        await romeo.hears_nothing()
        refused = ("not-authorized", "not-in-roster-group")
        assert await fails(romeo.pubsub.get_items(JULIET, node)) == refused
        await soon(juliet.update_roster(ROMEO, groups=["Loves"]))
        # He gets to see it, so he is told of the last item (§7.1).
        assert read(await romeo.gets()) == "roster, in no group"
        errors = {
            "roster": ("not-authorized", "not-in-roster-group"),
            "presence": ("not-authorized", "presence-subscription-required"),
            "whitelist": ("not-allowed", "closed-node"),
        }
        for model in models:
            form = juliet.form("node_config", access_model=model)
            await soon(juliet.pubsub.set_node_config(None, node, form))
            await romeo.hears_nothing() if model == "whitelist" else romeo.forgets()
            await juliet.publishes(node, model, "1", None)
            if model == "whitelist":
                await romeo.hears_nothing()
                assert await fails(romeo.pubsub.get_items(JULIET, node)) == errors[model]
            else:
                while read(await romeo.gets()) != model:
                    pass
                assert await romeo.reads(node, service=JULIET) == [model]
            if model == "open":
                assert await nurse.reads(node, service=JULIET) == [model]
            else:
                assert await fails(nurse.pubsub.get_items(JULIET, node)) == errors[model]
        await soon(juliet.update_roster(ROMEO, groups=[]))


async def test_9_2_who_lies_about_his_kind_takes_nothing_from_others_of_it(globe: Server) -> None:
    """XEP-0115 §9.3: the nurse names the hash of Romeo's client, and says that it wants nothing."""
    node = "urn:example:lies"
    async with friends(globe, "nurse") as (juliet, romeo, nurse):
        asked: list[str] = []

        def look(stanza: Any) -> Any:
            query = stanza.xml.find(f"{{{ns.DISCO_INFO}}}query")
            if query is not None and stanza["type"] == "get":
                asked.append(query.get("node", ""))
            return stanza

        nurse.add_filter("in", look)
        kinds = [await of_a_kind(each, node) for each in (nurse, romeo)]
        assert kinds[0] == kinds[1]
        await nurse.plugin["xep_0030"].del_feature(node=kinds[0], feature=f"{node}+notify")
        for liar_or_not in (nurse, romeo):
            liar_or_not.send_presence()
            await liar_or_not.hears_nothing()
        assert asked == [kinds[0]]
        await juliet.publishes(node, "But, soft!", service=None)
        assert read(await romeo.gets()) == "But, soft!"
        await nurse.hears_nothing()


async def of_a_kind(reader: Reader, node: str) -> str:
    """Have a client want a node's events, and not say so yet; the node that its hash stands for."""
    caps = reader.plugin["xep_0115"]
    reader.plugin["xep_0030"].add_feature(f"{node}+notify")
    await soon(caps.update_caps(broadcast=False))
    return f"{caps.caps_node}#{await soon(caps.get_verstring())}"


async def test_6_1_an_account_says_that_it_has_pep(globe: Server) -> None:
    async with friends(globe, "nurse") as (juliet, romeo, nurse):
        for each in (juliet, romeo):
            info = (await soon(each.plugin["xep_0030"].get_info(JULIET)))["disco_info"]
            assert ("pubsub", "pep") in {identity[:2] for identity in info["identities"]}
            found = {feature.removeprefix(f"{NS}#") for feature in info["features"]}
            wanted = {"auto-create", "auto-subscribe", "filtered-notifications", "publish-options"}
            assert wanted | {"access-presence", "persistent-items", "publish"} <= found
        assert await nurse.asks(f"<query xmlns='{ns.DISCO_INFO}'/>", to=JULIET) is not None


async def test_6_2_only_nodes_that_one_may_see_are_listed(globe: Server) -> None:
    async with friends(globe, "nurse") as (juliet, romeo, nurse):
        for node, access in (("all", "open"), ("friends", "presence"), ("own", "whitelist")):
            options = juliet.form("publish-options", access_model=access)
            await soon(juliet.pubsub.publish(None, f"urn:{node}", "1", line(node), options))
        for each, seen in (
            (juliet, {"urn:all", "urn:friends", "urn:own"}),
            (romeo, {"urn:all", "urn:friends"}),
            (nurse, {"urn:all"}),
        ):
            answer = await soon(each.plugin["xep_0030"].get_items(JULIET))
            nodes = {item[1] for item in answer["disco_items"]["items"]}
            assert {
                node for node in nodes if node and node in ("urn:all", "urn:friends", "urn:own")
            } == seen


async def test_xep_0084_an_avatar_is_announced_and_fetched(globe: Server) -> None:
    async with friends(globe, plugins=("xep_0084",)) as (juliet, romeo):
        avatars = juliet.plugin["xep_0084"]
        id_ = sha1(AVATAR).hexdigest()
        await soon(avatars.publish_avatar(AVATAR))
        items = {
            "id": id_,
            "type": "image/png",
            "bytes": str(len(AVATAR)),
            "width": "64",
            "height": "64",
        }
        await soon(avatars.publish_avatar_metadata(items))
        item = await next_of(romeo, "urn:xmpp:avatar:metadata")
        assert item.get("id") == id_
        answer = await soon(romeo.plugin["xep_0084"].retrieve_avatar(JULIET, id_))
        assert answer["pubsub"]["items"]["item"]["avatar_data"]["value"] == AVATAR


async def test_xep_0223_what_is_private_stays_so(globe: Server) -> None:
    async with friends(globe, plugins=("xep_0223", "xep_0107")) as (juliet, romeo):
        secret = juliet.plugin["xep_0107"].stanza.UserMood()
        secret["value"], secret["text"] = "afraid", "of the vault"
        await soon(juliet.plugin["xep_0223"].store(secret, "urn:example:secret", "current"))
        answer = await soon(juliet.plugin["xep_0223"].retrieve("urn:example:secret"))
        assert "of the vault" in "".join(answer.xml.itertext())
        closed = await fails(romeo.pubsub.get_items(JULIET, "urn:example:secret"))
        assert closed == ("not-allowed", "closed-node")


async def test_xep_0384_devices_and_bundles_as_clients_keep_them(globe: Server) -> None:
    """Open to everybody, by options with each publication (§5.3 of the version that is in use)."""
    async with friends(globe, "nurse") as (juliet, romeo, nurse):
        options = juliet.form("publish-options", access_model="open", persist_items="true")
        devices = Element(f"{{{OMEMO}}}list")
        await soon(juliet.pubsub.publish(None, f"{OMEMO}.devicelist", "current", devices, options))
        many = juliet.form("publish-options", access_model="open", max_items="max")
        for device in ("31415", "27182"):
            bundle = Element(f"{{{OMEMO}}}bundle")
            bundle.text = f"keys of {device}"
            node = f"{OMEMO}.bundles"
            await soon(juliet.pubsub.publish(None, node, device, bundle, many))
        answer = await soon(nurse.pubsub.get_items(JULIET, f"{OMEMO}.devicelist"))
        assert answer["pubsub"]["items"]["item"]["id"] == "current"
        for device in ("31415", "27182"):
            found = await soon(romeo.pubsub.get_item(JULIET, f"{OMEMO}.bundles", device))
            assert f"keys of {device}" in "".join(found.xml.itertext())
        # Clients that find the node otherwise than they want it set it up, and publish again.
        closed = juliet.form("publish-options", access_model="whitelist")
        asked = juliet.pubsub.publish(None, f"{OMEMO}.devicelist", "current", devices, closed)
        assert await fails(asked) == ("conflict", "precondition-not-met")
        form = juliet.form("node_config", access_model="whitelist")
        await soon(juliet.pubsub.set_node_config(None, f"{OMEMO}.devicelist", form))
        await soon(juliet.pubsub.publish(None, f"{OMEMO}.devicelist", "current", devices, closed))
        asked = nurse.pubsub.get_items(JULIET, f"{OMEMO}.devicelist")
        assert await fails(asked) == ("not-allowed", "closed-node")


async def test_xep_0402_bookmarks_are_the_accounts_own_and_reach_its_other_clients(
    globe: Server,
) -> None:
    async with friends(globe, "juliet/garden", plugins=("xep_0402",)) as (juliet, romeo, garden):
        garden.plugin["xep_0163"].add_interest(BOOKMARKS)
        await garden.plugin["xep_0115"].update_caps()
        await garden.hears_nothing()  # by then the server knows what it wants
        profile = {"persist_items": "1", "max_items": "max", "access_model": "whitelist"}
        options = juliet.form("publish-options", send_last_published_item="never", **profile)
        room = juliet.plugin["xep_0402"].stanza.Conference()
        room["name"], room["autojoin"], room["nick"] = "The orchard", True, "Jule"
        for name in ("orchard", "hall"):
            await soon(
                juliet.pubsub.publish(None, BOOKMARKS, f"{name}@rooms.lit", room.xml, options)
            )
            assert (await next_of(garden, BOOKMARKS)).get("id") == f"{name}@rooms.lit"
        answer = await soon(garden.pubsub.get_items(JULIET, BOOKMARKS))
        found = {each["id"]: each["conference"] for each in answer["pubsub"]["items"]}
        assert set(found) == {"orchard@rooms.lit", "hall@rooms.lit"}
        assert found["hall@rooms.lit"]["autojoin"]
        assert await fails(romeo.pubsub.get_items(JULIET, BOOKMARKS)) == (
            "not-allowed",
            "closed-node",
        )
        await soon(juliet.pubsub.retract(None, BOOKMARKS, "hall@rooms.lit", notify="true"))
        assert (await next_of(garden, BOOKMARKS)).tag == f"{E}retract"
        answer = await soon(juliet.pubsub.get_items(None, BOOKMARKS))
        assert [each["id"] for each in answer["pubsub"]["items"]] == ["orchard@rooms.lit"]


async def test_xep_0411_old_clients_have_the_same_bookmarks(globe: Server) -> None:
    """XEP-0048 in private storage (XEP-0049), and XEP-0402, from one store."""
    async with readers(globe, "tybalt", plugins=("xep_0402",)) as (tybalt,):
        conference = "<conference jid='duel@rooms.lit' name='A duel' autojoin='true'/>"
        storage = f"<storage xmlns='storage:bookmarks'>{conference}</storage>"
        kept = await tybalt.asks(f"<query xmlns='{ns.PRIVATE}'>{storage}</query>", "set", None)
        assert kept.get("type") == "result"
        answer = await soon(tybalt.pubsub.get_items(None, BOOKMARKS))
        [item] = answer["pubsub"]["items"]
        assert item["id"] == "duel@rooms.lit"
        assert (item["conference"]["name"], item["conference"]["autojoin"]) == ("A duel", True)
        room = tybalt.plugin["xep_0402"].stanza.Conference()
        room["name"] = "A feast"
        await soon(tybalt.pubsub.publish(None, BOOKMARKS, "feast@rooms.lit", room.xml))
        asked = f"<query xmlns='{ns.PRIVATE}'><storage xmlns='storage:bookmarks'/></query>"
        answer = await tybalt.asks(asked, "get", None)
        found = {
            each.get("jid"): each.get("name")
            for each in answer.iter("{storage:bookmarks}conference")
        }
        assert found == {"duel@rooms.lit": "A duel", "feast@rooms.lit": "A feast"}


async def test_3_nobody_else_publishes_creates_or_configures_at_an_account(globe: Server) -> None:
    async with friends(globe) as (juliet, romeo):
        await soon(juliet.pubsub.publish(None, "urn:mine", "1", line("mine")))
        assert await fails(romeo.pubsub.create_node(JULIET, "urn:his")) == ("forbidden",)
        made = await fails(romeo.pubsub.publish(JULIET, "urn:his", "1", line("his")))
        assert made in (("forbidden",), ("item-not-found",))
        assert await fails(romeo.pubsub.publish(JULIET, "urn:mine", "1", line("his"))) == (
            "forbidden",
        )
        assert await fails(romeo.pubsub.delete_node(JULIET, "urn:mine")) == ("forbidden",)
        assert await romeo.reads("urn:mine", service=JULIET) == ["mine"]


async def test_an_explicit_subscription_to_an_account(globe: Server) -> None:
    """XEP-0163 §4.1, §4.3.2: of somebody who does not see the owner's presence."""
    async with readers(globe, "juliet", "nurse") as (juliet, nurse):
        options = juliet.form("publish-options", access_model="open")
        await soon(juliet.pubsub.publish(None, "urn:open", "1", line("one"), options))
        await nurse.subscribes("urn:open", JULIET)
        assert read(await nurse.gets()) == "one"
        await juliet.publishes("urn:open", "two", service=None)
        assert read(await nurse.gets()) == "two"
        await soon(nurse.pubsub.unsubscribe(JULIET, "urn:open"))
        await juliet.publishes("urn:open", "three", service=None)
        await nurse.hears_nothing()


async def test_0060_9_1_3_a_stranger_who_shows_himself_is_told_of_what_is_open(
    globe: Server,
) -> None:
    """By directed presence: of the last item, and what comes, until he hides or has gone."""
    opened, friends_only = "urn:example:opened", "urn:example:friends"
    async with readers(globe, "tybalt", "nurse") as (tybalt, nurse):
        for node, access in ((opened, "open"), (friends_only, "presence")):
            options = tybalt.form("publish-options", access_model=access)
            await soon(tybalt.pubsub.publish(None, node, "1", line("one"), options))
            nurse.plugin["xep_0163"].add_interest(node)
        await soon(nurse.plugin["xep_0115"].update_caps())
        await nurse.hears_nothing()  # by then the server knows what she wants
        nurse.send_presence(pto=TYBALT)
        assert read(await nurse.gets()) == "one"
        for node in (friends_only, opened):
            await tybalt.publishes(node, "two", service=None)
        told = await nurse.gets()
        assert event(told, "items").get("node") == opened
        assert (told.get("from"), told.get("to")) == (TYBALT, nurse.boundjid.full)
        nurse.send_presence(pto=TYBALT, ptype="unavailable")
        await nurse.hears_nothing()
        await tybalt.publishes(opened, "three", service=None)
        await nurse.hears_nothing()
        nurse.send_presence(pto=TYBALT)
        assert read(await nurse.gets()) == "three"
        nurse.send_presence(pto=TYBALT, ptype="unavailable")
        await nurse.hears_nothing()
        for node in (opened, friends_only):
            await soon(tybalt.pubsub.delete_node(None, node))


async def test_items_of_a_whole_account_are_nobodys(globe: Server) -> None:
    async with readers(globe, "nurse") as (nurse,):
        for inner in ("<items/>", "<items node=''/>"):
            answer = await nurse.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", to=JULIET)
            assert error(answer) == ("bad-request", "nodeid-required")
