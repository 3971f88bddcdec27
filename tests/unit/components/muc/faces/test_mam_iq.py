"""Archives of rooms (XEP-0313)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from components.common import datetimes
from components.muc.faces.mam_iq import AT_ONCE, PAGE, QUERY_ID
from components.muc.model.history import Said
from components.muc.model.ranks import Affiliation
from components.muc.model.standing import Standing
from tests.support.conference import HALL, ROOMS, Conference, Person, U, settings
from tests.support.deferred import result
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

MAM = "urn:xmpp:mam:2"
M = f"{{{MAM}}}"
RSM = "http://jabber.org/protocol/rsm"
R = f"{{{RSM}}}"
X = f"{{{ns.DATA_FORM}}}"
FORWARDED = f"{M}result/{{{ns.FORWARD}}}forwarded"
OCCUPANT_ID = "{urn:xmpp:occupant-id:0}occupant-id"
DELAY = f"{{{ns.DELAY}}}delay"


def affiliate(hall: Conference, name: str, affiliation: Affiliation) -> None:
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.standings.put(Standing(JID.parse(f"{name}@capulet.lit"), affiliation))


def speak(person: Person, *bodies: str) -> None:
    """Say something each second."""
    for body in bodies:
        person.say(body, id_=f"m{body}")
        person.hall.server.clock.advance(1)
    person.came()


def query(
    fields: dict[str, str | list[str]] | None = None, inside: str = "", more: str = ""
) -> str:
    form = ""
    if fields is not None:
        shown = ""
        for var, values in {"FORM_TYPE": MAM, **fields}.items():
            texts = [values] if isinstance(values, str) else values
            shown += f"<field var='{var}'>{''.join(f'<value>{t}</value>' for t in texts)}</field>"
        form = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{shown}</x>"
    return f"<query xmlns='{MAM}' {more}>{form}{inside}</query>"


def rsm(inside: str) -> str:
    return f"<set xmlns='{RSM}'>{inside}</set>"


def find(person: Person, asked: str = "") -> Element:
    """The `<fin/>` of a query; `others` of the person are the messages, all before it."""
    answer = person.ask(asked or query(), "set")
    assert answer.get("type") == "result", condition(answer)
    return answer[0]


def bodies(person: Person) -> list[str | None]:
    return [each.findtext(f"{FORWARDED}/{C}message/{C}body") for each in person.others]


def ids(person: Person) -> list[str]:
    return [each.find(f"{M}result").get("id") for each in person.others]


# ---------------------------------------------------------------------- results


def test_4_2_each_message_comes_as_it_was_and_the_answer_behind_them(hall, juliet, romeo):
    speak(juliet, "1")
    romeo.send(
        f"<message to='{HALL}' type='groupchat' id='r1' xml:lang='it'><body>2</body></message>"
    )
    hall.pass_time(60)
    romeo.came()
    fin = find(romeo, query(more="queryid='f&apos;27'"))
    assert fin.tag == f"{M}fin"
    assert bodies(romeo) == ["1", "2"]
    first, second = romeo.others
    for came in (first, second):
        assert (came.get("from"), came.get("to"), came.get("type")) == (HALL, romeo.jid, None)
        assert came.find(f"{M}result").get("queryid") == "f'27"
    message = second.find(f"{FORWARDED}/{C}message")
    assert message.attrib == {
        "from": f"{HALL}/Romeo",
        "id": "r1",
        "type": "groupchat",
        f"{{{ns.XML}}}lang": "it",
    }
    assert first.find(f"{FORWARDED}/{DELAY}").get("stamp") == "2006-12-08T01:58:35.000000Z"
    assert second.find(f"{FORWARDED}/{DELAY}").get("stamp") == "2006-12-08T01:58:36.000000Z"
    [occupant] = message.iterfind(OCCUPANT_ID)
    assert occupant.get("id")
    [id_] = message.iterfind(f"{{{ns.STANZA_ID}}}stanza-id")
    assert id_.get("id") == second.find(f"{M}result").get("id")
    told = fin.find(f"{R}set")
    assert [told.findtext(f"{R}first"), told.findtext(f"{R}last")] == ids(romeo)
    assert (told.find(f"{R}first").get("index"), told.findtext(f"{R}count")) == ("0", "2")
    assert (fin.get("complete"), fin.get("stable")) == ("true", None)


def test_4_without_a_queryid_there_is_none(hall, juliet):
    speak(juliet, "1")
    find(juliet)
    assert juliet.others[0].find(f"{M}result").get("queryid") is None


def test_3_5_a_message_is_there_by_the_id_that_it_came_with(hall, juliet):
    juliet.say("1")
    live = juliet.one().find(f"{{{ns.STANZA_ID}}}stanza-id").get("id")
    find(juliet)
    assert ids(juliet) == [live]


def test_4_an_empty_archive_is_no_error(hall, juliet):
    fin = find(juliet)
    assert juliet.others == []
    assert (fin.get("complete"), fin.findtext(f"{R}set/{R}count")) == ("true", "0")


def test_6_1_2_private_messages_are_not_in_it(hall, juliet, romeo):
    romeo.message(f"{HALL}/Juliet", "<body>psst</body>", "chat")
    speak(juliet, "1")
    find(juliet)
    assert bodies(juliet) == ["1"]


def test_6_1_2_what_the_room_has_refused_is_not_in_it(hall, juliet, romeo):
    settings(hall, moderated=True)
    nurse = hall.person("nurse").join()
    nurse.say("!")
    speak(juliet, "1")
    find(juliet)
    assert bodies(juliet) == ["1"]


# ---------------------------------------------------------------------- who may see what


@pytest.mark.parametrize(
    ("whois", "affiliation", "expected"),
    [
        ("moderators", Affiliation.NONE, False),
        ("moderators", Affiliation.MEMBER, False),
        ("moderators", Affiliation.ADMIN, True),
        ("anyone", Affiliation.NONE, True),
    ],
)
def test_6_1_2_real_addresses_are_for_who_may_know_them(hall, juliet, whois, affiliation, expected):
    settings(hall, whois=whois)
    speak(juliet, "1")
    affiliate(hall, "nurse", affiliation)
    nurse = hall.person("nurse")
    find(nurse)
    item = nurse.others[0].find(f"{FORWARDED}/{C}message/{U}x/{U}item")
    assert (item is not None) is expected
    if expected:
        assert item.attrib == {"jid": juliet.jid}
    asked = nurse.ask(query({"with": "juliet@capulet.lit"}), "set")
    assert (asked.get("type") == "result") is expected
    if not expected:
        assert condition(asked) == "forbidden"


def test_6_1_2_what_a_client_says_of_addresses_is_not_in_it(hall, juliet, romeo):
    forged = f"<x xmlns='{ns.MUC_USER}'><item jid='tybalt@capulet.lit'/></x>"
    romeo.message(HALL, f"<body>1</body>{forged}", "groupchat")
    find(romeo)
    assert romeo.others[-1].find(f"{FORWARDED}/{C}message/{U}x") is None


def test_4_1_1_everybody_may_ask_for_his_own(hall, juliet, romeo):
    speak(juliet, "1")
    speak(romeo, "2")
    find(romeo, query({"with": str(romeo.jid.bare)}))
    assert bodies(romeo) == ["2"]


@pytest.mark.parametrize(
    ("changes", "affiliation", "expected"),
    [
        ({}, Affiliation.NONE, True),
        ({}, Affiliation.OUTCAST, False),
        ({"members_only": True}, Affiliation.NONE, False),
        ({"members_only": True}, Affiliation.MEMBER, True),
        ({"password": "queen mab"}, Affiliation.NONE, False),
        ({"password": "queen mab"}, Affiliation.ADMIN, False),
        ({"password": "queen mab"}, Affiliation.OWNER, True),
        ({"question": "What's in a name?"}, Affiliation.NONE, False),
        ({"question": "What's in a name?"}, Affiliation.MEMBER, True),
    ],
)
def test_6_1_2_who_may_enter_may_ask(hall, juliet, changes, affiliation, expected):
    settings(hall, **changes)
    speak(juliet, "1")
    affiliate(hall, "nurse", affiliation)
    nurse = hall.person("nurse")
    for asked, type_ in ((query(), "set"), (query(), "get"), (f"<metadata xmlns='{MAM}'/>", "get")):
        answer = nurse.ask(asked, type_)
        assert (answer.get("type") == "result") is expected
        if not expected:
            assert condition(answer) == "forbidden"
            assert nurse.others == []


def test_6_1_2_who_is_in_has_known_the_password(hall, juliet):
    settings(hall, password="queen mab")
    mercutio = hall.person("mercutio").join(
        inside="<x xmlns='http://jabber.org/protocol/muc'><password>queen mab</password></x>"
    )
    mercutio.came()
    speak(juliet, "1")
    mercutio.came()
    find(mercutio)
    assert bodies(mercutio) == ["1"]


def test_there_is_no_such_room(hall, juliet):
    nurse = hall.person("nurse")
    assert condition(nurse.ask(query(), "set", f"vault@{ROOMS}")) == "item-not-found"
    romeo = hall.person("romeo").join(f"vault@{ROOMS}")
    romeo.came()
    assert condition(nurse.ask(query(), "set", f"vault@{ROOMS}")) == "item-not-found"


def test_a_room_that_archives_nothing_has_no_archive(hall, juliet):
    speak(juliet, "1")
    settings(hall, archive=False)
    assert condition(juliet.ask(query(), "set")) == "feature-not-implemented"
    features = {e.get("var") for e in juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>")[0]}
    assert not {MAM, f"{MAM}#extended"} & features


def test_7_rooms_say_that_they_have_archives(hall, juliet):
    features = {e.get("var") for e in juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>")[0]}
    assert {MAM, f"{MAM}#extended"} <= features


def test_0441_preferences_are_for_users_archives(hall, juliet):
    for type_ in ("get", "set"):
        answer = juliet.ask(f"<prefs xmlns='{MAM}' default='never'/>", type_)
        assert condition(answer) == "service-unavailable"


# ---------------------------------------------------------------------- what is asked for


def test_4_1_5_the_form_has_all_fields_and_none_is_required(hall, juliet):
    form = juliet.ask(query())[0].find(f"{X}x")
    fields = {each.get("var"): each for each in form.iterfind(f"{X}field")}
    assert {var: each.get("type") for var, each in fields.items()} == {
        "FORM_TYPE": "hidden",
        "with": "jid-single",
        "start": "text-single",
        "end": "text-single",
        "before-id": "text-single",
        "after-id": "text-single",
        "ids": "list-multi",
    }
    assert fields["FORM_TYPE"].findtext(f"{X}value") == MAM
    assert form.find(f".//{X}required") is None
    validate = fields["ids"].find("{http://jabber.org/protocol/xdata-validate}validate")
    assert validate.find("{http://jabber.org/protocol/xdata-validate}open") is not None
    assert fields["ids"].find(f"{X}option") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "1234"),
        ({"start": "2006-12-08T01:58:36Z"}, "234"),
        ({"start": "2006-12-08T01:58:36.000001Z"}, "34"),
        ({"end": "2006-12-08T01:58:36Z"}, "12"),
        ({"end": "2006-12-08T02:58:36+01:00"}, "12"),
        ({"start": "2006-12-08T01:58:36Z", "end": "2006-12-08T01:58:37Z"}, "23"),
        ({"start": "2007-01-01T00:00:00Z"}, ""),
        ({"with": f"{HALL}/Romeo"}, "24"),
        ({"with": HALL}, "1234"),
        ({"with": f"{HALL}/Mab"}, ""),
        ({"with": "romeo@capulet.lit"}, "24"),
        ({"with": "romeo@capulet.lit/street"}, "24"),
        ({"with": "romeo@capulet.lit/orchard"}, ""),
        ({"with": "", "start": "", "ids": []}, "1234"),
    ],
)
def test_4_1_filters(hall, juliet, romeo, fields, expected):
    for person, body in ((juliet, "1"), (romeo, "2"), (juliet, "3"), (romeo, "4")):
        speak(person, body)
    juliet.came()
    find(juliet, query(fields))
    assert bodies(juliet) == list(expected)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"after-id": "1"}, "234"),
        ({"before-id": "3"}, "12"),
        ({"after-id": "1", "before-id": "4"}, "23"),
        ({"ids": ["4", "2"]}, "24"),
        ({"ids": ["4", "2"], "after-id": "2"}, "4"),
    ],
)
def test_4_1_3_limits_by_id(hall, juliet, named, expected):
    speak(juliet, *"1234")
    find(juliet)
    known = dict(zip("1234", ids(juliet), strict=True))
    fields = {
        var: [known[v] for v in value] if isinstance(value, list) else known[value]
        for var, value in named.items()
    }
    find(juliet, query(fields))
    assert bodies(juliet) == list(expected)


@pytest.mark.parametrize(
    "asked",
    [
        query({"after-id": "unknown"}),
        query({"before-id": "unknown"}),
        query({"ids": ["unknown"]}),
        query(inside=rsm("<after>unknown</after>")),
        query(inside=rsm("<before>unknown</before>")),
    ],
)
def test_4_1_3_and_4_3_2_an_id_that_there_is_not_is_told_of(hall, juliet, asked):
    speak(juliet, "1")
    assert condition(juliet.ask(asked, "set")) == "item-not-found"
    assert juliet.others == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (query({"{http://example.com/}free-text-search": "x"}), "feature-not-implemented"),
        (query({"include-groupchat": "true"}), "feature-not-implemented"),
        (query({"start": "yesterday"}), "not-acceptable"),
        (query({"with": "@"}), "not-acceptable"),
        (query({"FORM_TYPE": "urn:other"}), "bad-request"),
        (query({"start": ["2006-12-08T01:58:36Z", "2006-12-08T01:58:37Z"]}), "bad-request"),
        (query(inside=f"<x xmlns='{ns.DATA_FORM}' type='form'/>"), "bad-request"),
        (query(inside=rsm("<max>many</max>")), "bad-request"),
        (query(inside=rsm("<after>1</after><before>2</before>")), "bad-request"),
        (query(more="node='princely_musings'"), "item-not-found"),
        (query(more=f"queryid='{'x' * (QUERY_ID + 1)}'"), "not-acceptable"),
    ],
)
def test_4_1_5_what_can_not_be_asked_for(hall, juliet, asked, expected):
    speak(juliet, "1")
    assert condition(juliet.ask(asked, "set")) == expected
    assert juliet.others == []


# ---------------------------------------------------------------------- pages


def test_4_3_pages_forwards_and_backwards(hall, juliet):
    speak(juliet, *"12345")
    seen: list[str | None] = []
    after = ""
    for expected_complete in (None, None, "true"):
        fin = find(juliet, query(inside=rsm(f"<max>2</max>{after}")))
        seen += bodies(juliet)
        assert fin.get("complete") == expected_complete
        assert fin.findtext(f"{R}set/{R}count") == "5"
        after = f"<after>{fin.findtext(f'{R}set/{R}last')}</after>"
    assert seen == list("12345")
    before, seen = "<before/>", []
    for expected_complete in (None, None, "true"):
        fin = find(juliet, query(inside=rsm(f"<max>2</max>{before}")))
        seen = [*bodies(juliet), *seen]
        assert fin.get("complete") == expected_complete
        before = f"<before>{fin.findtext(f'{R}set/{R}first')}</before>"
    assert seen == list("12345")


def test_4_3_4_a_flipped_page_comes_the_latest_first(hall, juliet):
    speak(juliet, *"1234")
    find(juliet)
    first, *_, last = ids(juliet)
    fin = find(juliet, query(inside=rsm("<max>2</max>") + "<flip-page/>"))
    assert bodies(juliet) == ["2", "1"]
    assert fin.findtext(f"{R}set/{R}first") == first
    fin = find(juliet, query(inside="<flip-page/>" + rsm("<max>2</max><before/>")))
    assert bodies(juliet) == ["4", "3"]
    assert fin.findtext(f"{R}set/{R}last") == last


def test_0059_2_7_how_many_there_are(hall, juliet):
    speak(juliet, *"123")
    fin = find(juliet, query(inside=rsm("<max>0</max>")))
    assert juliet.others == []
    assert fin.findtext(f"{R}set/{R}count") == "3"
    assert fin.get("complete") is None


def test_4_3_1_a_page_is_bounded(hall, juliet):
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    for number in range(PAGE + 1):
        said = Said(number + 1, str(number), "", "", "Juliet", juliet.jid, "o", b"<body>O</body>")
        result(hall.service.archive.add(room.id, said))
    for asked in (query(), query(inside=rsm(f"<max>{PAGE + 1}</max>"))):
        fin = find(juliet, asked)
        assert len(juliet.others) == PAGE
        assert fin.get("complete") is None


def test_only_so_many_queries_of_one_user_at_a_time(hall, juliet):
    turns: list[object] = []
    hall.service.archive.__class__.find, kept = (
        lambda *args: turns.append(args) or Deferred(),
        hall.service.archive.__class__.find,
    )
    try:
        for number in range(AT_ONCE):
            juliet.send(f"<iq type='set' id='i{number}' to='{HALL}'>{query()}</iq>")
        assert juliet.came() == []
        assert condition(juliet.ask(query(), "set")) == "resource-constraint"
    finally:
        hall.service.archive.__class__.find = kept
    assert len(turns) == AT_ONCE


# ---------------------------------------------------------------------- metadata


def test_5_where_it_begins_and_ends(hall, juliet):
    metadata = f"<metadata xmlns='{MAM}'/>"
    empty = juliet.ask(metadata)[0]
    assert (empty.tag, len(empty)) == (f"{M}metadata", 0)
    speak(juliet, *"123")
    find(juliet)
    first, _, last = ids(juliet)
    start, end = juliet.ask(metadata)[0]
    assert start.attrib == {"id": first, "timestamp": "2006-12-08T01:58:35.000000Z"}
    assert end.attrib == {"id": last, "timestamp": "2006-12-08T01:58:37.000000Z"}


@given(st.integers(0, 4_102_444_800_000_000))
def test_a_moment_says_which_microsecond_it_was(number):
    """Who asks for what came until then gets it."""
    stamp = datetimes.written(number / 1_000_000, 6)
    assert round(datetimes.read(stamp) * 1_000_000) == number
