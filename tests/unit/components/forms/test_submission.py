"""Forms that were submitted (XEP-0004 §3.1, §3.5, §4), hostile ones among them."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.forms.fields import (
    boolean,
    jid_multi,
    jid_single,
    list_multi,
    list_single,
    number,
    optional,
    text_private,
    text_single,
)
from components.common.forms.form import Form
from components.common.forms.submission import Bounds, canceled, form_type, texts
from components.common.forms.values import Values
from tests.support.forms import field, submission
from xmppd.errors import StanzaError

TYPE = "http://jabber.org/protocol/muc#roomconfig"
NAME = text_single("muc#roomconfig_roomname")
PUBLIC = boolean("muc#roomconfig_publicroom")
SECRET = text_private("muc#roomconfig_roomsecret")
MOST = optional(number("muc#roomconfig_maxusers", least=1))
ADMINS = jid_multi("muc#roomconfig_roomadmins")
CONFIG = Form(TYPE, (NAME, PUBLIC, SECRET, MOST, ADMINS))


def refused(x, form=CONFIG):
    with pytest.raises(StanzaError) as caught:
        form.submitted(x)
    return caught.value.condition, caught.value.text


def test_3_1_what_was_filled_in_is_read():
    x = submission(
        TYPE,
        {NAME.var: ["A Dark Cave"], PUBLIC.var: ["1"], MOST.var: ["9"], ADMINS.var: ["hecate@x"]},
    )
    config = CONFIG.submitted(x)
    assert (config[NAME], config[PUBLIC], config[MOST]) == ("A Dark Cave", True, 9)
    assert config[ADMINS] == ("hecate@x",)


def test_3_5_what_was_left_out_is_not_what_was_left_empty():
    """§3.5, §3.6; XEP-0045 §10.2."""
    before = Values([NAME.of("A Cave"), PUBLIC.of(True), SECRET.of("bubble"), MOST.of(9)])
    empty = CONFIG.submitted(submission(TYPE, {SECRET.var: [""], MOST.var: [], ADMINS.var: [""]}))
    assert NAME not in empty
    assert before | empty == Values(
        [NAME.of("A Cave"), PUBLIC.of(True), SECRET.of(""), MOST.of(None), ADMINS.of(())]
    )
    assert before | CONFIG.submitted(submission(TYPE, {})) == before


def test_3_1_what_is_not_understood_is_ignored():
    """§3.1: the form-processing entity MUST ignore fields that it does not understand."""
    x = submission(TYPE, {"x-cauldron": ["?"] * 9, NAME.var: ["A Cave"]})
    assert CONFIG.submitted(x) == Values([NAME.of("A Cave")])
    nameless = "<field type='fixed'><value>a</value></field><field/><field/>"
    foreign = "<field xmlns='urn:x' var='name'><value>b</value></field><reported/><item/>"
    assert len(CONFIG.submitted(submission(TYPE, nameless + foreign))) == 0


def test_3_2_the_type_of_a_field_may_be_there_and_does_not_matter():
    inner = f"<field var='{PUBLIC.var}' type='text-single'><value>true</value></field>"
    assert CONFIG.submitted(submission(TYPE, inner))[PUBLIC] is True


@pytest.mark.parametrize("type_", ["form", "result", "cancel", "error", "", "Submit"])
def test_3_1_only_a_submitted_form_is_read(type_):
    x = submission(TYPE, {NAME.var: ["A Cave"]})
    x.set("type", type_)
    assert refused(x) == ("bad-request", "a submitted form is wanted")


@pytest.mark.parametrize("xml", ["<x type='submit'/>", "<y xmlns='jabber:x:data' type='submit'/>"])
def test_3_1_something_else_is_no_form(xml):
    assert refused(fromstring(xml))[0] == "bad-request"
    assert not canceled(fromstring(xml))


def test_0045_7_10_no_form_at_all_is_a_bad_request():
    assert refused(None)[0] == "bad-request"


def test_3_1_a_form_may_be_canceled():
    assert canceled(fromstring("<x xmlns='jabber:x:data' type='cancel'/>"))
    assert not canceled(submission(TYPE, {}))
    assert not canceled(None)


def test_0068_4_1_without_form_type_it_is_taken_for_the_one_that_is_wanted():
    assert CONFIG.submitted(submission(None, {NAME.var: ["A Cave"]}))[NAME] == "A Cave"


def test_0068_5_the_form_type_needs_no_type():
    for shown in ("", " type='hidden'", " type='text-single'"):
        inner = f"<field var='FORM_TYPE'{shown}><value>urn:y</value></field>"
        assert refused(submission(None, inner))[0] == "bad-request"
        assert form_type(submission(None, inner)) == "urn:y"


@pytest.mark.parametrize(
    "given", [(), ("",), ("urn:y",), (TYPE + "x",), (TYPE.upper(),), (TYPE,) * 2]
)
def test_0068_3_6_another_form_type_is_another_form(given):
    """They MUST be compared as strings."""
    x = submission(None, {"FORM_TYPE": given, NAME.var: ["A Cave"]})
    assert refused(x) == ("bad-request", f"the FORM_TYPE {TYPE} is wanted")


def test_0068_4_1_a_form_may_have_no_form_type():
    form = Form("", (NAME,))
    for type_ in (None, TYPE):
        assert form.submitted(submission(type_, {NAME.var: ["A Cave"]}))[NAME] == "A Cave"
    assert form_type(submission(None, {})) == ""


def test_3_2_a_field_that_comes_twice_is_refused():
    """§3.2: the name is unique within the form, be it understood or not."""
    for var in (NAME.var, "x-cauldron", "FORM_TYPE"):
        x = submission(None, field(var, TYPE) * 2)
        assert refused(x) == ("bad-request", f"{var}: the field comes twice")


def test_3_2_several_values_where_there_is_one_are_refused():
    for each in (NAME, PUBLIC, SECRET, MOST):
        x = submission(TYPE, {each.var: ["1", "1"]})
        assert refused(x) == ("bad-request", f"{each.var}: one value is wanted")


def test_4_a_value_that_a_field_can_not_have_is_not_acceptable():
    """§4, with the field's name in the text."""
    for each, text, why in (
        (PUBLIC, "maybe", "true or false is wanted"),
        (NAME, "a\nb", "one line is wanted"),
        (MOST, "0", "not less than 1 is wanted"),
        (ADMINS, "@", "an address is wanted, such as juliet@example.org"),
    ):
        x = submission(TYPE, {each.var: [text]})
        assert refused(x) == ("not-acceptable", f"{each.var}: {why}")


@pytest.mark.parametrize("texts_", [None, [], [""], [" \t"]])
def test_3_5_what_is_required_has_to_be_filled_in(texts_):
    form = Form("urn:x", (text_single("nick", required=True), jid_single("who", required=True)))
    given = {"who": ["juliet@x"]} | ({} if texts_ is None else {"nick": texts_})
    assert refused(submission("urn:x", given), form) == (
        "not-acceptable",
        "nick: it has to be filled in",
    )


def test_nothing_is_read_of_a_form_with_one_fault():
    x = submission(TYPE, {NAME.var: ["A Cave"], PUBLIC.var: ["maybe"]})
    assert refused(x)[0] == "not-acceptable"


# ---------------------------------------------------------------------- bounds

SMALL = Form("urn:x", (NAME,), bounds=Bounds(fields=3, values=4, characters=30))


@pytest.mark.parametrize(
    ("fields_", "fits"),
    [
        ({"a": ["1"], "b": ["1"]}, True),
        ({"a": [], "b": [], "c": []}, False),
        ({"a": ["1"] * 3}, True),
        ({"a": ["1"] * 4}, False),
        ({"a": ["x" * 15]}, True),
        ({"a": ["x" * 16]}, False),
        ({"a": ["x" * 8] * 2}, False),
        ({"a" * 16: []}, True),
        ({"a" * 17: []}, False),
    ],
)
def test_a_form_has_a_bound_whatever_its_fields_are_called(fields_, fits):
    """FORM_TYPE and its value, 14 characters, count too."""
    x = submission("urn:x", fields_)
    if fits:
        assert len(SMALL.submitted(x)) == 0
    else:
        assert refused(x, SMALL) == ("not-acceptable", "the form is too large")


def test_fields_without_a_name_count_too():
    assert refused(submission("urn:x", "<field/>" * 3), SMALL)[1] == "the form is too large"


def test_by_default_a_form_may_have_what_a_room_needs():
    """XEP-0045 §16.5.3 has some 20 fields; a stanza of 256 KiB holds many more."""
    x = submission(TYPE, {ADMINS.var: [f"witch{n}@shakespeare.lit" for n in range(500)]})
    assert len(CONFIG.submitted(x)[ADMINS]) == 500
    assert refused(submission(TYPE, "<field/>" * 60_000))[0] == "not-acceptable"
    assert refused(submission(TYPE, field(NAME.var, *"x" * 60_000)))[0] == "not-acceptable"


def test_a_long_name_is_not_sent_back_whole():
    condition, text = refused(submission(TYPE, field("x" * 40_000, "?") * 2))
    assert condition == "bad-request"
    assert 100 < len(text) < 200


def test_all_that_was_said_can_be_asked_for():
    """Publish-options have to be refused where one is unknown (XEP-0060 §7.1.5)."""
    assert texts(submission(TYPE, {"x-cauldron": ["a", "b"], "y": []})) == {
        "FORM_TYPE": [TYPE],
        "x-cauldron": ["a", "b"],
        "y": [],
    }


def test_lists_are_held_against_their_options():
    role = list_single("muc#role", "", {"participant": ""})
    who = list_multi("who", "", {"moderator": "", "visitor": ""})
    form = Form("urn:x", (role, who))
    given = form.submitted(submission("urn:x", {"muc#role": ["participant"], "who": ["visitor"]}))
    assert (given[role], given[who]) == ("participant", ("visitor",))
    for var in ("muc#role", "who"):
        x = submission("urn:x", {var: ["owner"]})
        assert refused(x, form) == ("not-acceptable", f"{var}: one of the options is wanted")
