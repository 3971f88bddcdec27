"""What clients are told of the values that a field may have (XEP-0122)."""

from datetime import UTC, datetime

import pytest

from components.common.forms.datatypes import DATE_TIME, LANGUAGE, STRING
from components.common.forms.fields import (
    boolean,
    jid_multi,
    list_multi,
    list_single,
    number,
    text_multi,
    text_single,
    typed,
)
from components.common.forms.validation import NAMESPACE, Open, Range, Regex, Validation


def told(field):
    """The `<validate/>` of a field, but for its namespace; "" where there is none."""
    shown = field.tag().render().decode()
    if "<validate" not in shown:
        return ""
    head, _, rest = shown.partition("<validate ")[2].partition("</validate>")
    assert head.startswith(f"xmlns='{NAMESPACE}' ")
    assert "<validate" not in rest
    return head.removeprefix(f"xmlns='{NAMESPACE}' ")


def test_3_1_a_datatype_is_told():
    """§3.1, §3.2.1."""
    assert told(typed("lang", "", LANGUAGE)) == "datatype='xs:language'><basic/>"
    assert told(number("most")) == "datatype='xs:integer'><basic/>"


def test_3_1_what_goes_without_saying_is_not_said():
    """§3.1, §3.2: xs:string and <basic/> are the defaults."""
    options = {"a": ""}
    for field in (
        text_single("a"),
        text_multi("a"),
        boolean("a"),
        jid_multi("a"),
        list_single("a", "", options),
        list_multi("a", "", options),
    ):
        assert told(field) == ""


def test_3_2_2_an_open_list_says_so():
    expected = "datatype='xs:string'><open/>"
    assert told(list_single("a", "", {"b": ""}, method=Open())) == expected


def test_3_2_3_a_range_has_ends_or_one():
    assert told(number("a", least=1, most=9)) == "datatype='xs:integer'><range min='1' max='9'/>"
    assert told(number("a", most=9)) == "datatype='xs:integer'><range max='9'/>"
    assert told(number("a", least=0)) == "datatype='xs:integer'><range min='0'/>"


def test_3_2_3_a_range_of_moments():
    first = datetime(2003, 10, 5, 7, tzinfo=UTC)
    field = typed("date", "", DATE_TIME, Range(least=first))
    assert told(field) == "datatype='xs:dateTime'><range min='2003-10-05T07:00:00Z'/>"
    assert field.read(["2003-10-05T00:00:00-07:00"]) == first
    with pytest.raises(ValueError, match="not less than"):
        field.read(["2003-10-05T06:59:59Z"])


def test_3_2_4_a_pattern_is_for_the_whole_text():
    field = text_single("ssn", method=Regex("([0-9]{3})-([0-9]{2})", "three digits and two"))
    assert told(field) == "datatype='xs:string'><regex>([0-9]{3})-([0-9]{2})</regex>"
    assert field.read(["123-45"]) == "123-45"
    for text in ("123-456", "x123-45", "123-45\n", ""):
        with pytest.raises(ValueError, match="wanted"):
            field.read([text])


def test_3_3_how_many_are_told():
    options = {"a": "", "b": ""}
    assert told(list_multi("x", "", options, fewest=1, most=2)) == (
        "datatype='xs:string'><basic/><list-range min='1' max='2'/>"
    )
    assert told(list_multi("x", "", options, most=2, method=Open())) == (
        "datatype='xs:string'><open/><list-range max='2'/>"
    )


def test_4_7_there_is_no_range_of_texts():
    with pytest.raises(ValueError, match="no range of xs:string"):
        Validation(STRING, Range(1, 2))
