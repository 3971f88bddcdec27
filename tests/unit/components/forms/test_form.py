"""Forms as they are shown (XEP-0004 §3), with a FORM_TYPE (XEP-0068)."""

from xml.etree.ElementTree import canonicalize

import pytest

from components.common.build import Tag
from components.common.forms.field import Note
from components.common.forms.fields import boolean, jid_single, list_single, text_multi, text_single
from components.common.forms.form import CANCEL, Form
from components.common.forms.layout import Page
from components.common.forms.values import Values
from xmppd.jid import JID

NAME = text_single("name", "Name", desc="What's in it?", required=True)
WORDS = text_multi("words", "Words")
WHOIS = list_single("whois", "Who?", {"moderators": "Moderators Only", "anyone": ""})
FORM = Form("urn:x", (NAME, Note("Speak on.\nSpeak again."), WORDS, WHOIS), "A Cave", "Fill in.")
JULIET = JID.parse("juliet@capulet.lit")


def same(tag, inner, type_):
    x = f"<x xmlns='jabber:x:data' type='{type_}'>{inner}</x>"
    assert canonicalize(tag.render().decode()) == canonicalize(x)


TYPE = "<field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>"


def test_3_a_form_shows_its_fields_in_their_order_with_their_defaults():
    """§3.2, §3.3; XEP-0068 §3.1."""
    same(
        FORM.form([WORDS.of("a\nb"), WHOIS.of("anyone")]),
        "<title>A Cave</title><instructions>Fill in.</instructions>" + TYPE + "<field var='name'"
        " type='text-single' label='Name'><desc>What&apos;s in it?</desc><required/></field>"
        "<field type='fixed'><value>Speak on.</value></field>"
        "<field type='fixed'><value>Speak again.</value></field>"
        "<field var='words' type='text-multi' label='Words'><value>a</value>"
        "<value>b</value></field>"
        "<field var='whois' type='list-single' label='Who?'><value>anyone</value>"
        "<option label='Moderators Only'><value>moderators</value></option>"
        "<option><value>anyone</value></option></field>",
        "form",
    )


def test_3_instructions_of_several_lines_are_several():
    """§3: they SHOULD NOT contain newlines."""
    form = Form("", (), instructions="But soft!\nWhat light?")
    same(
        form.form(),
        "<instructions>But soft!</instructions><instructions>What light?</instructions>",
        "form",
    )


def test_0128_a_result_has_what_is_known_and_no_more():
    same(
        Form("urn:x", (NAME, WORDS)).result([NAME.of("A Dark Cave")]),
        TYPE
        + "<field var='name' type='text-single' label='Name'><value>A Dark Cave</value></field>",
        "result",
    )


def test_3_1_the_component_fills_in_a_form_of_others():
    """§3.2: the type of a field can be inferred there."""
    same(
        FORM.submit([NAME.of(""), WORDS.of("")]),
        TYPE + "<field var='name'><value/></field><field var='words'/>",
        "submit",
    )
    same(CANCEL, "", "cancel")


def test_3_4_results_are_a_table():
    """§3.4: nothing but <reported/> and the items, each with every field."""
    who, good = jid_single("who", "Who"), boolean("good")
    rows = [Values([who.of(JULIET), good.of(True)]), Values([who.of(JULIET)])]
    table = (
        "<reported><field var='who' type='jid-single' label='Who'/>"
        "<field var='good' type='boolean'/></reported>"
        "<item><field var='who'><value>juliet@capulet.lit</value></field>"
        "<field var='good'><value>1</value></field></item>"
        "<item><field var='who'><value>juliet@capulet.lit</value></field>"
        "<field var='good'><value/></field></item>"
    )
    form = Form("urn:x", (), "Found")
    same(form.table((who, good), rows), table, "result")
    same(form.table((who, good), rows, form_type=True), TYPE + table, "result")


def test_0221_a_field_may_hold_media():
    """As XEP-0158 §3.1.1 has them."""
    media = Tag(
        "media", {}, [Tag("uri", {"type": "image/png"}, "cid:x")], ns="urn:xmpp:media-element"
    )
    field = text_single("ocr", "What dost thou see?", content=[media])
    assert media.render() in Form("urn:xmpp:captcha", (field,)).form().render()


def test_3_2_names_are_unique():
    for twice in (NAME, text_single("FORM_TYPE")):
        with pytest.raises(ValueError, match=f"same name: {twice.var}"):
            Form("urn:x", (NAME, WORDS, text_single(twice.var)))


def test_values_are_those_of_their_fields():
    config = Values([NAME.of("A Cave"), WHOIS.of("anyone")])
    assert config[NAME] == "A Cave"
    assert config.get(WORDS, None) is None
    assert (NAME in config, WORDS in config, len(config)) == (True, False, 2)
    with pytest.raises(KeyError):
        config[WORDS]
    assert {each.field.var: each.value for each in config} == {"name": "A Cave", "whois": "anyone"}


def test_values_change_and_stay():
    """§3.5."""
    before = Values([NAME.of("A Cave"), WHOIS.of("anyone")])
    after = before | Values([NAME.of("A Heath"), WORDS.of("")])
    assert after == Values([WORDS.of(""), WHOIS.of("anyone"), NAME.of("A Heath")])
    assert before[NAME] == "A Cave"
    assert before != after


def test_values_are_never_in_a_log():
    assert "fair" not in repr(Values([NAME.of("fair is foul")]))


def test_a_layout_stands_before_the_fields():
    """As the examples of XEP-0141 §3.1 have it."""
    form = Form("", (WORDS,), "A Cave", layout=[Page("Only", (WORDS,))])
    same(
        form.form(),
        "<title>A Cave</title><page xmlns='http://jabber.org/protocol/xdata-layout' label='Only'>"
        "<fieldref var='words'/></page><field var='words' type='text-multi' label='Words'/>",
        "form",
    )
