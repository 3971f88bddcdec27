"""What moderators and admins do, by slixmpp at a running server (XEP-0045 §8, §9)."""

from __future__ import annotations

from slixmpp import JID

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.conference import U, codes
from tests.support.muc_guests import Guest, fails, guests, item
from tests.support.people import C
from tests.support.server import DOMAIN
from xmppd import ns

ROMEO, NURSE, TYBALT = (f"{name}@{DOMAIN}" for name in ("romeo", "nurse", "tybalt"))


async def subject_of(guest: Guest) -> str:
    """The subject that is told next."""
    return (await guest.gets()).findtext(f"{C}subject", "none")


async def test_8_1_the_subject_is_the_moderators_and_may_be_everybodys(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        juliet.muc.set_subject(hall, "The feast")
        assert await subject_of(romeo) == "The feast"
        romeo.muc.set_subject(hall, "The moon")
        assert await romeo.is_refused() == "forbidden"
        await juliet.configures(hall, changesubject=True)
        assert codes(await romeo.gets()) == [104]
        romeo.muc.set_subject(hall, "The moon")
        assert await subject_of(romeo) == "The moon"
        romeo.muc.set_subject(hall, "")
        assert await subject_of(romeo) == ""


async def test_8_2_an_occupant_is_kicked_and_comes_back(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await nurse.enters(hall)
        await romeo.sees(hall, "Nurse")
        await soon(juliet.muc.set_role(hall, "Romeo", "none", reason="Be gone!"))
        for each, own in ((romeo, [110]), (nurse, [])):
            kicked = await each.sees(hall, "Romeo", "unavailable")
            assert codes(kicked) == [*own, 307]
            assert item(kicked)["role"] == "none"
            assert kicked.findtext(f"{U}x/{U}item/{U}reason") == "Be gone!"
            actor = kicked.find(f"{U}x/{U}item/{U}actor")
            assert actor is not None and actor.get("nick") == "Juliet"
        assert await fails(nurse.muc.set_role(hall, "Juliet", "none")) == "forbidden"
        await romeo.enters(hall)


async def test_8_2_nobody_kicks_those_above_him(conference: Server) -> None:
    async with guests(conference, "juliet", "nurse") as (juliet, nurse):
        hall = await juliet.opens()
        await soon(juliet.muc.set_affiliation(hall, "admin", jid=NURSE))
        await nurse.enters(hall)
        assert await fails(nurse.muc.set_role(hall, "Juliet", "none")) == "not-allowed"


async def test_8_3_to_8_5_voice_is_given_taken_and_listed(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(moderatedroom=True)
        own, *_ = await romeo.enters(hall)
        assert item(own.xml)["role"] == "visitor"
        romeo.says(hall, "Alas!")
        assert await romeo.is_refused() == "forbidden"
        await soon(juliet.muc.set_role(hall, "Romeo", "participant", reason="Speak"))
        assert item(await romeo.sees(hall, "Romeo"))["role"] == "participant"
        romeo.says(hall, "Alas!")
        await romeo.listens(hall, "Romeo", "Alas!")
        assert await soon(juliet.muc.get_roles_list(hall, "participant")) == ["Romeo"]
        await soon(juliet.muc.set_role(hall, "Romeo", "visitor"))
        assert item(await romeo.sees(hall, "Romeo"))["role"] == "visitor"
        assert await soon(juliet.muc.get_roles_list(hall, "participant")) == []
        assert await fails(romeo.muc.get_roles_list(hall, "participant")) == "forbidden"


async def test_7_13_and_8_6_a_visitor_asks_for_voice_and_gets_it(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(moderatedroom=True)
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        romeo.muc.request_voice(hall, "participant")
        asked = await juliet.gets()
        form = asked.find(f"{{{ns.DATA_FORM}}}x")
        assert asked.get("from") == hall and form is not None
        values = {each.get("var"): each.findtext("{*}value") or "" for each in form}
        assert (values["muc#roomnick"], values["muc#role"]) == ("Romeo", "participant")
        values["muc#request_allow"] = "true"
        answer = juliet.make_message(mto=JID(hall))
        answer["form"]["type"] = "submit"
        for var, value in values.items():
            if var:
                answer["form"].add_field(var=var, value=value)
        answer.send()
        assert item(await romeo.sees(hall, "Romeo"))["role"] == "participant"


async def test_9_1_and_9_2_somebody_is_banned_listed_and_forgiven(conference: Server) -> None:
    async with guests(conference, "juliet", "tybalt") as (juliet, tybalt):
        hall = await juliet.opens()
        await tybalt.enters(hall)
        await soon(juliet.muc.set_affiliation(hall, "outcast", jid=TYBALT, reason="Quarrels"))
        banned = await tybalt.sees(hall, "Tybalt", "unavailable")
        assert (codes(banned), item(banned)["affiliation"]) == ([110, 301], "outcast")
        assert await soon(juliet.muc.get_affiliation_list(hall, "outcast")) == [TYBALT]
        assert await tybalt.may_not_enter(hall) == "forbidden"
        await soon(juliet.muc.send_affiliation_list(hall, [(TYBALT, "none")]))
        await tybalt.enters(hall)


async def test_9_1_nobody_bans_himself_or_those_above_him(conference: Server) -> None:
    async with guests(conference, "juliet", "nurse") as (juliet, nurse):
        hall = await juliet.opens()
        mine = f"juliet@{DOMAIN}"
        assert await fails(juliet.muc.set_affiliation(hall, "outcast", jid=mine)) == "conflict"
        await soon(juliet.muc.set_affiliation(hall, "admin", jid=NURSE))
        banned = nurse.muc.set_affiliation(hall, "outcast", jid=mine)
        assert await fails(banned) == "not-allowed"


async def test_9_3_to_9_5_members_come_are_listed_and_go(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(membersonly=True)
        await soon(juliet.muc.set_affiliation(hall, "member", jid=ROMEO))
        invited = await romeo.gets()
        assert invited.find(f"{U}x/{U}invite") is not None, "§9.5"
        own, *_ = await romeo.enters(hall)
        assert item(own.xml)["affiliation"] == "member"
        assert await soon(juliet.muc.get_affiliation_list(hall, "member")) == [ROMEO]
        await soon(juliet.muc.set_affiliation(hall, "none", jid=ROMEO))
        gone = await romeo.sees(hall, "Romeo", "unavailable")
        assert codes(gone) == [110, 321]
        assert await romeo.may_not_enter(hall) == "registration-required"


async def test_9_6_to_9_8_moderators_are_made_listed_and_unmade(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await soon(juliet.muc.set_role(hall, "Romeo", "moderator"))
        assert item(await romeo.sees(hall, "Romeo"))["role"] == "moderator"
        listed = await soon(juliet.muc.get_roles_list(hall, "moderator"))
        assert sorted(listed) == ["Juliet", "Romeo"]
        unmade = romeo.muc.set_role(hall, "Juliet", "participant")
        assert await fails(unmade) in ("forbidden", "not-allowed")
        await soon(juliet.muc.set_role(hall, "Romeo", "participant"))
        while item(await romeo.gets("presence"))["role"] != "participant":
            pass


async def test_9_9_an_admin_approves_who_registers(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        kind = "http://jabber.org/protocol/muc#register"
        fields = "".join(
            f"<field var='{var}'><value>{value}</value></field>"
            for var, value in (("FORM_TYPE", kind), ("muc#register_roomnick", "Montague"))
        )
        x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{fields}</x>"
        asked = await romeo.asks(hall, f"<query xmlns='{ns.REGISTER}'>{x}</query>", "set")
        assert asked.get("type") == "result"
        form = (await juliet.gets()).find(f"{{{ns.DATA_FORM}}}x")
        assert form is not None
        answer = juliet.make_message(mto=JID(hall))
        answer["form"]["type"] = "submit"
        for each in form.findall("{*}field"):
            allow = each.get("var") == "muc#register_allow"
            value = "true" if allow else each.findtext("{*}value") or ""
            answer["form"].add_field(var=each.get("var"), value=value)
        answer.send()
        while not (listed := await soon(juliet.muc.get_affiliation_list(hall, "member"))):
            pass
        assert listed == [ROMEO]
