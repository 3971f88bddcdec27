"""The table of what owners may change, and the form made of it (XEP-0045 §10.1.3, §16.5.3)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest
from msgspec import structs

from components.common.forms.layout import NAMESPACE as LAYOUT
from components.common.forms.validation import NAMESPACE as VALIDATE
from components.muc.faces import configuration_form
from components.muc.faces.configuration import SECTIONS, fields
from components.muc.faces.configuration_form import Configuration
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.model.settings import DEFAULTS, Settings
from components.muc.model.standing import Standing, Standings
from tests.support.forms import X, sent_back, submission
from xmppd.errors import StanzaError
from xmppd.jid import JID

ROOMCONFIG = "http://jabber.org/protocol/muc#roomconfig"
REGISTERED = {
    "muc#maxhistoryfetch",
    *(
        f"muc#roomconfig_{name}"
        for name in (
            *("allowpm", "allowinvites", "changesubject", "enablelogging", "getmemberlist"),
            *("lang", "pubsub", "maxusers", "membersonly", "moderatedroom"),
            *("passwordprotectedroom", "persistentroom", "presencebroadcast", "publicroom"),
            *("roomadmins", "roomdesc", "roomname", "roomowners", "roomsecret", "whois"),
        )
    ),
}
JULIET, ROMEO, NURSE, TYBALT = (
    JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse", "tybalt")
)
OWNER, ADMIN, MEMBER = Affiliation.OWNER, Affiliation.ADMIN, Affiliation.MEMBER
POLICY = Policy(occupants=300, history=50)
FORM = Configuration(POLICY)


def room(settings: Settings = DEFAULTS, *standings: Standing) -> Room:
    everybody = standings or (Standing(JULIET, Affiliation.OWNER),)
    address = JID.parse("hall@rooms.capulet.lit")
    return Room(address, 1, settings, standings=Standings(everybody))


def read(fields, settings=DEFAULTS):
    return FORM.submitted(submission(ROOMCONFIG, fields), room(settings), JULIET).settings


def test_every_setting_has_its_field():
    assert {*fields(POLICY), "password"} == set(Settings.__struct_fields__)
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted([*Settings.__struct_fields__, "owners", "admins"])


def test_16_5_3_the_form_has_all_registered_fields():
    shown = fromstring(FORM.form(room(), JULIET).render())
    named = {each.get("var") for each in shown.iterfind(f"{X}field")}
    assert named >= REGISTERED


def test_10_1_3_what_is_shown_can_be_submitted_and_changes_nothing():
    settings = Settings(
        name="The orchard",
        password="nightingale",
        max_occupants=17,
        whois="anyone",
        presence_broadcast=frozenset({"moderator"}),
        member_list=frozenset(),
        history=3,
        question="A rose by any other name?",
        answer="As sweet",
        registration="open",
        logs="http://verona.lit/",
    )
    admin = Standing(NURSE, Affiliation.ADMIN, "Nurse", "she knows")
    here = room(settings, Standing(JULIET, Affiliation.OWNER), admin)
    submitted = FORM.submitted(sent_back(FORM.form(here, JULIET)), here, JULIET)
    assert submitted.settings == settings
    assert submitted.standings(here) == []


@pytest.mark.parametrize("bound", ["PEOPLE", "ADDRESSES"])
def test_people_that_are_too_many_for_a_stanza_are_no_part_of_the_form(monkeypatch, bound):
    """Sent back, the form leaves them as they are."""
    monkeypatch.setattr(configuration_form, bound, 1)
    here = room(DEFAULTS, Standing(JULIET, OWNER), Standing(NURSE, ADMIN))
    form = sent_back(FORM.form(here, JULIET))
    named = {each.get("var") for each in form.iterfind(f"{X}field")}
    assert not {"muc#roomconfig_roomowners", "muc#roomconfig_roomadmins"} & named
    assert FORM.submitted(form, here, JULIET).standings(here) == []


def test_10_1_3_a_guest_is_not_asked_whether_a_room_is_to_stay(monkeypatch):
    """But of one that stays, which was given to him, he may say that it is to go."""
    form = Configuration(structs.replace(POLICY, guests=("masks.lit",)))
    guest, var = JID.parse("x@masks.lit"), "muc#roomconfig_persistentroom"

    def asked(here, account):
        shown = form.form(here, account)
        assert form.submitted(sent_back(shown), here, account).settings == here.settings
        return {each.get("var") for each in fromstring(shown.render()).iterfind(f"{X}field")}

    everything = asked(room(), JULIET)
    assert everything - asked(room(), guest) == {var}
    stays = room(Settings(persistent=True))
    assert asked(stays, guest) == everything
    goes = form.submitted(submission(ROOMCONFIG, {var: "0"}), stays, guest)
    assert not goes.settings.persistent
    monkeypatch.setattr(configuration_form, "PEOPLE", 0)
    assert asked(room(), JULIET) - asked(room(), guest) == {var}


def test_xep_0122_the_form_says_what_values_there_may_be():
    shown = fromstring(FORM.form(room(Settings(max_occupants=17)), JULIET).render())
    by_var = {each.get("var"): each for each in shown.iterfind(f"{X}field")}
    ends = by_var["muc#maxhistoryfetch"].find(f"{{{VALIDATE}}}validate/{{{VALIDATE}}}range")
    assert ends.attrib == {"min": "0", "max": "50"}
    sizes = [
        option.findtext(f"{X}value")
        for option in by_var["muc#roomconfig_maxusers"].iterfind(f"{X}option")
    ]
    assert sizes == ["10", "20", "30", "50", "100", "200", "none", "17"]


def test_xep_0141_the_form_is_laid_out_in_sections():
    shown = fromstring(FORM.form(room(), JULIET).render())
    sections = shown.findall(f"{{{LAYOUT}}}page/{{{LAYOUT}}}section")
    assert [each.get("label") for each in sections] == list(SECTIONS)


@pytest.mark.parametrize(
    ("var", "value", "expected"),
    [
        ("muc#roomconfig_roomname", ["The orchard"], {"name": "The orchard"}),
        ("muc#roomconfig_lang", ["it"], {"lang": "it"}),
        ("muc#roomconfig_maxusers", ["none"], {"max_occupants": 0}),
        ("muc#roomconfig_maxusers", ["300"], {"max_occupants": 300}),
        ("muc#roomconfig_allowpm", ["moderators"], {"private_messages": "moderators"}),
        ("muc#roomconfig_presencebroadcast", [], {"presence_broadcast": frozenset()}),
        ("muc#maxhistoryfetch", ["0"], {"history": 0}),
        ("mam", ["0"], {"archive": False}),
        ("muc#roomconfig_mam", ["false"], {"archive": False}),
        ("muc#roomconfig_enablearchiving", ["0"], {"archive": False}),
        ("muc#roomconfig_allowvisitorstatus", ["0"], {"visitor_status": False}),
        ("{urn:xmppd:muc:0}registration", ["off"], {"registration": "off"}),
        ("muc#roomconfig_unheard_of", ["yes"], {}),
    ],
)
def test_10_2_a_field_changes_its_setting_and_nothing_else(var, value, expected):
    before = Settings(max_occupants=20, description="Below her window")
    assert read({var: value}, before) == before.change(**expected)


def test_a_name_that_the_form_has_goes_before_one_that_others_have():
    assert read({"mam": ["1"], "muc#roomconfig_enablearchiving": ["0"]}).archive is False


@pytest.mark.parametrize(
    ("var", "value"),
    [
        ("muc#roomconfig_maxusers", "301"),
        ("muc#roomconfig_maxusers", "-1"),
        ("muc#roomconfig_maxusers", "many"),
        ("muc#maxhistoryfetch", "51"),
        ("muc#maxhistoryfetch", "-1"),
        ("muc#roomconfig_roomname", "O" * 201),
        ("muc#roomconfig_roomname", "O Romeo,\nRomeo"),
        ("muc#roomconfig_roomdesc", "O" * 1_001),
        ("muc#roomconfig_whois", "nobody"),
        ("muc#roomconfig_persistentroom", "forever"),
        ("muc#roomconfig_lang", "tongue of Verona"),
        ("muc#roomconfig_roomowners", "@"),
        ("muc#roomconfig_roomowners", "capulet.lit"),
        ("muc#roomconfig_roomadmins", "capulet.lit/street"),
        ("{urn:xmppd:muc:0}question", "O" * 501),
        ("{urn:xmppd:muc:0}question", "Who goes there?"),
    ],
)
def test_10_1_3_what_a_room_can_not_be_like_is_not_acceptable(var, value):
    with pytest.raises(StanzaError) as error:
        read({var: [value]})
    assert error.value.condition == "not-acceptable"


def test_10_1_3_a_form_of_another_kind_is_a_bad_request():
    with pytest.raises(StanzaError) as error:
        FORM.submitted(submission("http://jabber.org/protocol/muc#register", {}), room(), JULIET)
    assert error.value.condition == "bad-request"


# ---------------------------------------------------------------------- the password


PROTECTED, SECRET = "muc#roomconfig_passwordprotectedroom", "muc#roomconfig_roomsecret"


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        ("", {PROTECTED: ["1"], SECRET: ["lark"]}, "lark"),
        ("", {SECRET: ["lark"]}, "lark"),
        ("", {SECRET: [""]}, ""),
        ("", {PROTECTED: ["0"], SECRET: ["lark"]}, ""),
        ("owl", {PROTECTED: ["0"]}, ""),
        ("owl", {PROTECTED: ["0"], SECRET: ["owl"]}, ""),
        ("owl", {PROTECTED: ["1"]}, "owl"),
        ("owl", {}, "owl"),
        ("owl", {SECRET: ["lark"]}, "lark"),
    ],
)
def test_10_1_3_a_password_protects_where_it_is_to(before, fields, after):
    assert read(fields, Settings(password=before)).password == after


@pytest.mark.parametrize(
    ("before", "fields"),
    [
        ("", {PROTECTED: ["1"]}),
        ("", {PROTECTED: ["1"], SECRET: [" "]}),
        ("owl", {PROTECTED: ["1"], SECRET: [""]}),
        ("owl", {SECRET: [""]}),
    ],
)
def test_10_1_3_a_blank_password_protects_nothing(before, fields):
    with pytest.raises(StanzaError) as error:
        read(fields, Settings(password=before))
    assert (error.value.condition, error.value.reason) == ("not-acceptable", "muc.blank-password")


# ---------------------------------------------------------------------- owners and admins


def ranks(before: dict[JID, Affiliation], **lists: list[str]) -> dict[JID, Affiliation]:
    here = room(Settings(), *(Standing(jid, rank) for jid, rank in before.items()))
    some = {f"muc#roomconfig_{name}": jids for name, jids in lists.items()}
    changed = FORM.submitted(submission(ROOMCONFIG, some), here, JULIET).standings(here)
    return {each.jid: each.affiliation for each in changed}


@pytest.mark.parametrize(
    ("lists", "changed"),
    [
        ({}, {}),
        ({"roomowners": [str(JULIET)]}, {ROMEO: ADMIN}),
        ({"roomowners": [str(JULIET)], "roomadmins": [str(NURSE)]}, {ROMEO: ADMIN}),
        ({"roomadmins": []}, {NURSE: MEMBER}),
        ({"roomadmins": [str(NURSE), f"{TYBALT}/street"]}, {TYBALT: ADMIN}),
        ({"roomadmins": [str(NURSE), str(JULIET)]}, {}),
        ({"roomowners": [f"{JULIET}", f"{ROMEO}", f"{NURSE}/house"]}, {NURSE: OWNER}),
        ({"roomowners": []}, {JULIET: ADMIN, ROMEO: ADMIN}),
    ],
)
def test_10_5_the_lists_are_full_ones(lists, changed):
    """§10.2: who is no owner any more is an admin; who is no admin any more, a member."""
    assert ranks({JULIET: OWNER, ROMEO: OWNER, NURSE: ADMIN}, **lists) == changed
