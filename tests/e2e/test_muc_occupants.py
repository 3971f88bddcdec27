"""What occupants do, by slixmpp at a running server (XEP-0045 §7)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from slixmpp import JID

from components.muc.names import OWN_FIELDS
from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.conference import U, codes
from tests.support.muc_guests import SERVICE, fails, guests, item
from tests.support.people import C
from tests.support.server import DOMAIN
from xmppd import ns

ROMEO = f"romeo@{DOMAIN}"


async def test_7_1_and_7_2_2_a_newcomer_gets_others_himself_history_and_subject(
    conference: Server,
) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        juliet.says(hall, "O Romeo, Romeo!")
        juliet.muc.set_subject(hall, "The balcony")
        await juliet.listens(hall, "Juliet", "O Romeo, Romeo!")
        await juliet.gets()
        own, subject, occupants, history = await romeo.enters(hall)
        assert (own["from"], codes(own.xml)) == (f"{hall}/Romeo", [110])
        assert item(own.xml)["affiliation"] == "none"
        assert occupants[0]["muc"]["nick"] == "Juliet"
        assert [each["body"] for each in history] == ["O Romeo, Romeo!"]
        assert history[0]["delay"]["from"] == hall
        assert subject["subject"] == "The balcony"
        seen = await juliet.sees(hall, "Romeo")
        assert item(seen)["jid"] == f"{ROMEO}/house", "moderators see who he is (§7.2.4)"


async def test_7_2_3_in_a_non_anonymous_room_all_see_who_one_is(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        hall = await juliet.opens(whois="anyone")
        own, *_ = await romeo.enters(hall)
        assert codes(own.xml) == [100, 110]
        await nurse.enters(hall)
        assert item(await romeo.sees(hall, "Nurse"))["jid"] == f"nurse@{DOMAIN}/house"


async def test_7_2_4_in_a_semi_anonymous_room_only_moderators_see_it(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        hall = await juliet.opens(whois="moderators")
        await romeo.enters(hall)
        await nurse.enters(hall)
        assert "jid" not in item(await romeo.sees(hall, "Nurse"))


async def test_7_2_5_a_password_is_needed(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(passwordprotectedroom=True, roomsecret="rosemary")
        assert await romeo.may_not_enter(hall) == "not-authorized"
        assert await romeo.may_not_enter(hall, password="thyme") == "not-authorized"
        await romeo.enters(hall, password="rosemary")


async def test_7_2_6_and_7_2_7_strangers_and_the_banned_stay_outside(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "tybalt") as (juliet, romeo, tybalt):
        hall = await juliet.opens(membersonly=True)
        assert await romeo.may_not_enter(hall) == "registration-required"
        await soon(juliet.muc.set_affiliation(hall, "member", jid=ROMEO))
        await romeo.enters(hall)
        await soon(juliet.muc.set_affiliation(hall, "outcast", jid=f"tybalt@{DOMAIN}"))
        assert await tybalt.may_not_enter(hall) == "forbidden"


async def test_7_2_8_a_nick_is_one_users_with_all_his_clients(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "romeo/orchard") as (juliet, romeo, other):
        hall = await juliet.opens()
        assert await romeo.may_not_enter(hall, "Juliet") == "conflict"
        await romeo.enters(hall)
        await other.enters(hall)
        juliet.says(hall, "Wherefore art thou Romeo?")
        for each in (romeo, other):
            await each.listens(hall, "Juliet", "Wherefore art thou Romeo?")


async def test_7_2_9_a_room_may_be_full(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        hall = await juliet.opens(maxusers="1")
        assert await romeo.may_not_enter(hall) == "service-unavailable"
        await soon(juliet.muc.set_affiliation(hall, "admin", jid=f"nurse@{DOMAIN}"))
        await nurse.enters(hall)


async def test_7_2_10_a_locked_room_is_not_there_yet(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.creates()
        assert await romeo.may_not_enter(hall) == "item-not-found"


async def test_7_2_10_who_comes_while_a_room_is_set_up_enters_when_it_is(
    conference: Server,
) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.creates()
        entering = asyncio.ensure_future(romeo.enters(hall))
        await asyncio.sleep(0)  # his presence is sent, and what is behind it is answered behind it
        await soon(romeo.plugin["xep_0199"].send_ping(JID(SERVICE)))
        assert not entering.done()
        await juliet.configures(hall)
        own, _subject, occupants, _history = await entering
        assert codes(own.xml) == [110]
        assert {each["from"].resource for each in occupants} == {"Juliet", "Romeo"}


async def test_7_2_12_who_enters_a_logged_room_is_told(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(enablelogging=True)
        own, *_ = await romeo.enters(hall)
        assert codes(own.xml) == [110, 170]


async def test_7_2_14_newcomers_say_how_much_history_they_want(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        for line in ("one", "two"):
            juliet.says(hall, line)
            await juliet.listens(hall, "Juliet", line)
        await asyncio.sleep(1.1)  # the history counts by whole seconds
        later = datetime.now(UTC)
        juliet.says(hall, "three")
        await juliet.listens(hall, "Juliet", "three")

        async def heard(**limit: object) -> list[str]:
            *_, history = await romeo.enters(hall, **limit)
            romeo.leaves(hall)
            await romeo.sees(hall, "Romeo", "unavailable")
            return [each["body"] for each in history]

        assert await heard() == ["one", "two", "three"]
        assert await heard(maxstanzas=2) == ["two", "three"]
        assert await heard(maxchars=0) == []
        assert await heard(maxchars=900) in (["three"], ["two", "three"])
        assert await heard(seconds=3600) == ["one", "two", "three"]
        assert await heard(since=later) == ["three"]


async def test_7_2_18_presence_without_x_is_answered_by_a_kick(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        romeo.send_presence(pto=f"{hall}/Romeo")
        assert codes(await romeo.sees(hall, "Romeo", "unavailable")) == [110, 307, 333]


async def test_7_4_what_one_says_all_hear_by_its_id_and_who_is_outside_may_not(
    conference: Server,
) -> None:
    async with guests(conference, "juliet", "romeo", "tybalt") as (juliet, romeo, tybalt):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        said = romeo.make_message(mto=JID(hall), mbody="But, soft!", mtype="groupchat")
        said.send()
        for each in (juliet, romeo):
            assert (await each.listens(hall, "Romeo", "But, soft!")).get("id") == said["id"]
        tybalt.says(hall, "What, drawn?")
        assert await tybalt.is_refused() == "not-acceptable"


async def test_7_5_private_messages(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "tybalt") as (juliet, romeo, tybalt):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        romeo.say(f"{hall}/Juliet", "I take thee at thy word.")
        private = await juliet.listens(hall, "Romeo", "I take thee at thy word.")
        assert private.find(f"{U}x") is not None
        romeo.say(f"{hall}/Rosaline", "Art thou here?")
        assert await romeo.is_refused() == "item-not-found"
        romeo.send_message(mto=JID(f"{hall}/Juliet"), mbody="All?", mtype="groupchat")
        assert await romeo.is_refused() == "bad-request"
        tybalt.say(f"{hall}/Juliet", "Peace?")
        assert await tybalt.is_refused() == "not-acceptable"
        await juliet.configures(hall, allowpm="none")
        romeo.forgets()
        romeo.say(f"{hall}/Juliet", "Good night!")
        while (answer := await romeo.gets()).get("type") != "error":
            assert answer.get("from") == hall, "that the room is set up anew"


async def test_7_6_a_nick_is_changed(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        assert await soon(romeo.muc.set_self_nick(JID(hall), "Montague")) == "Montague"
        gone = await juliet.sees(hall, "Romeo", "unavailable")
        assert (codes(gone), item(gone)["nick"]) == ([303], "Montague")
        await juliet.sees(hall, "Montague")
        await romeo.sees(hall, "Romeo", "unavailable")
        await romeo.sees(hall, "Montague")
        romeo.send_presence(pto=f"{hall}/Juliet")
        refused = await romeo.gets("presence")
        assert refused.find("{*}error/{*}conflict") is not None


async def test_7_7_availability_is_told(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        romeo.send_presence(pto=f"{hall}/Romeo", pshow="xa", pstatus="sad hours")
        seen = await juliet.sees(hall, "Romeo")
        assert seen.findtext(f"{C}show") == "xa"
        assert seen.findtext(f"{C}status") == "sad hours"


async def test_7_8_1_a_direct_invitation(conference: Server) -> None:
    """XEP-0249: from client to client; the room has no part in it."""
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        juliet.plugin["xep_0249"].send_invitation(JID(ROMEO), JID(hall), reason="A word")
        invited = await romeo.gets()
        x = invited.find("{jabber:x:conference}x")
        assert x is not None and x.get("jid") == hall


async def test_7_8_2_a_mediated_invitation_is_declined_or_taken(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(membersonly=True, passwordprotectedroom=True, roomsecret="thyme")
        juliet.muc.invite(hall, ROMEO, "An old accustom'd feast")
        invited = await romeo.gets()
        assert invited.get("from") == hall
        assert invited.findtext(f"{U}x/{U}invite/{U}reason") == "An old accustom'd feast"
        password = invited.findtext(f"{U}x/{U}password")
        inviter = invited.find(f"{U}x/{U}invite")
        assert inviter is not None
        romeo.muc.decline(hall, inviter.get("from"), "I have a soul of lead")
        while (declined := await juliet.gets()).find(f"{U}x/{U}decline") is None:
            pass
        assert declined.findtext(f"{U}x/{U}decline/{U}reason") == "I have a soul of lead"
        await romeo.enters(hall, password=password)


async def test_7_10_a_user_registers_and_has_his_nick(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "tybalt") as (juliet, romeo, tybalt):
        hall = await juliet.opens(**{f"{{{OWN_FIELDS}}}registration": "open"})
        form = await romeo.asks(hall, f"<query xmlns='{ns.REGISTER}'/>")
        assert form.find(f"{{{ns.REGISTER}}}query/{{{ns.DATA_FORM}}}x") is not None
        answer = await romeo.asks(hall, registration("Montague"), "set")
        assert answer.get("type") == "result"
        again = await romeo.asks(hall, f"<query xmlns='{ns.REGISTER}'/>")
        assert again.find(f".//{{{ns.REGISTER}}}registered") is not None
        assert again.findtext(f".//{{{ns.REGISTER}}}username") == "Montague"
        assert await tybalt.may_not_enter(hall, "Montague") == "conflict"
        own, *_ = await romeo.enters(hall, "Montague")
        assert item(own.xml)["affiliation"] == "member"
        answer = await tybalt.asks(hall, registration("Montague"), "set")
        assert answer.find("{*}error/{*}conflict") is not None


def registration(nick: str) -> str:
    """A submitted form (§16.5.1)."""
    kind = "http://jabber.org/protocol/muc#register"
    fields = {"FORM_TYPE": kind, "muc#register_roomnick": nick}
    inside = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items())
    x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{inside}</x>"
    return f"<query xmlns='{ns.REGISTER}'>{x}</query>"


async def test_7_12_a_reserved_nick_is_found(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        disco = romeo.plugin["xep_0030"]
        none = await soon(disco.get_info(jid=JID(hall), node="x-roomuser-item"))
        assert none["disco_info"]["identities"] == set()
        item_ = f"<item jid='{ROMEO}' affiliation='member' nick='Montague'/>"
        query = f"<query xmlns='http://jabber.org/protocol/muc#admin'>{item_}</query>"
        assert (await juliet.asks(hall, query, "set")).get("type") == "result"
        found = await soon(disco.get_info(jid=JID(hall), node="x-roomuser-item"))
        [identity] = found["disco_info"]["identities"]
        assert identity[:2] == ("conference", "text") and identity[3] == "Montague"


async def test_7_14_who_leaves_is_told_and_so_are_the_others(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        romeo.leaves(hall, words="Dry sorrow drinks our blood")
        own = await romeo.sees(hall, "Romeo", "unavailable")
        assert (codes(own), item(own)["role"]) == ([110], "none")
        gone = await juliet.sees(hall, "Romeo", "unavailable")
        assert gone.findtext(f"{C}status") == "Dry sorrow drinks our blood"


async def test_7_14_a_client_that_goes_offline_leaves(conference: Server) -> None:
    async with guests(conference, "juliet") as (juliet,):
        hall = await juliet.opens()
        async with guests(conference, "romeo") as (romeo,):
            await romeo.enters(hall)
            await juliet.sees(hall, "Romeo")
        await juliet.sees(hall, "Romeo", "unavailable")


async def test_17_3_who_enters_again_gets_everything_again(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        own, _, occupants, _ = await romeo.enters(hall)
        assert own["from"] == f"{hall}/Romeo"
        assert {each["muc"]["nick"] for each in occupants} == {"Juliet", "Romeo"}


@pytest.mark.parametrize("payload", ["jabber:iq:version", "jabber:iq:last"])
async def test_17_4_requests_go_to_occupants_and_not_past_them(
    conference: Server, payload: str
) -> None:
    async with guests(conference, "juliet", "romeo", "tybalt") as (juliet, romeo, tybalt):
        hall = await juliet.opens()
        await romeo.enters(hall)
        answer = await romeo.asks(f"{hall}/Juliet", f"<query xmlns='{payload}'/>")
        assert answer.get("from") == f"{hall}/Juliet"
        ping = tybalt.plugin["xep_0199"].send_ping(JID(f"{hall}/Juliet"))
        assert await fails(ping) == "not-acceptable"
