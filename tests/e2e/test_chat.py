"""People talk to each other: messages, resources, conflicts."""

import pytest

from tests.e2e.verona import MASKS, VERONA, Server
from tests.support.clients import Client, soon
from tests.support.peers import Peer
from tests.support.server import PASSWORD

JULIET = f"juliet@{VERONA}"
ROMEO = f"romeo@{VERONA}"


@pytest.mark.parametrize("tls", ["starttls", "direct", "none"])
async def test_two_people_chat_both_ways(verona: Server, tls: str) -> None:
    async with (
        Client(f"{JULIET}/balcony", PASSWORD, verona) as juliet,
        Client(f"{ROMEO}/orchard", PASSWORD, verona, tls=tls) as romeo,
    ):
        juliet.say(f"{ROMEO}/orchard", "Art thou not Romeo, and a Montague?")
        assert await romeo.hears("Art thou not Romeo, and a Montague?") == f"{JULIET}/balcony"
        romeo.say(f"{JULIET}/balcony", "Neither, fair saint, if either thee dislike. ♥ & <3")
        heard = await juliet.hears("Neither, fair saint, if either thee dislike. ♥ & <3")
        assert heard == f"{ROMEO}/orchard"


async def test_message_to_the_account_reaches_who_is_available(verona: Server) -> None:
    """RFC 6121 §8.5.2."""
    async with (
        Client(f"{JULIET}/balcony", PASSWORD, verona) as juliet,
        Client(f"{ROMEO}/orchard", PASSWORD, verona, plugins=("xep_0199",)) as romeo,
    ):
        romeo.send_presence()
        await soon(romeo.plugin["xep_0199"].ping(VERONA))
        juliet.say(ROMEO, "Wherefore art thou Romeo?")
        assert await romeo.hears("Wherefore art thou Romeo?") == f"{JULIET}/balcony"


async def test_message_to_a_resource_reaches_no_other(verona: Server) -> None:
    """RFC 6121 §8.5.3.1."""
    async with (
        Client(f"{JULIET}/balcony", PASSWORD, verona) as juliet,
        Client(f"{ROMEO}/orchard", PASSWORD, verona) as orchard,
        Client(f"{ROMEO}/street", PASSWORD, verona) as street,
    ):
        juliet.say(f"{ROMEO}/orchard", "one")
        juliet.say(f"{ROMEO}/street", "two")
        await orchard.hears("one")
        await street.hears("two")


async def test_long_message_passes_whole(verona: Server) -> None:
    body = "parting is such sweet sorrow " * 5000
    async with Client(f"{JULIET}/balcony", PASSWORD, verona) as juliet:
        juliet.say(f"{JULIET}/balcony", body)
        await juliet.hears(body)


async def test_guest_and_inhabitant_talk(verona: Server) -> None:
    async with (
        Client(f"{JULIET}/ball", PASSWORD, verona) as juliet,
        Client(MASKS, "", verona) as guest,
    ):
        juliet.say(str(guest.boundjid), "Good pilgrim")
        await guest.hears("Good pilgrim")
        guest.say(f"{JULIET}/ball", "Have not saints lips?")
        assert await juliet.hears("Have not saints lips?") == str(guest.boundjid)


async def test_newer_session_takes_the_resource_over(verona: Server) -> None:
    """RFC 6120 §7.7.2.2, with `resource_conflict = "replace"`."""
    async with (
        Client(f"{ROMEO}/orchard", PASSWORD, verona) as older,
        Client(f"{ROMEO}/orchard", PASSWORD, verona) as newer,
    ):
        assert await soon(older.stream_errors.get()) == "conflict"
        await soon(older.gone)
        newer.say(f"{ROMEO}/orchard", "still here")
        await newer.hears("still here")


async def test_resource_of_the_servers_making_is_new_each_time(verona: Server) -> None:
    """RFC 6120 §7.6."""
    async with Client(ROMEO, PASSWORD, verona) as one, Client(ROMEO, PASSWORD, verona) as other:
        assert one.boundjid.resource
        assert one.boundjid.resource != other.boundjid.resource


def test_stanza_is_the_same_wherever_the_network_cuts_it(verona: Server) -> None:
    """A pinging bystander makes sure that the server has read one part before it gets the next."""
    with Peer(verona.c2s, VERONA) as romeo, Peer(verona.c2s, VERONA) as nurse:
        romeo.log_in("romeo", PASSWORD, "orchard")
        nurse.log_in("nurse", PASSWORD, "hall")
        body = "<body xml:lang='it'>Ahimè &amp; guai&#33;</body>"
        stanza = (
            f"<message to='{romeo.jid}' id='m'>{body}<x xmlns='urn:x' a='1'/></message>".encode()
        )
        for cut in range(1, len(stanza)):
            romeo.send(stanza[:cut])
            nurse.ping()
            romeo.send(stanza[cut:])
            got = romeo.element()
            assert got.findtext("{*}body") == "Ahimè & guai!", cut
            assert [child.tag for child in got] == ["{jabber:client}body", "{urn:x}x"]


def test_many_stanzas_in_one_segment_come_one_by_one_in_order(verona: Server) -> None:
    with Peer(verona.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "orchard")
        romeo.send("".join(f"<message to='{romeo.jid}' id='m{n}'/> " for n in range(200)))
        assert [romeo.element().get("id") for _ in range(200)] == [f"m{n}" for n in range(200)]
