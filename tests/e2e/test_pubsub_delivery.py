"""When subscribers are told, and of what, by slixmpp at a running server (XEP-0060 §4.3, §13)."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import fromstring

from slixmpp.stanza import Message

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import NS, error, form
from tests.support.pubsub_bodies import ATOM, BODY_XSLT, entry
from tests.support.pubsub_readers import PLAY, SERVICE, Reader, event, fails, line, read, readers
from tests.support.server import DOMAIN

ROMEO = f"romeo@{DOMAIN}"
SHIM = "{http://jabber.org/protocol/shim}"


async def subscribes_with(reader: Reader, node: str, **options: Any) -> str:
    """Subscribe with options (§6.3.7); the SubID."""
    chosen = form("subscribe_options", **options)
    inner = f"<subscribe node='{node}' jid='{reader.boundjid.bare}'/><options>{chosen}</options>"
    answer = await reader.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
    assert answer.get("type") == "result", error(answer)
    [found] = answer.iter(f"{{{NS}}}subscription")
    return found.get("subid", "")


async def test_17_4_2_only_while_one_shows_what_one_has_said(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(send_last_published_item="never")
        await subscribes_with(romeo, play, **{"show-values": ["chat", "online"]})
        for show, told in (("dnd", False), ("chat", True), ("away", False), (None, True)):
            romeo.send_presence(pshow=show)
            await romeo.hears_nothing()
            text = f"while he is {show}"
            await juliet.publishes(play, text)
            if told:
                assert read(await romeo.gets()) == text
            await romeo.hears_nothing()


async def test_17_4_2_digests_and_what_nobody_knows_are_refused(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        for field in ("digest", "include_body", "keywords"):
            options = form("subscribe_options", **{field: "1"})
            inner = f"<subscribe node='{play}' jid='{ROMEO}'/><options>{options}</options>"
            answer = await romeo.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
            assert error(answer) == ("bad-request", "invalid-options")
        await juliet.publishes(play, "But, soft!")
        await romeo.hears_nothing()
        await subscribes_with(romeo, play, digest="0")
        assert read(await romeo.gets()) == "But, soft!"


async def test_13_8_who_wants_bodies_has_them_beside_entries_of_atom(globe: Server) -> None:
    """As the library reads a message's body; of what is published, and of the last item."""
    async with readers(globe, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        news = await juliet.creates(type=ATOM)
        await subscribes_with(romeo, news, include_body="1")
        await nurse.subscribes(news)
        payload = fromstring(entry("Soliloquy", "<summary>To be, or not to be</summary>"))
        await soon(juliet.pubsub.publish(SERVICE, news, "1", payload))
        for reader, body in ((romeo, "To be, or not to be"), (nurse, "")):
            message = await reader.gets()
            [item] = event(message, "items")
            assert (item[0].tag, Message(xml=message)["body"]) == (f"{{{ATOM}}}entry", body)
        await subscribes_with(juliet, news, include_body="1")
        assert Message(xml=await juliet.gets())["body"] == "To be, or not to be"


async def test_17_4_4_a_transformation_of_the_operators_makes_bodies(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(body_xslt=BODY_XSLT)
        await subscribes_with(romeo, play, include_body="1")
        await juliet.publishes(play, "But, soft!")
        message = await romeo.gets()
        assert (read(message), Message(xml=message)["body"]) == ("But, soft!", "Act: But, soft!")
        other = juliet.creates(body_xslt="http://127.0.0.1/body.xslt")
        assert await fails(other) == ("not-acceptable",)


async def test_13_6_by_presence_who_is_away_is_told_when_he_comes(globe: Server) -> None:
    """By bare JID, whichever resource it is; of the last item alone (§6.1.7)."""
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates(presence_based_delivery="1", max_items="max")
        async with readers(globe, "romeo") as (romeo,):
            await romeo.subscribes(play)
            await juliet.publishes(play, "one")
            assert read(await romeo.gets()) == "one"
            romeo.send_presence(ptype="unavailable")
            await romeo.hears_nothing()
            for text in ("two", "three"):
                await juliet.publishes(play, text)
            await romeo.hears_nothing()
        async with readers(globe, "romeo/orchard") as (romeo,):
            assert read(await romeo.gets()) == "three"
            await romeo.hears_nothing()
            await soon(romeo.pubsub.unsubscribe(SERVICE, play))


async def test_13_11_a_batch_is_published_told_of_and_retracted_at_once(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(max_items="max")
        await romeo.subscribes(play)
        items = "".join(f"<item id='{n}'><act xmlns='{PLAY}'>{n}</act></item>" for n in range(3))
        inner = f"<publish node='{play}'>{items}</publish>"
        answer = await juliet.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
        assert [each.get("id") for each in answer.iter(f"{{{NS}}}item")] == ["0", "1", "2"]
        told = event(await romeo.gets(), "items")
        assert [each.get("id") for each in told] == ["0", "1", "2"]
        for ids, gone in ((("0", "unheard-of"), False), (("0", "2"), True)):
            named = "".join(f"<item id='{id_}'/>" for id_ in ids)
            inner = f"<retract node='{play}' notify='true'>{named}</retract>"
            answer = await juliet.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
            assert (answer.get("type") == "result") is gone
            if gone:
                told = event(await romeo.gets(), "items")
                assert [each.get("id") for each in told] == ["0", "2"]
            await romeo.hears_nothing()
        assert await romeo.reads(play) == ["1"]
        few = await juliet.creates(max_items=2)
        inner = f"<publish node='{few}'>{items}</publish>"
        answer = await juliet.asks(f"<pubsub xmlns='{NS}'>{inner}</pubsub>", "set")
        assert error(answer) == ("not-allowed", "max-items-exceeded")
        assert await romeo.reads(few) == []


async def test_4_3_a_node_that_keeps_nothing_tells_and_has_the_last_one(globe: Server) -> None:
    """Neither payloads nor items (§4.3): an event of its own kind."""
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(persist_items=False)
        await romeo.subscribes(play)
        await juliet.publishes(play, "But, soft!", "1")
        assert read(await romeo.gets()) == "But, soft!"
        assert await romeo.reads(play) == ["But, soft!"]
        refused = juliet.pubsub.retract(SERVICE, play, "1")
        assert await fails(refused) == ("feature-not-implemented", "unsupported")
        bare = await juliet.creates(persist_items=False, deliver_payloads=False)
        await romeo.subscribes(bare)
        with_item = juliet.pubsub.publish(SERVICE, bare, "1", line("one"))
        assert await fails(with_item) == ("bad-request", "item-forbidden")
        inner = f"<pubsub xmlns='{NS}'><publish node='{bare}'/></pubsub>"
        assert (await juliet.asks(inner, "set")).get("type") == "result"
        told = event(await romeo.gets(), "items")
        assert (told.get("node"), len(told)) == (bare, 0)


async def test_17_4_4_what_somebody_has_published_goes_as_he_goes_offline(globe: Server) -> None:
    """His own alone, and only once none of his resources is there."""
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(purge_offline="1", publish_model="open", max_items="max")
        await romeo.subscribes(play)
        async with readers(globe, "nurse") as (nurse,):
            async with readers(globe, "nurse/attic") as (attic,):
                for reader, id_ in ((juliet, "1"), (attic, "2"), (nurse, "3")):
                    await reader.publishes(play, f"line {id_}", id_)
                    assert read(await romeo.gets()) == f"line {id_}"
            await romeo.hears_nothing()
        gone = event(await romeo.gets(), "items")
        assert [(each.tag.rpartition("}")[2], each.get("id")) for each in gone] == [
            ("retract", "2"),
            ("retract", "3"),
        ]
        assert await romeo.reads(play) == ["line 1"]


async def test_xep_0248_what_is_below_a_collection_is_told_with_its_name(globe: Server) -> None:
    """Items and nodes, associated and dissociated, by SubID where there are several."""
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        works = await juliet.creates(node_type="collection")
        plays = await juliet.creates(node_type="collection", collection=[works])
        play = await juliet.creates(collection=[plays])
        everything = {"subscription_type": "all", "subscription_depth": "all"}
        subid = await subscribes_with(romeo, works, **everything)
        await juliet.publishes(play, "But, soft!", "1")
        told = await romeo.gets()
        assert (event(told, "items").get("node"), read(told)) == (play, "But, soft!")
        assert headers(told) == {("Collection", works)}
        other = await subscribes_with(romeo, works, **everything)
        await juliet.publishes(play, "What light", "2")
        assert headers(await romeo.gets()) == {
            ("Collection", works),
            ("SubID", subid),
            ("SubID", other),
        }
        await soon(romeo.pubsub.unsubscribe(SERVICE, works, subid=other))
        sonnet = await juliet.creates()
        for what, linked in (("associate", [works]), ("dissociate", [])):
            inner = f"<collection node='{works}'><{what} node='{sonnet}'/></collection>"
            answer = await juliet.asks(f"<pubsub xmlns='{NS}#owner'>{inner}</pubsub>", "set")
            assert answer.get("type") == "result", error(answer)
            [said] = event(await romeo.gets(), "collection")
            assert (said.tag.rpartition("}")[2], said.get("node")) == (what, sonnet)
            config = await soon(juliet.pubsub.get_node_config(SERVICE, sonnet))
            values = config["pubsub_owner"]["configure"]["form"].get_values()
            assert (values.get("pubsub#collection") or []) == linked
        into = juliet.pubsub.publish(SERVICE, works, "1", line("one"))
        assert await fails(into) == ("feature-not-implemented", "unsupported")
        romeo.forgets()


def headers(message: Any) -> set[tuple[str, str]]:
    """The headers of a notification (XEP-0131)."""
    return {(each.get("name"), each.text) for each in message.iter(f"{SHIM}header")}
