"""Pages and sections of fields (XEP-0141)."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.forms.fields import boolean, hidden, text_single
from components.common.forms.form import Form
from components.common.forms.layout import TABLE, Page, Section

L = "{http://jabber.org/protocol/xdata-layout}"
NAME, NICK, OPEN = text_single("name"), text_single("nick"), boolean("open")
FIELDS = (hidden("sid"), NAME, NICK, OPEN)


def pages(*layout):
    form = fromstring(Form("", FIELDS, layout=layout).form().render())
    return form.findall(f"{L}page")


def facts(element):
    says = element.get("var") or element.get("label") or element.text or ""
    return (element.tag.removeprefix(L), says, *(facts(each) for each in element))


def test_3_1_fields_stand_on_pages():
    first, second = pages(Page("Who", ("Thy name?", NAME, NICK)), Page("", (OPEN,)))
    assert facts(first) == (
        "page",
        "Who",
        ("text", "Thy name?"),
        ("fieldref", "name"),
        ("fieldref", "nick"),
    )
    assert facts(second) == ("page", "", ("fieldref", "open"))
    assert second.get("label") is None


def test_3_2_sections_stand_in_sections():
    names = Section("Names", (Section("", ("What's in it?", NICK)), NAME))
    (page,) = pages(Page("Who", (names, OPEN)))
    assert facts(page) == (
        "page",
        "Who",
        (
            "section",
            "Names",
            ("section", "", ("text", "What's in it?"), ("fieldref", "nick")),
            ("fieldref", "name"),
        ),
        ("fieldref", "open"),
    )


def test_3_3_the_table_has_its_place():
    (page,) = pages(Page("Found", (NAME, NICK, OPEN, TABLE)))
    assert facts(page)[-1] == ("reportedref", "")


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ((NAME, NICK), "open"),
        ((NAME, NICK, OPEN, Section("", (NAME,))), "name"),
        ((NAME, NICK, OPEN, text_single("stranger")), "stranger"),
    ],
)
def test_4_2_each_field_that_is_shown_stands_there_once(parts, wrong):
    """§4.2, §8.3."""
    with pytest.raises(ValueError, match=f"not once in the layout: {wrong}"):
        Form("", FIELDS, layout=(Page("", parts),))
