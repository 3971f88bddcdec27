"""What owners do, by slixmpp at a running server (XEP-0060 §8)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import NS, E, error
from tests.support.pubsub_readers import SERVICE, Reader, event, fails, line, read, readers
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
X = f"{{{ns.DATA_FORM}}}"
GET_PENDING = f"{NS}#get-pending"


async def config(owner: Reader, node: str | None = None) -> dict[str, object]:
    """The values of a node's form, or of the default's, without `pubsub#`."""
    answer = await soon(owner.pubsub.get_node_config(SERVICE, node))
    payload = answer["pubsub_owner"]["configure" if node else "default"]
    values = payload["form"].get_values()
    return {var.removeprefix("pubsub#"): value for var, value in values.items()}


async def test_8_1_a_node_is_created_once(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        assert await fails(romeo.pubsub.create_node(SERVICE, play)) == ("conflict",)
        instant = await soon(juliet.pubsub.create_node(SERVICE, None))
        name = instant["pubsub"]["create"]["node"]
        assert name not in ("", play)
        await juliet.publishes(name, "But, soft!")


async def test_8_1_3_a_node_is_created_as_it_is_wished(globe: Server) -> None:
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates(title="A tragedy", access_model="authorize", max_items=7)
        found = await config(juliet, play)
        assert found["title"] == "A tragedy"
        assert (found["access_model"], str(found["max_items"])) == ("authorize", "7")
        wrong = juliet.form("node_config", access_model="by-moonlight")
        asked = juliet.pubsub.create_node(SERVICE, "a-play-by-moonlight", wrong)
        assert await fails(asked) == ("not-acceptable", "unsupported-access-model")
        gone = juliet.pubsub.get_items(SERVICE, "a-play-by-moonlight")
        assert await fails(gone) == ("item-not-found",)


async def test_8_2_a_node_is_configured_and_subscribers_told(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(notify_config=True)
        await romeo.subscribes(play)
        form = juliet.form("node_config", title="A comedy")
        await soon(juliet.pubsub.set_node_config(SERVICE, play, form))
        told = event(await romeo.gets(), "configuration")
        assert told.get("node") == play
        values = {each.get("var"): each.findtext(f"{X}value") for each in told.iter(f"{X}field")}
        assert values["pubsub#title"] == "A comedy"
        assert (await config(juliet, play))["title"] == "A comedy"
        for asked in (
            romeo.pubsub.get_node_config(SERVICE, play),
            romeo.pubsub.set_node_config(SERVICE, play, form),
        ):
            assert await fails(asked) == ("forbidden",)


async def test_8_2_a_form_of_the_owner_comes_back_as_it_is(globe: Server) -> None:
    """What a client does: it takes the form, changes a field and sends all of it."""
    async with readers(globe, "juliet") as (juliet,):
        play = await juliet.creates()
        before = await config(juliet, play)
        answer = await soon(juliet.pubsub.get_node_config(SERVICE, play))
        form = answer["pubsub_owner"]["configure"]["form"]
        form["type"] = "submit"
        form.get_fields()["pubsub#title"]["value"] = "A comedy"
        await soon(juliet.pubsub.set_node_config(SERVICE, play, form))
        assert await config(juliet, play) == {**before, "title": "A comedy"}


async def test_8_3_how_nodes_are_set_up_by_default(globe: Server) -> None:
    async with readers(globe, "juliet") as (juliet,):
        found = await config(juliet)
        assert found["access_model"] == "open"
        play = await juliet.creates()
        assert (await config(juliet, play))["access_model"] == "open"


async def test_8_4_a_node_is_deleted_and_subscribers_told(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        assert await fails(romeo.pubsub.delete_node(SERVICE, play)) == ("forbidden",)
        await soon(juliet.pubsub.delete_node(SERVICE, play))
        assert event(await romeo.gets(), "delete").get("node") == play
        assert await fails(juliet.pubsub.delete_node(SERVICE, play)) == ("item-not-found",)
        again = await juliet.creates(play)
        await juliet.publishes(again, "anew")
        await romeo.hears_nothing()


async def test_8_4_2_a_deleted_node_names_another(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        uri = f"xmpp:{SERVICE}?;node=another-play"
        inner = f"<delete node='{play}'><redirect uri='{uri}'/></delete>"
        answer = await juliet.asks(f"<pubsub xmlns='{NS}#owner'>{inner}</pubsub>", "set")
        assert answer.get("type") == "result"
        told = event(await romeo.gets(), "delete")
        [redirect] = told
        assert (redirect.tag, redirect.get("uri")) == (f"{E}redirect", uri)


async def test_8_5_a_node_is_purged_and_everybody_told_once(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        for text in ("one", "two", "three"):
            await juliet.publishes(play, text)
        await romeo.subscribes(play)
        assert read(await romeo.gets()) == "three"
        assert await fails(romeo.pubsub.purge(SERVICE, play)) == ("forbidden",)
        await soon(juliet.pubsub.purge(SERVICE, play))
        assert event(await romeo.gets(), "purge").get("node") == play
        await romeo.hears_nothing()
        assert await romeo.reads(play) == []


def answered(message: Element, *, allow: bool) -> str:
    """The form of a request, filled in (§8.6)."""
    form = message.find(f"{X}x")
    assert form is not None
    fields = {
        each.get("var", ""): each.findtext(f"{X}value", "") for each in form.iter(f"{X}field")
    }
    fields["pubsub#allow"] = str(int(allow))
    written = "".join(
        f"<field var='{var}'><value>{value}</value></field>" for var, value in fields.items()
    )
    return f"<x xmlns='{ns.DATA_FORM}' type='submit'>{written}</x>"


async def test_8_6_an_owner_lets_subscribers_in_or_not(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        play = await juliet.creates(access_model="authorize")
        for each, allow in ((romeo, True), (nurse, False)):
            asking = await each.subscribes(play)
            assert asking.get("subscription") == "pending"
            assert await fails(each.pubsub.get_items(SERVICE, play)) != ()
            request = await juliet.gets()
            form = answered(request, allow=allow)
            juliet.send_raw(f"<message to='{SERVICE}' id='{request.get('id')}'>{form}</message>")
            told = event(await each.gets(), "subscription")
            assert told.get("subscription") == ("subscribed" if allow else "none")
        await juliet.publishes(play, "But, soft!")
        assert read(await romeo.gets()) == "But, soft!"
        await nurse.hears_nothing()


async def test_8_7_pending_subscribers_are_asked_about_again(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates(access_model="authorize")
        await romeo.subscribes(play)
        await juliet.gets()
        commands = juliet.plugin["xep_0050"]
        first = await soon(commands.send_command(SERVICE, GET_PENDING))
        assert first["command"]["status"] == "executing"
        nodes = first["command"]["form"].get_fields()["pubsub#node"]["options"]
        assert play in {each["value"] for each in nodes}
        form = juliet.plugin["xep_0004"].make_form("submit")
        form.add_field(var="pubsub#node", value=play)
        done = await soon(
            commands.send_command(
                SERVICE,
                GET_PENDING,
                action="execute",
                payload=form,
                sessionid=first["command"]["sessionid"],
            )
        )
        assert done["command"]["status"] == "completed"
        request = await juliet.gets()
        assert ROMEO in answered(request, allow=True)


async def test_8_8_an_owner_ends_and_makes_subscriptions(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        play = await juliet.creates()
        await romeo.subscribes(play)
        answer = await soon(juliet.pubsub.get_node_subscriptions(SERVICE, play))
        [found] = answer["pubsub_owner"]["subscriptions"]
        assert (str(found["jid"]), found["subscription"]) == (ROMEO, "subscribed")
        changes = [(ROMEO, "none"), (NURSE, "subscribed")]
        await soon(juliet.pubsub.modify_subscriptions(SERVICE, play, changes))
        assert event(await romeo.gets(), "subscription").get("subscription") == "none"
        assert event(await nurse.gets(), "subscription").get("subscription") == "subscribed"
        await juliet.publishes(play, "But, soft!")
        assert read(await nurse.gets()) == "But, soft!"
        await romeo.hears_nothing()
        refused = romeo.pubsub.get_node_subscriptions(SERVICE, play)
        assert await fails(refused) == ("forbidden",)


async def test_8_9_affiliations(globe: Server) -> None:
    async with readers(globe, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        play = await juliet.creates(access_model="whitelist")
        ranks = [(ROMEO, "publisher"), (NURSE, "member")]
        await soon(juliet.pubsub.modify_affiliations(SERVICE, play, ranks))
        answer = await soon(juliet.pubsub.get_node_affiliations(SERVICE, play))
        found = {str(e["jid"]): e["affiliation"] for e in answer["pubsub_owner"]["affiliations"]}
        assert found == {JULIET: "owner", **dict(ranks)}
        romeo.forgets(), nurse.forgets()
        await nurse.subscribes(play)
        await romeo.publishes(play, "one")
        assert read(await nurse.gets()) == "one"
        await soon(juliet.pubsub.modify_affiliations(SERVICE, play, [(NURSE, "outcast")]))
        nurse.forgets()
        await romeo.publishes(play, "two")
        assert await fails(nurse.pubsub.get_items(SERVICE, play)) == ("forbidden",)
        last = juliet.pubsub.modify_affiliations(SERVICE, play, [(JULIET, "none")])
        assert (await fails(last))[0] == "not-acceptable"
        asked = romeo.pubsub.modify_affiliations(SERVICE, play, [(ROMEO, "owner")])
        assert await fails(asked) == ("forbidden",)
        assert not [each for each in _told(nurse) if each.find(f"{E}event/{E}items") is not None]


def _told(reader: Reader) -> list[Element]:
    return [reader.notices.get_nowait() for _ in range(reader.notices.qsize())]


async def test_15_nobody_else_does_what_owners_do(globe: Server) -> None:
    """§15.2; and a payload of somebody else's does not come into it."""
    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await juliet.publishes(play, "one", "1")
        for inner in (
            f"<configure node='{play}'/>",
            f"<delete node='{play}'/>",
            f"<purge node='{play}'/>",
            f"<subscriptions node='{play}'><subscription jid='{NURSE}' subscription='subscribed'/>"
            "</subscriptions>",
            f"<affiliations node='{play}'><affiliation jid='{ROMEO}' affiliation='owner'/>"
            "</affiliations>",
        ):
            answer = await romeo.asks(f"<pubsub xmlns='{NS}#owner'>{inner}</pubsub>", "set")
            assert error(answer) == ("forbidden",), inner
        assert await fails(romeo.pubsub.publish(SERVICE, play, "1", line("two"))) == ("forbidden",)
        assert await romeo.reads(play) == ["one"]
