"""Data forms (XEP-0004, XEP-0068)."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppd import ns
from xmppd.core.forms import Field, Form, submitted
from xmppd.errors import StanzaError

X = f"{{{ns.DATA_FORM}}}"


def form(*fields, type_="submit", form_type=ns.REGISTER):
    hidden = f"<field var='FORM_TYPE'><value>{form_type}</value></field>" if form_type else ""
    return fromstring(f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{hidden}{''.join(fields)}</x>")


def test_xep_0004_3_a_form_shows_head_hidden_type_and_fields():
    shown = Form(
        ns.REGISTER,
        [Field("username", ("juliet",), "text-single", "Name", required=True)],
        title="Registration",
        instructions="Choose.",
    )
    x = fromstring(shown.tag("form").render())
    assert (x.tag, x.get("type")) == (f"{X}x", "form")
    assert [child.tag for child in x] == [f"{X}title", f"{X}instructions", f"{X}field", f"{X}field"]
    hidden, field = x.findall(f"{X}field")
    assert (hidden.attrib, hidden[0].text) == ({"var": "FORM_TYPE", "type": "hidden"}, ns.REGISTER)
    assert field.attrib == {"var": "username", "type": "text-single", "label": "Name"}
    assert [child.tag for child in field] == [f"{X}required", f"{X}value"]


def test_xep_0004_3_1_the_first_value_of_each_field_is_read():
    x = form(
        "<field var='username'><value>juliet</value><value>romeo</value></field>",
        "<field var='password'/>",
    )
    assert submitted(x, ns.REGISTER) == {"username": "juliet", "password": ""}


def test_xep_0068_a_form_without_form_type_is_taken_as_asked_for():
    assert submitted(form(form_type=None), ns.REGISTER) == {}


@pytest.mark.parametrize("wrong", [{"type_": "cancel"}, {"form_type": "urn:elsinore"}])
def test_another_form_is_refused(wrong):
    with pytest.raises(StanzaError) as refused:
        submitted(form(**wrong), ns.REGISTER)
    assert refused.value.condition == "bad-request"
