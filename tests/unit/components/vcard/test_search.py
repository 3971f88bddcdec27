"""The search for users on the wire (XEP-0055)."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.paging import Found, Page
from components.common.tree import written
from components.vcard import search
from components.vcard.criteria import Criterion, Match
from components.vcard.directory import Row
from components.vcard.fields import FIELDS, SHOWN_MAX
from xmppd.errors import StanzaError

S, X = "{jabber:iq:search}", "{jabber:x:data}"
TYPE = "<field var='FORM_TYPE'><value>jabber:iq:search</value></field>"
RSM = "<set xmlns='http://jabber.org/protocol/rsm'>{}</set>"
CAPULETS = [Criterion("last", Match.EQUAL, "capulet")]
JULIET = Row("juliet@x", {"first": "Juliet", "email": "j@x", "org": "Capulet & Co."})


def query(inner):
    return fromstring(f"<query xmlns='jabber:iq:search'>{inner}</query>")


def form(inner, type_="submit"):
    return query(f"<x xmlns='jabber:x:data' type='{type_}'>{inner}</x>")


def refused(element):
    with pytest.raises(StanzaError) as caught:
        search.submitted(element)
    return caught.value.condition, caught.value.reason


def answer(asked, *rows, index=0, count=None):
    found = Found(rows, index, len(rows) if count is None else count)
    return fromstring(search.answered(search.submitted(asked), found).render())


def test_the_fields_are_told_plainly_and_as_a_form():
    """§2.1, §3."""
    told = fromstring(search.fields().render())
    names = [each.tag.removeprefix(S) for each in told]
    assert names == ["instructions", "first", "last", "nick", "email", f"{X}x"]
    shown = told.find(f"{X}x")
    assert shown.get("type") == "form"
    fields = [(each.get("var"), each.get("type")) for each in shown.iterfind(f"{X}field")]
    assert fields == [("FORM_TYPE", "hidden"), *((f.var, "text-single") for f in FIELDS)]
    assert shown.findtext(f"{X}field/{X}value") == "jabber:iq:search"


def test_a_plain_search():
    """§2.1."""
    asked = search.submitted(query("<first/><last>Capulet</last><nick> </nick><x-org>C</x-org>"))
    assert asked == search.Search(CAPULETS, Page(search.ROWS), form=False, paged=False)


def test_a_search_by_form():
    """§3: fields that are not known do not matter (XEP-0004 §3.1)."""
    fields = (
        "<field var='last'><value>Capulet</value></field><field var='first'/><field/>"
        "<field var='x-gender'><value>female</value></field>"
    )
    for inner in (TYPE + fields, fields):
        asked = search.submitted(form(inner))
        assert asked == search.Search(CAPULETS, Page(search.ROWS), form=True, paged=False)


def test_a_search_for_nobody_in_particular_is_refused():
    """Or anybody would have the list of all users (XEP-0004 §4 for the condition)."""
    for nothing in (query(""), query("<last/>"), query("<last>*</last>"), form(TYPE)):
        assert refused(nothing) == ("not-acceptable", "search.empty")
    assert search.submitted(query("<last>*</last>"), everybody=True).criteria == []


@pytest.mark.parametrize("type_", ["form", "cancel", "result", ""])
def test_a_form_that_is_not_submitted_is_refused(type_):
    assert refused(form(TYPE, type_)) == ("bad-request", "stanza.malformed")


def test_a_form_of_another_kind_is_refused():
    other = TYPE.replace("search", "register")
    assert refused(form(other)) == ("bad-request", "stanza.malformed")


def test_a_page_is_asked_for():
    """XEP-0059 §2.1, with an address in any spelling."""
    asked = query("<last>Capulet</last>" + RSM.format("<max>5</max><after>JULIET@X/y</after>"))
    assert search.submitted(asked).page == Page(5, after="juliet@x")
    asked = query("<last>Capulet</last>" + RSM.format("<before>Juliet@x</before>"))
    assert search.submitted(asked, most=10).page == Page(10, before="juliet@x")
    asked = query("<last>Capulet</last>" + RSM.format("<before/>"))
    assert search.submitted(asked).page == Page(search.ROWS, before="")


@pytest.mark.parametrize("place", ["@", "a@b@c", "x" * 5_000, "' OR 1=1 --@x"])
def test_a_page_beside_what_is_no_address_is_not_found(place):
    """XEP-0059 §2.4."""
    for side in ("after", "before"):
        asked = query("<last>C</last>" + RSM.format(f"<{side}>{place}</{side}>"))
        assert refused(asked) == ("item-not-found", "search.page")


def test_a_plain_answer_has_the_plain_fields():
    """§2.1; §3: a host MUST NOT add new fields to this namespace."""
    assert written(answer(query("<last>C</last>"), JULIET)) == written(
        query("<item jid='juliet@x'><first>Juliet</first><last/><nick/><email>j@x</email></item>")
    )


def test_no_match_is_an_empty_query():
    """§2.1; with pages, too, where there is nobody at all (XEP-0059 §2.2)."""
    assert written(answer(query("<last>C</last>"))) == b"<query xmlns='jabber:iq:search'/>"
    paged = query("<last>C</last>" + RSM.format(""))
    assert written(answer(paged)) == b"<query xmlns='jabber:iq:search'/>"


def test_an_answer_by_form_reports_every_field_of_each():
    """§3, XEP-0004 §3.4: what is reported comes first, and no item leaves any of it out."""
    told = answer(form(TYPE + "<field var='last'><value>C</value></field>"), JULIET, JULIET)
    x = told.find(f"{X}x")
    assert x.get("type") == "result"
    assert [each.tag.removeprefix(X) for each in x] == ["field", "reported", "item", "item"]
    reported = [(each.get("var"), each.get("type")) for each in x.find(f"{X}reported")]
    assert reported == [("jid", "jid-single"), *((f.var, "text-single") for f in FIELDS)]
    item = {each.get("var"): each.findtext(f"{X}value") for each in x.find(f"{X}item")}
    assert list(item) == [var for var, _ in reported]
    assert {var: text for var, text in item.items() if text} == {"jid": "juliet@x", **JULIET.shown}


def test_who_asked_for_no_page_is_told_where_there_are_more_of_them_xep0059_1():
    told = answer(query("<last>C</last>"), JULIET, index=0, count=2)[-1]
    assert told.findtext("{*}count") == "2" and told.findtext("{*}last") == "juliet@x"
    assert len(answer(query("<last>C</last>"), JULIET, index=0, count=1)) == 1


def test_a_page_is_told_to_who_asked_for_one():
    """XEP-0059 §2.2."""
    paged = query("<last>C</last>" + RSM.format("<max>1</max>"))
    told = answer(paged, JULIET, index=3, count=7)[-1]
    assert written(told) == written(
        fromstring(
            RSM.format("<first index='3'>juliet@x</first><last>juliet@x</last><count>7</count>")
        )
    )


def test_a_page_without_items_tells_how_many_there_are():
    """XEP-0059 §2.7."""
    told = answer(query("<last>C</last>" + RSM.format("<max>0</max>")), count=7)
    assert written(told[0]) == written(fromstring(RSM.format("<count>7</count>")))


def test_the_longest_answer_fits_in_a_stanza():
    """A component that sent more than the core takes would lose its stream."""
    row = Row(
        "ü" * 511 + "@" + ".".join(["x" * 62] * 4),
        {field.var: "&" * SHOWN_MAX for field in FIELDS},
    )
    told = answer(form("<field var='last'><value>C</value></field>"), *[row] * search.ROWS)
    assert len(written(told)) < 262_144 - 8_192
