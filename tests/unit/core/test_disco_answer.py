"""Answers to disco#info, and which of them are ill-formed (XEP-0115 §5.4, §9.3)."""

from __future__ import annotations

import pytest

from tests.support.sessions import read as framed
from xmppd import ns
from xmppd.core import disco_answer
from xmppd.core.disco import DiscoInfo, Identity, verification_string
from xmppd.core.disco_answer import IllFormedError
from xmppd.core.forms import Field

CLIENT = "<identity category='client' type='pc' name='Exodus 0.9.1'/>"
SOFTWARE = "urn:xmpp:dataforms:softwareinfo"
MUC = "http://jabber.org/protocol/muc"


def answer(content: str, payload: str = "query", namespace: str = ns.DISCO_INFO) -> DiscoInfo:
    return disco_answer.read(
        framed(
            "<iq type='result' id='1' xml:lang='de'>"
            f"<{payload} xmlns='{namespace}'>{content}</{payload}></iq>"
        )
    )


def features(*names: str) -> str:
    return "".join(f"<feature var='{name}'/>" for name in names)


def field(var: str, *values: str, kind: str = "") -> str:
    type_ = f" type='{kind}'" if kind else ""
    inner = "".join(f"<value>{value}</value>" for value in values)
    return f"<field var='{var}'{type_}>{inner}</field>"


def form(*fields: str) -> str:
    return f"<x xmlns='{ns.DATA_FORM}' type='result'>{''.join(fields)}</x>"


def typed(*form_types: str, kind: str = "hidden") -> str:
    return field("FORM_TYPE", *form_types, kind=kind)


OS = field("os", "Mac")


def ver(info: DiscoInfo) -> str:
    return verification_string(*info)


# What is read


def test_xep_0115_5_2_the_simple_example_gives_its_string() -> None:
    info = answer(CLIENT + features(MUC, ns.DISCO_ITEMS, ns.DISCO_INFO, ns.CAPS))
    assert info.identities == (Identity("client", "pc", "Exodus 0.9.1"),)
    assert info.features == {MUC, ns.DISCO_ITEMS, ns.DISCO_INFO, ns.CAPS}
    assert ver(info) == "QgayPKawpkPSDYmwT/WM94uAlu0="


def test_xep_0115_5_3_the_complex_example_gives_its_string() -> None:
    info = answer(
        "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
        "<identity xml:lang='el' category='client' name='&#936; 0.11' type='pc'/>"
        + features(ns.CAPS, ns.DISCO_INFO, ns.DISCO_ITEMS, MUC)
        + form(
            typed(SOFTWARE),
            field("ip_version", "ipv4", "ipv6", kind="text-multi"),
            OS,
            field("os_version", "10.5.1"),
            field("software", "Psi"),
            field("software_version", "0.11"),
        )
    )
    assert ver(info) == "q07IKJEyjvHSyhy//CH0CxmKi8w="


def test_an_identity_has_the_language_it_names_and_not_that_of_the_stanza() -> None:
    assert answer(CLIENT).identities[0].lang == ""


def test_what_is_no_identity_feature_or_form_is_passed_over() -> None:
    strange = "<x xmlns='urn:example:x'/><item xmlns='urn:example:x' jid='a'/>"
    assert answer(CLIENT + strange + features("urn:a")) == answer(CLIENT + features("urn:a"))


def test_an_entity_may_say_nothing() -> None:
    assert answer("") == DiscoInfo((), frozenset(), ())


# XEP-0115 §5.4, rules 3.3 to 3.6

ILL_FORMED = {
    "3.3 an identity twice": CLIENT * 2,
    "3.4 a feature twice": features(MUC, MUC),
    "3.5 two forms of a type": form(typed(SOFTWARE), OS) * 2,
    "3.5 two forms of a type, one of which is not hidden": form(typed(SOFTWARE), OS)
    + form(typed(SOFTWARE, kind="text-single"), OS),
    "3.5 a form of two types": form(typed(SOFTWARE, "urn:b"), OS),
    "3.5 a form of two types, in two fields": form(typed(SOFTWARE), typed("urn:b"), OS),
}


@pytest.mark.parametrize("content", ILL_FORMED.values(), ids=ILL_FORMED)
def test_5_4_what_is_said_twice_is_ill_formed(content: str) -> None:
    with pytest.raises(IllFormedError):
        answer(content)


WELL_FORMED = {
    "3.3 two types": CLIENT + "<identity category='client' type='phone' name='Exodus 0.9.1'/>",
    "3.3 two languages": CLIENT
    + "<identity category='client' type='pc' name='Exodus 0.9.1' xml:lang='el'/>",
    "3.3 two names": CLIENT + "<identity category='client' type='pc' name='Psi'/>",
    "3.5 two forms": form(typed(SOFTWARE), OS) + form(typed("urn:zz"), OS),
    "3.5 a type named twice": form(typed(SOFTWARE, SOFTWARE), OS),
}


@pytest.mark.parametrize("content", WELL_FORMED.values(), ids=WELL_FORMED)
def test_5_4_what_differs_is_not_said_twice(content: str) -> None:
    assert answer(content) != answer("")


IGNORED = {
    "no FORM_TYPE": form(OS),
    "FORM_TYPE without value": form(typed(), OS),
    "FORM_TYPE not hidden": form(typed(SOFTWARE, kind="text-single"), OS),
    "FORM_TYPE without type": form(typed(SOFTWARE, kind=""), OS),
}


@pytest.mark.parametrize("content", IGNORED.values(), ids=IGNORED)
def test_5_4_3_6_a_form_without_a_hidden_form_type_is_ignored(content: str) -> None:
    plain = CLIENT + features(MUC)
    assert ver(answer(plain + content)) == ver(answer(plain))
    both = form(typed(SOFTWARE), OS)
    assert ver(answer(plain + content.replace(SOFTWARE, "urn:b") + both)) == ver(
        answer(plain + both)
    )


def test_5_4_a_form_type_named_twice_counts_once() -> None:
    (read,) = answer(form(typed(SOFTWARE, SOFTWARE), OS)).forms
    assert (read.form_type, read.fields) == (SOFTWARE, (Field("os", ("Mac",)),))


# §9.3: other readings of a string

HONEST = CLIENT + features("http://jabber.org/protocol/caps", "urn:xmpp:jingle:1", "vcard-temp+x")


RETOLD = [
    CLIENT
    + features("http://jabber.org/protocol/caps")
    + form(typed("urn:xmpp:jingle:1"), field("vcard-temp+x")),
    CLIENT
    + features("http://jabber.org/protocol/caps", "urn:xmpp:jingle:1")
    + form(typed("vcard-temp+x")),
    CLIENT
    + form(typed("http://jabber.org/protocol/caps"), field("urn:xmpp:jingle:1", "vcard-temp+x")),
]


@pytest.mark.parametrize("poisoned", RETOLD)
def test_9_3_features_that_are_told_as_a_form_are_refused(
    poisoned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(IllFormedError):
        answer(poisoned)
    monkeypatch.setattr(disco_answer, "_has_other_reading", lambda info: False)
    assert ver(answer(poisoned)) == ver(answer(HONEST)), "else it would do no harm"


@pytest.mark.parametrize(
    "identity",
    [
        "<identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>",
        "<identity category='client' type='pc//Exodus' name='x'/>",
        "<identity category='urn:a/b' type='c'/>",
    ],
)
def test_9_3_features_that_are_told_as_an_identity_are_refused(identity: str) -> None:
    with pytest.raises(IllFormedError):
        answer(CLIENT + identity + features("urn:xmpp:jingle:1"))


def test_9_3_one_part_does_not_pass_for_two() -> None:
    name = "Exodus 0.9.1&lt;http://jabber.org/protocol/caps&lt;urn:xmpp:jingle:1"
    merged = f"<identity category='client' type='pc' name='{name}'/>" + features("vcard-temp+x")
    assert ver(answer(merged)) != ver(answer(HONEST))
    assert ver(answer(CLIENT + features("urn:a&lt;urn:b"))) != ver(
        answer(CLIENT + features("urn:a", "urn:b"))
    )


def test_5_1_a_less_than_sign_is_hashed_as_it_is_written() -> None:
    assert ver(answer(features("a&lt;b"))) == verification_string([], ["a&lt;b"], [])


@pytest.mark.parametrize(
    "content",
    [
        "<identity type='pc'/>",
        "<identity category='client'/>",
        "<identity category='client' type=''/>",
        "<identity category='client' type='pc' xml:lang='no language/x'/>",
        "<feature/>",
        "<feature var=''/>",
    ],
)
def test_xep_0030_3_1_what_lacks_a_required_attribute_is_ill_formed(content: str) -> None:
    with pytest.raises(IllFormedError):
        answer(content)


# What an outsider may make grow


def many(count: int) -> str:
    return features(*(f"urn:{n}" for n in range(count)))


def identities(count: int) -> str:
    return "".join(f"<identity category='c' type='t{n}'/>" for n in range(count))


def long(octets: int) -> str:
    each = "".join(f"<feature var='{n}{'x' * 4_000}'/>" for n in range(4))
    around = len(f"<query xmlns='{ns.DISCO_INFO}'><feature var=''/></query>{each}")
    return each + features("y" * (octets - around))


BOUNDS = {
    "features": (many, disco_answer.MOST_FEATURES),
    "identities": (identities, disco_answer.MOST_IDENTITIES),
    "octets": (long, disco_answer.MOST_OCTETS),
}


@pytest.mark.parametrize("what", BOUNDS)
def test_an_answer_has_bounds(what: str) -> None:
    make, most = BOUNDS[what]
    answer(make(most))
    with pytest.raises(IllFormedError, match="too"):
        answer(make(most + 1))


@pytest.mark.parametrize(
    ("payload", "namespace"), [("query", ns.DISCO_ITEMS), ("info", ns.DISCO_INFO)]
)
def test_another_payload_is_no_answer(payload: str, namespace: str) -> None:
    with pytest.raises(IllFormedError, match="no disco#info"):
        answer(CLIENT, payload, namespace)


def test_an_empty_result_is_no_answer() -> None:
    with pytest.raises(IllFormedError, match="no disco#info"):
        disco_answer.read(framed("<iq type='result' id='1'/>"))
