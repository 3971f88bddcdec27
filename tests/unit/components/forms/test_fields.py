"""The types of fields (XEP-0004 §3.3), each read and written as a value of Python."""

import pytest

from components.common.forms import fields
from components.common.forms.fields import (
    LINE,
    blank,
    boolean,
    hidden,
    jid_multi,
    jid_single,
    list_multi,
    list_single,
    number,
    optional,
    text_multi,
    text_private,
    text_single,
)
from components.common.forms.validation import Open, Regex
from xmppd.jid import JID

JULIET, ROMEO = JID.parse("juliet@capulet.lit"), JID.parse("romeo@montague.lit")
WHOIS = {"moderators": "Moderators Only", "anyone": "Anyone"}


def wanted(field, *texts):
    with pytest.raises(ValueError, match=r"wanted\b") as caught:
        field.read(texts)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("0", False), ("false", False), (" 1 ", True)],
)
def test_3_3_a_boolean_has_four_spellings(text, value):
    """XEP-0004 §3.3, as XML Schema has them."""
    assert boolean("rise").read([text]) is value


def test_3_3_a_boolean_is_false_by_default():
    assert boolean("rise").read([]) is False
    assert boolean("rise").read([""]) is False


@pytest.mark.parametrize("text", ["2", "yes", "TRUE", "true false", "\u0660"])
def test_3_3_what_is_no_boolean_is_refused(text):
    assert wanted(boolean("rise"), text) == "true or false is wanted"


@pytest.mark.parametrize("make", [text_single, text_private, hidden])
def test_3_3_a_line_of_text_is_taken_as_it_is(make):
    for text in ("But soft!", " but  soft ", "", "\t", "ü" * LINE):
        assert make("words").read([text]) == text
    assert make("words").read([]) == ""
    assert wanted(make("words"), "but\nsoft") == "one line is wanted"
    assert wanted(make("words"), "but\rsoft") == "one line is wanted"
    assert wanted(make("words", most=3), "soft") == "no more than 3 characters are wanted"


def test_3_3_several_lines_are_joined_and_sent_one_by_one():
    field = text_multi("words")
    assert field.read(["But soft!", "", "What light"]) == "But soft!\n\nWhat light"
    assert field.read(["a\nb"]) == "a\nb"
    assert field.read([]) == field.read([""]) == ""
    assert list(field.write("a\n\nb\n")) == ["a", "", "b", ""]
    assert list(field.write("")) == []


def test_3_3_the_bound_of_a_text_counts_its_lines_together():
    field = text_multi("words", most=5)
    assert field.read(["a", "b", "c"]) == "a\nb\nc"
    wanted(field, "a", "b", "cd")


def test_3_3_an_address_is_in_normal_form():
    assert jid_single("who").read([" JULIET@Capulet.lit/x "]) == "juliet@capulet.lit/x"
    for text in ("", "@", "a@b@c", "juliet capulet@x", "x" * 5_000):
        wanted(jid_single("who"), text)


def test_3_3_addresses_that_are_the_same_count_once():
    """XEP-0004 §3.3: duplicate JIDs MUST be ignored, as compared in normal form."""
    field = jid_multi("who")
    texts = ["juliet@capulet.lit", "", "JULIET@capulet.lit", "romeo@montague.lit", " "]
    assert field.read(texts) == (JULIET, ROMEO)
    assert field.read([]) == field.read([""]) == ()
    assert list(field.write((JULIET, ROMEO))) == [JULIET, ROMEO]
    wanted(field, "juliet@capulet.lit", "@")


def test_3_3_there_are_only_so_many_addresses():
    some = [f"capulet{n}@x" for n in range(4)]
    assert wanted(jid_multi("who", most=3), *some) == "no more than 3 values are wanted"
    assert len(jid_multi("who", most=4).read(some)) == 4


def test_3_3_a_list_has_its_options_and_no_others():
    field = list_single("whois", "Who?", WHOIS)
    assert field.read(["anyone"]) == "anyone"
    for text in ("nobody", "", "Anyone", " anyone"):
        assert wanted(field, text) == "one of the options is wanted"
    wanted(field)


def test_3_3_an_option_has_a_text_and_a_list_may_be_left_blank():
    with pytest.raises(ValueError, match="max: an option has no text"):
        list_single("max", "", {"": "No end", "10": ""})
    field = blank(list_single("max", "", {"10": ""}))
    assert field.read([""]) == field.read([]) == ""
    assert field.read(["10"]) == "10"
    assert (list(field.write("")), list(field.write("10"))) == ([], ["10"])
    assert wanted(field, "11") == "one of the options is wanted"


def test_3_3_some_of_a_list():
    field = list_multi("whois", "Who?", WHOIS)
    assert field.read(["anyone", "moderators", "anyone"]) == ("anyone", "moderators")
    assert field.read([]) == field.read([""]) == ()
    wanted(field, "anyone", "nobody")
    assert list(field.write(("anyone",))) == ["anyone"]


def test_3_3_options_have_labels_of_their_own():
    for make in (list_single, list_multi):
        with pytest.raises(ValueError, match="whois: two options have the same label"):
            make("whois", "Who?", {"a": "Anyone", "b": "Anyone"})
        assert make("whois", "Who?", {"a": "", "b": ""}).options == {"a": "", "b": ""}


def test_0122_3_2_2_an_open_list_takes_others_too():
    for field in (list_single("day", "", {"now": ""}, method=Open()),):
        assert field.read(["tomorrow"]) == "tomorrow"
        wanted(field, "a\nb")
        wanted(field, "x" * (LINE + 1))
    field = list_multi("day", "", {"now": ""}, method=Open())
    assert field.read(["now", "then"]) == ("now", "then")
    wanted(field, *map(str, range(fields.VALUES + 1)))


def test_0122_3_2_any_method_opens_a_list_within_its_bounds():
    """XEP-0122 §3.2: "MUST imply the same behavior as <open/>, with the additional constraints"."""
    field = list_single("most", "", {"none": "No end"}, method=Regex("[0-9]+", "a number"))
    assert field.read(["none"]) == "none"
    assert field.read(["12"]) == "12"
    assert wanted(field, "some") == "a number is wanted"


def test_0122_3_3_so_many_of_a_list():
    field = list_multi("how", "", {"a": "", "b": "", "c": ""}, fewest=1, most=2)
    assert field.read(["a", "b"]) == ("a", "b")
    assert wanted(field) == "at least 1 values are wanted"
    assert wanted(field, "a", "b", "c") == "no more than 2 values are wanted"
    assert field.read(["a", "a", "a"]) == ("a",)


def test_0122_3_2_2_texts_are_values_by_themselves():
    field = fields.texts("ids")
    assert field.read(["a", "", "b", "a"]) == ("a", "b")
    wanted(field, "a\nb")
    wanted(fields.texts("ids", most=1), "a", "b")
    assert b"<open/>" in field.tag().render()


def test_a_number_lies_between_its_ends():
    field = number("most", least=1, most=100)
    assert [field.read([text]) for text in ("1", " 100 ", "+7", "007")] == [1, 100, 7, 7]
    assert wanted(field, "0") == "not less than 1 is wanted"
    assert wanted(field, "101") == "not more than 100 is wanted"
    for text in ("", "1.0", "1e2", "\u0663", "1_0", "x", "9" * 19, "9" * 5_000):
        wanted(field, text)
    assert list(number("most").write(-3)) == ["-3"]


def test_3_6_an_optional_field_may_have_no_value():
    for field, texts, value in (
        (optional(number("most", least=1)), ["7"], 7),
        (optional(jid_single("who")), [JULIET], JULIET),
        (optional(list_single("whois", "", WHOIS)), ["anyone"], "anyone"),
    ):
        assert field.read([]) is None
        assert field.read([""]) is None
        assert list(field.write(None)) == []
        assert field.read(texts) == value
        assert list(field.write(value)) == texts
        wanted(field, "?")


def test_an_optional_field_shows_what_it_would_show_without():
    field = list_single("whois", "Who?", WHOIS, desc="Of whom?", required=True)
    assert optional(field).tag(["anyone"]).render() == field.tag(["anyone"]).render()
