"""What a stream offers, for every combination of what is true of it (RFC 6120 §4.3.2)."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.support.frames import HEADER
from tests.support.streams import (
    FEATURES,
    POLICY,
    STARTTLS,
    Client,
    auth,
    bind,
    frames,
    offered,
    plain,
    sent,
)
from xmppd import ns
from xmppd.stream import features
from xmppd.stream.features import Feature
from xmppd.stream.policy import TLSFacts
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag

MASKS = [Fact(sum(chosen)) for n in range(len(Fact) + 1) for chosen in combinations(Fact, n)]


def names(facts: Fact) -> set[str]:
    return {feature.name for feature in features.offered(FEATURES, facts)}


def test_every_combination_is_looked_at() -> None:
    assert len(set(MASKS)) == 1 << len(Fact)


@pytest.mark.parametrize("facts", MASKS, ids=int)
def test_no_combination_offers_what_it_must_not(facts: Fact) -> None:
    found = names(facts)
    if Fact.SECURE in facts or Fact.AUTHENTICATED in facts or Fact.TLS_AVAILABLE not in facts:
        assert "starttls" not in found
    if Fact.MAY_AUTHENTICATE not in facts or Fact.AUTHENTICATED in facts:
        assert not found & {"mechanisms", "channel-binding", "auth", "register"}
    if Fact.AUTHENTICATED not in facts:
        assert not found & {"bind", "compression"}
    if Fact.AUTHENTICATED in facts:
        assert found <= {"bind", "compression"}
    if Fact.BOUND in facts:
        assert not found & {"bind", "compression"}
    if Fact.COMPRESSED in facts or Fact.COMPRESSION not in facts:
        assert "compression" not in found
    if Fact.SECURE not in facts:
        assert "channel-binding" not in found
    if Fact.REGISTRATION not in facts:
        assert "register" not in found
    if Fact.LEGACY_AUTH not in facts:
        assert "auth" not in found


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Fact.TLS_AVAILABLE, {"starttls"}),
        (Fact.TLS_AVAILABLE | Fact.MAY_AUTHENTICATE, {"starttls", "mechanisms"}),
        (Fact.SECURE | Fact.MAY_AUTHENTICATE, {"mechanisms", "channel-binding"}),
        (Fact.AUTHENTICATED | Fact.MAY_AUTHENTICATE | Fact.SECURE, {"bind"}),
        (
            Fact.AUTHENTICATED | Fact.COMPRESSION | Fact.SECURE,
            {"bind", "compression"},
        ),
        (Fact.AUTHENTICATED | Fact.BOUND, set()),
        (
            Fact.MAY_AUTHENTICATE | Fact.REGISTRATION | Fact.LEGACY_AUTH,
            {"mechanisms", "register", "auth"},
        ),
    ],
)
def test_the_usual_combinations(facts: Fact, expected: set[str]) -> None:
    assert names(facts) == expected


def test_order_is_kept_and_modules_come_behind() -> None:
    own = Feature("rose", Fact(0), Fact(0), lambda stream: Tag("rose", ns="urn:rose"))
    policy = POLICY._replace(features=(*FEATURES, own))
    assert offered(Client(policy).send(HEADER)) == ["starttls", "rose"]


def test_a_feature_with_nothing_to_say_is_left_out() -> None:
    none = Feature("none", Fact(0), Fact(0), lambda stream: None)
    assert offered(Client(POLICY._replace(features=(none,))).send(HEADER)) == []


def element(client: Client, header: bytes, name: str) -> bytes:
    """The content of the one feature `name`."""
    for frame in frames(sent(client.send(header))):
        if getattr(frame, "name", "") == f"{ns.STREAM} features":
            for child in frame.element:
                if child.tag.endswith("}" + name):
                    return b" ".join(c.tag.rpartition("}")[2].encode() for c in child)
    raise AssertionError(f"{name} is not offered")


def test_tls_is_marked_as_required_where_it_is() -> None:
    """RFC 6120 §5.4.1."""
    assert element(Client(), HEADER, "starttls") == b"required"
    assert element(Client(POLICY._replace(tls_required=False)), HEADER, "starttls") == b""


def test_where_tls_is_required_and_not_to_be_had_nothing_is_offered() -> None:
    assert offered(Client(tls=False).send(HEADER)) == []


def test_no_list_of_mechanisms_without_a_mechanism() -> None:
    """RFC 6120 appendix A.4: it has at least one."""
    policy = POLICY._replace(mechanisms=("PLAIN",), tls_required=False)
    assert offered(Client(policy).send(HEADER)) == ["starttls"]
    assert offered(Client(policy, secure=True).send(HEADER)) == ["mechanisms"]


def test_a_domain_for_guests_offers_nothing_else() -> None:
    policy = POLICY._replace(anonymous=("mantua.lit",))
    for domain, expected in (
        (b"mantua.lit", ["ANONYMOUS"]),
        (b"verona.lit", ["SCRAM-SHA-1", "PLAIN"]),
    ):
        client = Client(policy, secure=True)
        client.send(HEADER.replace(b"verona.lit", domain))
        assert [m.name for m in client.stream.mechanisms()] == expected


def test_where_nobody_has_an_account_nobody_is_asked_to_make_or_use_one() -> None:
    policy = POLICY._replace(
        anonymous=("mantua.lit",), switches=Fact.REGISTRATION | Fact.LEGACY_AUTH
    )
    client = Client(policy, secure=True)
    assert offered(client.send(HEADER)) == ["mechanisms", "auth", "register"]
    client = Client(policy, secure=True)
    assert offered(client.send(HEADER.replace(b"verona.lit", b"mantua.lit"))) == ["mechanisms"]


def test_an_email_address_in_a_certificate_counts_where_it_is_configured_to() -> None:
    """XEP-0178 §2, point 11c."""
    facts = TLSFacts({}, (("rfc822Name", "romeo@verona.lit"),))
    for counts in (False, True):
        policy = POLICY._replace(mechanisms=("EXTERNAL",), email_certificates=counts)
        client = Client(policy)
        client.stream.secured(lambda: facts)
        client.send(HEADER, auth("EXTERNAL", "="))
        assert client.stream.jid == ("romeo@verona.lit" if counts else None)


def test_the_steps_of_a_whole_negotiation() -> None:
    client = Client(POLICY._replace(switches=Fact.COMPRESSION | Fact.REGISTRATION))
    assert offered(client.send(HEADER)) == ["starttls"]
    assert offered(client.send(STARTTLS, HEADER)) == ["mechanisms", "register"]
    assert offered(client.send(plain(), HEADER)) == ["compression", "bind"]
    client.send(bind())
    assert client.stream.facts & Fact.BOUND
