"""What a form shows and a client sends back is what it was made of."""

from datetime import UTC
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from components.common.forms import fields
from components.common.forms.datatypes import DATE_TIME, LANGUAGE
from components.common.forms.field import Note
from components.common.forms.form import Form
from components.common.forms.validation import Open
from components.common.forms.values import Values
from tests.support.forms import sent_back
from xmppd.errors import StanzaError
from xmppd.jid import JID

OPTIONS = {"anyone": "Anyone", "moderators": "Moderators Only", "none": ""}
CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"
)
LINES = st.text(CHARACTERS | st.sampled_from("\t&<>'\""), max_size=20)
TEXTS = st.lists(LINES, max_size=4).map("\n".join)
PEOPLE = ("juliet@capulet.lit", "romeo@montague.lit/x", "verona.lit")
ADDRESSES = st.sampled_from(PEOPLE).map(JID.parse)
CHOSEN = st.sampled_from(sorted(OPTIONS))


def several(values, **bounds):
    return st.lists(values, unique=True, **bounds).map(tuple)


FIELDS = {
    fields.boolean("boolean", "Is it?"): st.booleans(),
    fields.text_single("text-single", "Say"): LINES,
    fields.text_private("text-private"): LINES,
    fields.text_multi("text-multi"): TEXTS,
    fields.texts("texts"): several(LINES.filter(str.strip), max_size=4),
    fields.number("number", "How many?", least=-5, most=5): st.integers(-5, 5),
    fields.typed("moment", "When?", DATE_TIME): st.datetimes(timezones=st.just(UTC)),
    fields.typed("language", "Which?", LANGUAGE): st.sampled_from(["", "en", "pt-BR"]),
    fields.jid_single("jid-single"): ADDRESSES,
    fields.jid_multi("jid-multi"): several(ADDRESSES),
    fields.hidden("hidden"): LINES,
    fields.list_single("list-single", "", OPTIONS): CHOSEN,
    fields.list_single("open", "", {"a": "A"}, method=Open()): LINES,
    fields.blank(fields.list_single("blank", "", OPTIONS)): CHOSEN | st.just(""),
    fields.list_multi("list-multi", "", OPTIONS, most=3): several(CHOSEN, max_size=3),
    fields.optional(fields.number("maybe")): st.none() | st.integers(-99, 99),
    fields.optional(fields.jid_single("whoever")): st.none() | ADDRESSES,
}
FORM = Form("urn:x", (Note("Speak."), *FIELDS), "A Form", "Fill in.")


@st.composite
def filled_in(draw):
    some = draw(st.lists(st.sampled_from(list(FIELDS)), unique=True))
    return Values(field.of(draw(FIELDS[field])) for field in some)


WHOLE = st.tuples(*FIELDS.values()).map(
    lambda values: Values(field.of(value) for field, value in zip(FIELDS, values, strict=True))
)


@given(WHOLE)
def test_a_form_that_is_sent_back_unchanged_changes_nothing(values):
    """XEP-0004 §3.5; XEP-0045 §10.2: the current options are the defaults."""
    assert FORM.submitted(sent_back(FORM.form(values))) == values


@given(filled_in())
def test_what_is_submitted_in_part_is_read_in_part(values):
    assert FORM.submitted(fromstring(FORM.submit(values).render())) == values


WILD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.just("\n"))


@given(st.dictionaries(st.sampled_from([f.var for f in FIELDS]) | WILD, st.lists(WILD, max_size=3)))
def test_whatever_is_sent_is_read_or_refused(said):
    """A fault in a form is never a fault of the component."""
    x = sent_back(FORM.form())
    for field in list(x):
        x.remove(field)
    for var, texts in said.items():
        x.append(fromstring("<field xmlns='jabber:x:data'/>"))
        x[-1].set("var", var)
        for text in texts:
            x[-1].append(fromstring("<value xmlns='jabber:x:data'/>"))
            x[-1][-1].text = text
    try:
        FORM.submitted(x)
    except StanzaError as error:
        assert error.condition in ("bad-request", "not-acceptable")
