"""What publishers do, by slixmpp at a running server (XEP-0060 §7)."""

from __future__ import annotations

import pytest

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import NS, E, P, error
from tests.support.pubsub_readers import PLAY, SERVICE, Reader, event, fails, line, read, readers
from tests.support.server import DOMAIN

ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("romeo", "nurse"))


async def affiliate(owner: Reader, node: str, jid: str, rank: str) -> None:
    """Give somebody an affiliation (§8.9.2)."""
    await soon(owner.pubsub.modify_affiliations(SERVICE, node, [(jid, rank)]))


async def test_7_1_an_item_has_its_publishers_id_or_one_of_the_services(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        assert await juliet.publishes(play, "one", "act-1") == "act-1"
        made = await juliet.publishes(play, "two")
        assert made not in ("", "act-1")
        assert await romeo.reads(play, made) == ["two"]


async def test_7_1_2_an_item_of_the_same_id_takes_the_place_of_the_other(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        for text, id_ in (("one", "a"), ("two", "b"), ("three", "a")):
            await juliet.publishes(play, text, id_)
            assert read(await romeo.gets()) == text
        assert await romeo.reads(play) == ["two", "three"]


async def test_7_1_2_2_without_payloads_subscribers_come_for_them(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(deliver_payloads=False)
        await romeo.subscribes(play)
        await juliet.publishes(play, "But, soft!", "act")
        [item] = event(await romeo.gets(), "items")
        assert (item.get("id"), len(item)) == ("act", 0)
        assert await romeo.reads(play, "act") == ["But, soft!"]


async def test_7_1_2_3_the_publisher_is_told_and_cannot_be_feigned(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(itemreply="publisher")
        await romeo.subscribes(play)
        inner = f"<item id='1' publisher='{NURSE}'><act xmlns='{PLAY}'/></item>"
        publish = f"<pubsub xmlns='{NS}'><publish node='{play}'>{inner}</publish></pubsub>"
        assert (await juliet.asks(publish, "set")).get("type") == "result"
        [told] = event(await romeo.gets(), "items")
        assert told.get("publisher", "").partition("/")[0] == juliet.boundjid.bare
        answer = await romeo.asks(f"<pubsub xmlns='{NS}'><items node='{play}'/></pubsub>")
        [kept] = answer.iter(f"{P}item")
        assert kept.get("publisher") == told.get("publisher")


async def test_7_1_2_5_the_oldest_item_goes_or_the_new_one_does_not_come(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        for full in ("discard-oldest", "retract-oldest", "reject"):
            play = await juliet.creates(max_items=2, publish_node_full=full)
            await romeo.subscribes(play)
            for text in ("one", "two"):
                await juliet.publishes(play, text, text)
                await romeo.gets()
            if full == "reject":
                asked = juliet.pubsub.publish(SERVICE, play, "three", line("three"))
                assert await fails(asked) == ("conflict", "node-full")
                assert await romeo.reads(play) == ["one", "two"]
                continue
            await juliet.publishes(play, "three", "three")
            assert read(await romeo.gets()) == "three"
            if full == "retract-oldest":
                [gone] = event(await romeo.gets(), "items")
                assert (gone.tag, gone.get("id")) == (f"{E}retract", "one")
            await romeo.hears_nothing()
            assert await romeo.reads(play) == ["two", "three"]


@pytest.mark.parametrize(
    ("settings", "items", "reason"),
    [
        ({}, "", "item-required"),
        ({}, "<item id='1'/>", "payload-required"),
        ({}, "<item id='1'><a xmlns='x'/><b xmlns='x'/></item>", "invalid-payload"),
        ({"type": "urn:example:verse"}, "<item><a xmlns='x'/></item>", "invalid-payload"),
        (
            {"persist_items": False, "deliver_payloads": False},
            "<item id='1'><a xmlns='x'/></item>",
            "item-forbidden",
        ),
    ],
)
async def test_7_1_3_what_does_not_fit_the_node_is_refused(
    globe: Server, settings: dict[str, object], items: str, reason: str
) -> None:
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates(access_model="open", **settings)
        publish = f"<pubsub xmlns='{NS}'><publish node='{play}'>{items}</publish></pubsub>"
        assert error(await juliet.asks(publish, "set")) == ("bad-request", reason)
        answer = await juliet.asks(f"<pubsub xmlns='{NS}'><items node='{play}'/></pubsub>")
        assert not list(answer.iter(f"{P}item"))


async def test_7_1_3_1_who_may_publish(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        play = await juliet.creates()
        asked = romeo.pubsub.publish(SERVICE, play, None, line("no"))
        assert await fails(asked) == ("forbidden",)
        await affiliate(juliet, play, ROMEO, "publisher")
        await affiliate(juliet, play, NURSE, "publish-only")
        await romeo.publishes(play, "one", "1")
        await nurse.publishes(play, "two", "2")
        assert await fails(nurse.pubsub.get_items(SERVICE, play)) == ("forbidden",)
        # Who may only publish deletes his own alone (§4.1).
        assert await fails(nurse.pubsub.retract(SERVICE, play, "1")) == ("forbidden",)
        await soon(nurse.pubsub.retract(SERVICE, play, "2"))
        assert await romeo.reads(play) == ["one"]


async def test_7_1_3_5_a_payload_has_a_bound(globe: Server) -> None:
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates(max_payload_size=1_024)
        await juliet.publishes(play, "x" * 500)
        asked = juliet.pubsub.publish(SERVICE, play, None, line("x" * 2_000))
        assert await fails(asked) == ("not-acceptable", "payload-too-big")


async def test_7_1_5_options_are_preconditions(globe: Server) -> None:
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates(access_model="open")
        for access in ("open", "whitelist"):
            options = juliet.form("publish-options", access_model=access)
            asked = juliet.pubsub.publish(SERVICE, play, access, line("x"), options)
            if access == "open":
                await soon(asked)
            else:
                assert await fails(asked) == ("conflict", "precondition-not-met")
        assert await juliet.reads(play) == ["x"]


async def test_7_2_an_item_is_retracted_and_everybody_told(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(notify_retract=False)
        await romeo.subscribes(play)
        for id_ in ("1", "2"):
            await juliet.publishes(play, id_, id_)
            await romeo.gets()
        await soon(juliet.pubsub.retract(SERVICE, play, "1", notify="true"))
        [gone] = event(await romeo.gets(), "items")
        assert (gone.tag, gone.get("id")) == (f"{E}retract", "1")
        await soon(juliet.pubsub.retract(SERVICE, play, "2"))
        await romeo.hears_nothing()
        assert await romeo.reads(play) == []
        asked = juliet.pubsub.retract(SERVICE, play, "1")
        assert await fails(asked) == ("item-not-found",)


async def test_7_2_3_what_cannot_be_retracted(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await juliet.publishes(play, "one", "1")
        assert await fails(romeo.pubsub.retract(SERVICE, play, "1")) == ("forbidden",)
        none = juliet.pubsub.retract(SERVICE, "no-such-play", "1")
        assert await fails(none) == ("item-not-found",)
        for inner, reason in (
            (f"<retract node='{play}'/>", "item-required"),
            (f"<retract node='{play}'><item/></retract>", "item-required"),
            ("<retract><item id='1'/></retract>", "nodeid-required"),
        ):
            answer = await juliet.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
            assert error(answer) == ("bad-request", reason)
        assert await juliet.reads(play) == ["one"]
