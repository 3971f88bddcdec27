"""vCard4 from vcard-temp and back (XEP-0292 §11)."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common import tree
from components.common.tree import written
from components.vcard import vcard4
from components.vcard.vcard4 import PROPERTIES
from tests.support.vcards import picture, vcard, xcard
from xmppd.errors import StanzaError

EMPTY = vcard()
FN = "<FN>J</FN>", "<fn><text>J</text></fn>"

PAIRS = {
    "fn": FN,
    "n": (
        "<N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN><MIDDLE>A</MIDDLE>"
        "<PREFIX>Signora</PREFIX><SUFFIX>II</SUFFIX></N>",
        "<n><surname>Capulet</surname><given>Juliet</given><additional>A</additional>"
        "<prefix>Signora</prefix><suffix>II</suffix></n>",
    ),
    "nickname": (
        "<NICKNAME>Jule,Julie</NICKNAME>",
        "<nickname><text>Jule</text><text>Julie</text></nickname>",
    ),
    "photo": (
        picture(b"\x89"),
        "<photo><uri>data:image/png;base64,iQ==</uri></photo>",
    ),
    "photo-elsewhere": (
        "<PHOTO><EXTVAL>https://x.example/j.png</EXTVAL></PHOTO>",
        "<photo><uri>https://x.example/j.png</uri></photo>",
    ),
    "bday": ("<BDAY>1582-07-31</BDAY>", "<bday><date>1582-07-31</date></bday>"),
    "bday-time": (
        "<BDAY>1582-07-31T10:00:00Z</BDAY>",
        "<bday><date-time>1582-07-31T10:00:00Z</date-time></bday>",
    ),
    "bday-text": ("<BDAY>Lammas eve</BDAY>", "<bday><text>Lammas eve</text></bday>"),
    "adr": (
        "<ADR><HOME/><WORK/><PREF/><POBOX>1</POBOX><EXTADD>2</EXTADD><STREET>3</STREET>"
        "<LOCALITY>Verona</LOCALITY><REGION>VR</REGION><PCODE>37121</PCODE>"
        "<CTRY>Italia</CTRY></ADR>",
        "<adr><parameters><type><text>home</text><text>work</text></type>"
        "<pref><integer>1</integer></pref></parameters><pobox>1</pobox><ext>2</ext>"
        "<street>3</street><locality>Verona</locality><region>VR</region><code>37121</code>"
        "<country>Italia</country></adr>",
    ),
    "tel": (
        "<TEL><CELL/><NUMBER>+39-045-8077</NUMBER></TEL>",
        "<tel><parameters><type><text>cell</text></type></parameters>"
        "<uri>tel:+39-045-8077</uri></tel>",
    ),
    "tel-local": ("<TEL><NUMBER>8077 (x)</NUMBER></TEL>", "<tel><text>8077 (x)</text></tel>"),
    "email": (
        "<EMAIL><WORK/><USERID>juliet@verona.example</USERID></EMAIL>",
        "<email><parameters><type><text>work</text></type></parameters>"
        "<text>juliet@verona.example</text></email>",
    ),
    "impp": (
        "<JABBERID>juliet@verona.example</JABBERID>",
        "<impp><uri>xmpp:juliet@verona.example</uri></impp>",
    ),
    "tz": ("<TZ>Europe/Rome</TZ>", "<tz><text>Europe/Rome</text></tz>"),
    "geo": (
        "<GEO><LAT>45.44</LAT><LON>-10.99</LON></GEO>",
        "<geo><uri>geo:45.44,-10.99</uri></geo>",
    ),
    "title": ("<TITLE>Lady</TITLE>", "<title><text>Lady</text></title>"),
    "role": ("<ROLE>Lover</ROLE>", "<role><text>Lover</text></role>"),
    "org": (
        "<ORG><ORGNAME>Capulet</ORGNAME><ORGUNIT>Balcony</ORGUNIT><ORGUNIT>Orchard</ORGUNIT></ORG>",
        "<org><text>Capulet</text><text>Balcony</text><text>Orchard</text></org>",
    ),
    "categories": (
        "<CATEGORIES><KEYWORD>a</KEYWORD><KEYWORD>b</KEYWORD></CATEGORIES>",
        "<categories><text>a</text><text>b</text></categories>",
    ),
    "note": ("<DESC>The sun &amp; moon</DESC>", "<note><text>The sun &amp; moon</text></note>"),
    "prodid": ("<PRODID>quill</PRODID>", "<prodid><text>quill</text></prodid>"),
    "rev": ("<REV>15950101T000000Z</REV>", "<rev><timestamp>15950101T000000Z</timestamp></rev>"),
    "uid": ("<UID>urn:uuid:1</UID>", "<uid><uri>urn:uuid:1</uri></uid>"),
    "url": ("<URL>https://x.example/</URL>", "<url><uri>https://x.example/</uri></url>"),
    "impp-coded": (
        "<JABBERID>d'artagnan&amp;#1%@gascon.example</JABBERID>",
        "<impp><uri>xmpp:d'artagnan&amp;%231%25@gascon.example</uri></impp>",
    ),
    "sound": (
        "<SOUND><BINVAL>iQ==</BINVAL></SOUND>",
        "<sound><uri>data:audio/basic;base64,iQ==</uri></sound>",
    ),
    "sound-elsewhere": (
        "<SOUND><EXTVAL>https://x.example/j.ogg</EXTVAL></SOUND>",
        "<sound><uri>https://x.example/j.ogg</uri></sound>",
    ),
    "agent": (
        "<AGENT><EXTVAL>https://x.example/nurse.vcf</EXTVAL></AGENT>",
        "<related><parameters><type><text>agent</text></type></parameters>"
        "<uri>https://x.example/nurse.vcf</uri></related>",
    ),
    "sort-string": (
        "<N><FAMILY>von Moor</FAMILY></N><SORT-STRING>Moor</SORT-STRING>",
        "<n><parameters><sort-as><text>Moor</text></sort-as></parameters>"
        "<surname>von Moor</surname></n>",
    ),
    "key": ("<KEY><CRED>abc</CRED></KEY>", "<key><text>abc</text></key>"),
}


@pytest.mark.parametrize(("old", "new"), PAIRS.values(), ids=PAIRS)
def test_what_both_have_is_the_same_on_the_other_side(old, new):
    if old != FN[0]:
        old, new = FN[0] + old, FN[1] + new
    assert written(vcard4.from_temp(vcard(old))) == written(xcard(new))
    assert written(vcard4.to_temp(xcard(new), EMPTY)) == written(vcard(old))


def test_every_property_of_the_table_is_tried():
    tried = {new[1:].partition(">")[0] for _, new in PAIRS.values()}
    assert tried | {"logo"} == {each.new for each in PROPERTIES}


TEXTS = st.text("aé😀 &<,;:+-1", max_size=6)


def elements(name, *children, flags=()):
    """Some property of vcard-temp, sensible or not."""
    inner = st.tuples(*(st.tuples(st.just(child), TEXTS) for child in children))
    marks = st.lists(st.sampled_from([*flags, "PREF"]), unique=True) if flags else st.just([])
    return st.tuples(st.just(name), inner, marks)


SOME = st.lists(
    st.one_of(
        elements("N", "FAMILY", "GIVEN"),
        elements("ADR", "LOCALITY", "CTRY", flags=["HOME", "WORK"]),
        elements("TEL", "NUMBER", flags=["VOICE", "FAX", "MSG"]),
        elements("EMAIL", "USERID", flags=["HOME", "WORK"]),
        elements("ORG", "ORGNAME", "ORGUNIT"),
        elements("GEO", "LAT", "LON"),
        elements("CATEGORIES", "KEYWORD", "KEYWORD"),
        elements("PHOTO", "TYPE", "BINVAL"),
        st.tuples(st.sampled_from(["NICKNAME", "BDAY", "JABBERID", "NOTE", "URL"]), TEXTS),
    ),
    max_size=6,
)


def made(properties):
    root = vcard("<FN>J</FN>")
    for name, inner, *marks in properties:
        if isinstance(inner, str):
            tree.child(root, name, inner)
            continue
        top = tree.child(root, name)
        for mark in marks[0]:
            tree.child(top, mark)
        for child, text in inner:
            tree.child(top, child, text)
    return root


@given(SOME)
def test_who_went_to_the_other_side_once_stays_the_same(properties):
    """What only one side has is lost on the first way, nothing on the second."""
    once = vcard4.from_temp(made(properties))
    temp = vcard4.to_temp(once, EMPTY)
    again = vcard4.from_temp(temp)
    assert written(again) == written(once)
    assert written(vcard4.to_temp(again, EMPTY)) == written(temp)


def test_what_a_vcard4_can_not_say_stays_as_it_was():
    """XEP-0292 §11.5, and names that nobody knows."""
    kept = "<CLASS><PUBLIC/></CLASS><LABEL/><MAILER>m</MAILER><X-SIGN/><y xmlns='urn:y'/>"
    before = vcard(f"<FN>Old</FN><TITLE>Old</TITLE><NOTE>Old</NOTE>{kept}")
    after = vcard4.to_temp(xcard(FN[1]), before)
    assert written(after) == written(vcard(FN[0] + kept))


def named(inner=""):
    return vcard(FN[0] + inner)


TEMP_ONLY = {
    "types that vCard4 has not": "<ADR><POSTAL/><PARCEL/><INTL/><CTRY>Italia</CTRY></ADR>",
    "of telephones": "<TEL><ISDN/><PCS/><HOME/><NUMBER>+39-045</NUMBER></TEL>",
    "of addresses": "<EMAIL><INTERNET/><X400/><USERID>j@x.example</USERID></EMAIL>",
    "two names for a note": "<DESC>The sun</DESC><NOTE>The moon</NOTE><NOTE>The sun</NOTE>",
    "blanks around a text": "<TITLE>\n Lady \n</TITLE>",
    "whoever acts for her": "<AGENT><vCard><FN>Nurse</FN></vCard></AGENT>",
    "how it sounds": "<SOUND><PHONETIC>dzhu</PHONETIC></SOUND>",
}


@pytest.mark.parametrize("inner", TEMP_ONLY.values(), ids=TEMP_ONLY)
def test_a_vcard_that_goes_there_and_comes_back_is_what_it_was_11_3(inner):
    before = named(inner)
    assert written(vcard4.to_temp(vcard4.from_temp(before), before)) == written(before)


def test_what_has_changed_comes_back_changed_11_3():
    before = named(TEMP_ONLY["of telephones"] + "<MAILER>m</MAILER>")
    new = vcard4.from_temp(before)
    new.find("{*}tel/{*}uri").text = "tel:+39-046"
    other = "<TEL><HOME/><NUMBER>+39-046</NUMBER></TEL>"
    assert written(vcard4.to_temp(new, before)) == written(named(f"{other}<MAILER>m</MAILER>"))
    new.remove(new.find("{*}tel"))
    assert written(vcard4.to_temp(new, before)) == written(named("<MAILER>m</MAILER>"))


def test_a_text_of_very_many_words_is_not_taken_apart_into_all_of_them():
    before = named(f"<NICKNAME>{','.join('j' * 5_000)}</NICKNAME>")
    new = vcard4.from_temp(before)
    assert len(new.find("{*}nickname")) < 1_000
    assert written(vcard4.to_temp(new, EMPTY)) == written(before)


def test_the_version_of_a_vcard_stays_11_2_3():
    before = named()
    before.set("version", "2.0")
    assert vcard4.to_temp(xcard(FN[1]), before).get("version") == "2.0"


def test_by_what_it_is_sorted_stays_where_no_name_can_say_it_11_3_4():
    before = named("<SORT-STRING>Moor</SORT-STRING>")
    assert written(vcard4.to_temp(xcard(FN[1]), before)) == written(before)
    after = vcard4.to_temp(xcard(f"{FN[1]}<n><surname>Moor</surname></n>"), before)
    assert after.find("{*}SORT-STRING") is None


NEW_ONLY = {
    "properties": "<gender><sex>F</sex></gender><kind><text>individual</text></kind>",
    "addresses of others": "<impp><uri>sip:j@x.example</uri></impp>",
    "relations": "<related><uri>xmpp:nurse@x.example</uri></related>",
    "types": "<tel><parameters><type><text>textphone</text><text>home</text></type>"
    "<pref><integer>2</integer></pref></parameters><uri>tel:+39-045</uri></tel>",
    "an image": "<photo><uri>https://x.example/j.png</uri></photo>",
    "languages": "<title><parameters><language><language-tag>it</language-tag></language>"
    "</parameters><text>Signora</text></title>",
    "several orders": "<n><parameters><sort-as><text>M</text><text>F</text></sort-as>"
    "</parameters><surname>Moor</surname></n>",
}


@pytest.mark.parametrize("inner", NEW_ONLY.values(), ids=NEW_ONLY)
def test_a_vcard4_that_goes_there_and_comes_back_is_what_it_was_11_3(inner):
    before = xcard(inner + FN[1])
    temp = vcard4.to_temp(before, EMPTY, photo=False)
    assert written(vcard4.followed(temp, before)) == written(before)


def test_a_vcard4_follows_in_what_has_changed_alone():
    before = xcard(
        FN[1] + NEW_ONLY["types"] + NEW_ONLY["properties"] + "<note><text>a</text></note>"
    )
    temp = vcard4.to_temp(before, EMPTY)
    temp.find("{*}DESC").text = "b"
    after = FN[1] + NEW_ONLY["types"] + NEW_ONLY["properties"] + "<note><text>b</text></note>"
    assert written(vcard4.followed(temp, before)) == written(xcard(after))
    temp.remove(temp.find("{*}TEL"))
    assert vcard4.followed(temp, before).find("{*}tel") is None


def test_who_has_one_number_twice_has_it_twice():
    number = "<TEL><NUMBER>1</NUMBER></TEL>"
    once = vcard4.followed(named(number), None)
    twice = vcard4.followed(named(2 * number), once)
    assert len(twice.findall("{*}tel")) == 2
    assert len(vcard4.followed(named(number), twice).findall("{*}tel")) == 1


def test_a_photo_is_in_no_vcard4_that_follows_and_one_that_is_there_stays():
    elsewhere = "<photo><uri>https://x.example/j.png</uri></photo>"
    assert vcard4.followed(named(picture()), None).find("{*}photo") is None
    after = vcard4.followed(named(picture()), xcard(elsewhere))
    assert written(after) == written(xcard(elsewhere + FN[1]))


@pytest.mark.parametrize(
    "inner", ["", picture(), "<FN> </FN><TEL><NUMBER/></TEL>", "<MAILER>m</MAILER>"]
)
def test_a_vcard_that_says_nothing_is_no_vcard4(inner):
    assert vcard4.followed(vcard(inner), xcard(NEW_ONLY["properties"])) is None


def test_a_name_that_was_made_up_for_a_vcard4_is_not_one_of_the_vcards():
    """What follows from it is the same again: there it ends."""
    temp = vcard("<N><GIVEN>Juliet</GIVEN></N>")
    once = vcard4.followed(temp, None)
    assert written(vcard4.followed(temp, once)) == written(once)


@given(SOME)
def test_what_follows_once_follows_no_further(properties):
    temp = made(properties)
    once = vcard4.followed(temp, None)
    assert written(vcard4.followed(temp, once)) == written(once)
    assert written(vcard4.followed(vcard4.to_temp(once, temp, photo=False), once)) == written(once)


def test_a_photo_of_a_vcard4_is_taken_only_where_it_may_be():
    new = xcard(f"{FN[1]}<photo><uri>u</uri></photo>")
    before = named(picture())
    assert written(vcard4.to_temp(new, before, photo=False)) == written(before)
    assert written(vcard4.to_temp(new, EMPTY, photo=False)) == written(named())


def test_a_vcard4_without_a_photo_leaves_the_avatar():
    before = vcard(picture())
    assert written(vcard4.to_temp(xcard(FN[1]), before)) == written(vcard(FN[0] + picture()))
    other = "<PHOTO><EXTVAL>u</EXTVAL></PHOTO>"
    after = vcard4.to_temp(xcard(f"{FN[1]}<photo><uri>u</uri></photo>"), before)
    assert written(after) == written(vcard(FN[0] + other))


@pytest.mark.parametrize(
    ("inner", "name"),
    [
        ("", "<text/>"),
        ("<N><GIVEN>Juliet</GIVEN><FAMILY>Capulet</FAMILY></N>", "<text>Juliet Capulet</text>"),
        ("<N><GIVEN>Juliet</GIVEN></N><NICKNAME>Jule</NICKNAME>", "<text>Juliet</text>"),
        ("<NICKNAME>Jule</NICKNAME><FN> </FN>", "<text>Jule</text>"),
    ],
)
def test_a_vcard4_has_a_formatted_name(inner, name):
    """RFC 6350 §6.2.1: one or more instances MUST be present."""
    assert written(vcard4.from_temp(vcard(inner))[0]) == written(xcard(f"<fn>{name}</fn>")[0])


@pytest.mark.parametrize(
    "many",
    [
        f"<NICKNAME>{'a,' * 90_000}</NICKNAME>",
        "<TITLE>a</TITLE>" * 12_000,
        "<ADR><HOME/><WORK/><CTRY>a</CTRY></ADR>" * 4_500,
    ],
)
def test_a_vcard4_does_not_become_many_times_as_large(many):
    """Who asks for it may be at a server that ends the stream for a stanza that is too large."""
    made = vcard4.written(vcard(f"<FN>J</FN>{many}<NOTE>N</NOTE>"), 200_000)
    assert len(made) < 201_000
    assert made.startswith(written(xcard("<fn><text>J</text></fn>"))[: -len("</vcard>")])
    fromstring(made)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("<nickname/>", ""),
        ("<nickname><parameters/><text/></nickname>", ""),
        ("<impp><uri>sip:j@x</uri></impp>", ""),
        ("<impp><uri>XMPP:j@x?message</uri></impp>", "<JABBERID>j@x</JABBERID>"),
        ("<related><uri>xmpp:j@x</uri></related>", ""),
        ("<geo><uri>geo:x,y</uri></geo>", ""),
        ("<geo><uri>geo:1.5,2;u=30</uri></geo>", "<GEO><LAT>1.5</LAT><LON>2</LON></GEO>"),
        ("<photo><uri>data:image/png,xyz</uri></photo>", ""),
        ("<photo><uri>data:image/png;base64,</uri></photo>", ""),
        ("<photo/>", ""),
        ("<adr><parameters><type><text>HOME</text></type></parameters></adr>", ""),
        (
            "<tel><parameters><type><text>HOME</text><text>textphone</text></type>"
            "<pref><integer>2</integer></pref></parameters><uri>tel:1</uri></tel>",
            "<TEL><HOME/><NUMBER>1</NUMBER></TEL>",
        ),
        (
            "<n><given>Juliet</given><given>Giulia</given></n>",
            "<N><GIVEN>Juliet,Giulia</GIVEN></N>",
        ),
        ("<gender><sex>F</sex></gender><fn xmlns='urn:x'><text>F</text></fn>", ""),
    ],
)
def test_what_vcard_temp_has_no_word_for_is_left_out(new, old):
    assert written(vcard4.to_temp(xcard(new), EMPTY)) == written(vcard(old))


def test_something_else_is_no_vcard4():
    with pytest.raises(StanzaError) as caught:
        vcard4.to_temp(vcard(), EMPTY)
    assert (caught.value.condition, caught.value.reason) == ("bad-request", "vcard.malformed")
