"""What subscribers do, by slixmpp at a running server (XEP-0060 §5, §6)."""

from __future__ import annotations

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import NS, form
from tests.support.pubsub_readers import SERVICE, event, fails, read, readers
from tests.support.server import DOMAIN

ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("romeo", "nurse"))


async def test_5_1_the_service_and_what_it_can_do_are_found(globe: Server) -> None:
    async with readers(globe, "juliet") as (juliet,):
        disco = juliet.plugin["xep_0030"]
        items = await soon(disco.get_items(DOMAIN))
        assert SERVICE in {item[0] for item in items["disco_items"]["items"]}
        info = (await soon(disco.get_info(SERVICE)))["disco_info"]
        assert ("pubsub", "service") in {identity[:2] for identity in info["identities"]}
        found = {each.removeprefix(f"{NS}#") for each in info["features"]}
        assert {"publish", "subscribe", "create-nodes", "persistent-items"} <= found


async def test_5_2_to_5_5_nodes_and_their_items_are_found(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(title="Romeo and Juliet", description="A tragedy")
        hidden = await juliet.creates(access_model="whitelist")
        ids = [await juliet.publishes(play, text) for text in ("one", "two")]
        disco = romeo.plugin["xep_0030"]
        nodes = {each[1] for each in (await soon(disco.get_items(SERVICE)))["disco_items"]["items"]}
        assert play in nodes
        assert hidden not in nodes
        answer = await soon(disco.get_info(SERVICE, play))
        assert ("pubsub", "leaf") in {each[:2] for each in answer["disco_info"]["identities"]}
        values = answer["disco_info"]["form"].get_values()
        assert values["FORM_TYPE"] in ([f"{NS}#meta-data"], f"{NS}#meta-data")
        assert values["pubsub#title"] == "Romeo and Juliet"
        told = await soon(romeo.pubsub.get_item_ids(SERVICE, play))
        assert sorted(each[2] for each in told["disco_items"]["items"]) == sorted(ids)
        assert await fails(disco.get_items(SERVICE, hidden)) != ()


async def test_5_6_and_5_7_ones_own_subscriptions_and_affiliations(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        answer = await soon(romeo.pubsub.get_subscriptions(SERVICE, play))
        [found] = answer["pubsub"]["subscriptions"]
        assert (found["node"], str(found["jid"]), found["subscription"]) == (
            play,
            ROMEO,
            "subscribed",
        )
        answer = await soon(juliet.pubsub.get_affiliations(SERVICE))
        ranks = {each["node"]: each["affiliation"] for each in answer["pubsub"]["affiliations"]}
        assert ranks[play] == "owner"


async def test_6_1_who_subscribes_is_told_until_he_unsubscribes(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        subscription = await romeo.subscribes(play)
        assert subscription.get("jid") == ROMEO
        assert subscription.get("subscription") == "subscribed"
        id_ = await juliet.publishes(play, "But, soft!")
        told = await romeo.gets()
        assert told.get("from") == SERVICE
        assert event(told, "items").get("node") == play
        assert event(told, "items")[0].get("id") == id_
        assert read(told) == "But, soft!"
        await soon(romeo.pubsub.unsubscribe(SERVICE, play))
        await juliet.publishes(play, "What light")
        await romeo.hears_nothing()
        left = romeo.pubsub.unsubscribe(SERVICE, play)
        assert await fails(left) == ("unexpected-request", "not-subscribed")


async def test_6_1_7_a_new_subscriber_gets_the_last_item(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        for text in ("one", "two"):
            await juliet.publishes(play, text)
        await romeo.subscribes(play)
        told = await romeo.gets()
        assert read(told) == "two"
        assert told.find("{urn:xmpp:delay}delay") is not None


async def test_6_1_3_who_may_not_subscribe_is_told_why(globe: Server) -> None:
    # Romeo may see Juliet's presence by now: tests of accounts share the server.
    async with readers(globe, "juliet", "tybalt") as (juliet, tybalt):
        closed = await juliet.creates(access_model="whitelist")
        friends = await juliet.creates(access_model="presence")
        house = await juliet.creates(access_model="roster", roster_groups_allowed=["House"])
        for node, reason in (
            (closed, ("not-allowed", "closed-node")),
            (friends, ("not-authorized", "presence-subscription-required")),
            (house, ("not-authorized", "not-in-roster-group")),
            ("no-such-play", ("item-not-found",)),
        ):
            assert await fails(tybalt.pubsub.subscribe(SERVICE, node)) == reason
        for_nurse = tybalt.pubsub.subscribe(SERVICE, closed, subscribee=NURSE)
        assert await fails(for_nurse) == ("bad-request", "invalid-jid")


async def test_6_3_options_of_a_subscription(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        answer = await soon(romeo.pubsub.get_subscription_options(SERVICE, play, ROMEO))
        options = answer["pubsub"]["options"]["options"]
        assert options.get_values()["pubsub#deliver"] in (True, "1")
        quiet = romeo.form("subscribe_options", deliver="0")
        # slixmpp's own request for it is a get.
        options = f"<options node='{play}' jid='{ROMEO}'>{form('subscribe_options', deliver='0')}"
        chosen = f"<pubsub xmlns='{NS}'>{options}</options></pubsub>"
        assert (await romeo.asks(chosen, "set")).get("type") == "result"
        await juliet.publishes(play, "But, soft!")
        await romeo.hears_nothing()
        # Subscribed and configured at once (§6.3.7).
        other = await juliet.creates()
        await soon(romeo.pubsub.subscribe(SERVICE, other, options=quiet))
        await juliet.publishes(other, "What light")
        await romeo.hears_nothing()


async def test_6_5_items_are_retrieved(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(max_items="max")
        lines = [f"line {number}" for number in range(5)]
        for number, text in enumerate(lines):
            await juliet.publishes(play, text, f"{number}")
        assert await romeo.reads(play) == lines
        assert sorted(await romeo.reads(play, most=2)) == lines[3:]
        assert await romeo.reads(play, "1", "unheard-of") == ["line 1"]
        answer = await soon(romeo.pubsub.get_item(SERVICE, play, "4"))
        assert answer["pubsub"]["items"]["item"]["payload"].text == "line 4"


async def test_6_5_4_items_come_in_pages(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(max_items="max")
        for number in range(7):
            await juliet.publishes(play, f"line {number}", f"{number}")
        pages = romeo.pubsub.get_items(SERVICE, play, iterator=True)
        pages.amount = 3
        found = [[each["id"] for each in page["pubsub"]["items"]] async for page in pages]
        assert [id_ for page in found for id_ in page] == [f"{number}" for number in range(7)]
        assert [len(page) for page in found] == [3, 3, 1]


async def test_6_1_6_several_subscriptions_are_told_apart(globe: Server) -> None:
    """By SubIDs, in one notification to each JID."""
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        options = f"<options>{form('subscribe_options')}</options>"
        again = f"<subscribe node='{play}' jid='{ROMEO}'/>{options}"
        ids = {(await romeo.subscribes(play)).get("subid", "") for _ in range(2)}
        assert len(ids) == 1, "who brings no options has one"
        more = await romeo.asks(f"<pubsub xmlns='{NS}'>{again}</pubsub>", "set")
        ids |= {each.get("subid", "") for each in more.iter(f"{{{NS}}}subscription")}
        assert len(ids) == 2
        await juliet.publishes(play, "But, soft!")
        told = await romeo.gets()
        headers = told.find("{http://jabber.org/protocol/shim}headers")
        assert headers is not None
        assert {each.text for each in headers} == ids
        left = romeo.pubsub.unsubscribe(SERVICE, play)
        assert await fails(left) == ("bad-request", "subid-required")
        wrong = romeo.pubsub.unsubscribe(SERVICE, play, subid="unheard-of")
        assert await fails(wrong) == ("not-acceptable", "invalid-subid")
        for subid in ids:
            await soon(romeo.pubsub.unsubscribe(SERVICE, play, subid=subid))
        await juliet.publishes(play, "What light")
        await romeo.hears_nothing()


async def test_6_5_9_what_may_not_be_read(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        secret = await juliet.creates(access_model="authorize")
        await juliet.publishes(secret, "hush")
        asked = romeo.pubsub.get_items(SERVICE, secret)
        assert await fails(asked) == ("not-authorized", "not-subscribed")
        answer = await romeo.asks(f"<pubsub xmlns='{NS}'><items node='{secret}'/></pubsub>")
        assert "hush" not in "".join(answer.itertext())
