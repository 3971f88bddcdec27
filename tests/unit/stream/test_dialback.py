"""Keys and elements of server dialback (XEP-0220, XEP-0185)."""

from __future__ import annotations

import pytest

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream import dialback
from xmppd.stream.dialback import Dialback
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza

SECRET = dialback.secret_key("s3cr3tf0rd14lb4ck")
KEY = "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3"
TRIPLE = ("montague.example", "capulet.example", "D60000229F")


def nonza(text: str | bytes, declared: str = f"xmlns:db='{ns.DIALBACK}'") -> Nonza:
    framer = Framer(Limits(), content=ns.SERVER)
    head = f"<stream:stream xmlns='{ns.SERVER}' xmlns:stream='{ns.STREAM}' {declared}>"
    data = text.encode() if isinstance(text, str) else text
    frames = framer.feed(head.encode() + data)
    assert isinstance(frames[1], Nonza), frames
    return frames[1]


def read(text: str | bytes) -> Dialback:
    return dialback.read(nonza(text))


# ---------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "secret, triple, key",
    [
        ("s3cr3tf0rd14lb4ck", TRIPLE, KEY),
        (
            "d14lb4ck43v3r",
            ("capulet.example", "montague.example", "417GAF25"),
            "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d",
        ),
        (
            "s3cr3tf0rd14lb4ck",
            ("xmpp.example.com", "example.org", "D60000229F"),
            "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643",
        ),
    ],
)
def test_keys_are_those_of_the_examples_xep0185_3_xep0220_2(
    secret: str, triple: tuple[str, str, str], key: str
) -> None:
    made = dialback.secret_key(secret)
    assert dialback.make_key(made, *triple) == key
    assert dialback.is_key(made, key, *triple)


@pytest.mark.parametrize("place", range(3))
def test_a_key_is_good_for_one_pair_and_one_stream_only_xep0185_2(place: int) -> None:
    triple = list(TRIPLE)
    triple[place] = "verona.example"
    assert not dialback.is_key(SECRET, KEY, triple[0], triple[1], triple[2])


@pytest.mark.parametrize(
    "said", ["", KEY[:-1], KEY + "0", KEY.upper(), "\N{GREEK SMALL LETTER XI}"]
)
def test_anything_else_is_no_key(said: str) -> None:
    assert not dialback.is_key(SECRET, said, *TRIPLE)


def test_the_secret_of_another_server_makes_other_keys() -> None:
    assert not dialback.is_key(dialback.secret_key("d14lb4ck43v3r"), KEY, *TRIPLE)


def test_an_id_with_spaces_takes_no_domain_from_another_triple() -> None:
    """The id is the peer's own, spaces included; domains have none."""
    made = dialback.make_key(SECRET, "a.lit", "b.lit", "c.lit d")
    assert not dialback.is_key(SECRET, made, "b.lit", "c.lit", "d")


# ---------------------------------------------------------------------- read

WRITTEN = {
    "a request": (
        dialback.request("capulet.lit", "montague.lit", KEY),
        Dialback("capulet.lit", "montague.lit", "", KEY),
    ),
    "a result": (
        dialback.result("montague.lit", "capulet.lit", "valid"),
        Dialback("montague.lit", "capulet.lit", "valid"),
    ),
    "an error": (
        dialback.result("montague.lit", "capulet.lit", "error", "item-not-found"),
        Dialback("montague.lit", "capulet.lit", "error", condition="item-not-found"),
    ),
    "a question": (
        dialback.ask("capulet.lit", "montague.lit", "x' <&1", KEY),
        Dialback("capulet.lit", "montague.lit", "", KEY, stream_id="x' <&1"),
    ),
    "its answer": (
        dialback.word("montague.lit", "capulet.lit", "1", "invalid"),
        Dialback("montague.lit", "capulet.lit", "invalid", stream_id="1"),
    ),
    "no answer": (
        dialback.word("montague.lit", "capulet.lit", "1", "error", "policy-violation"),
        Dialback("montague.lit", "capulet.lit", "error", "", "policy-violation", "1"),
    ),
}


@pytest.mark.parametrize("written, expected", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_written_is_read_by_the_other_end(written: bytes, expected: Dialback) -> None:
    assert read(written) == expected


def test_the_prefix_is_any_that_the_header_declares_xep0220_2() -> None:
    element = f"<back:result from='a.lit' to='b.lit'>{KEY}</back:result>"
    found = nonza(element, f"xmlns:back='{ns.DIALBACK}'")
    assert found.name == dialback.RESULT
    assert dialback.read(found).key == KEY


def test_the_element_may_declare_its_namespace_itself() -> None:
    element = f"<result xmlns='{ns.DIALBACK}' from='a.lit' to='b.lit'>{KEY}</result>"
    assert dialback.read(nonza(element, "")).key == KEY


def test_space_around_a_key_is_none_of_it_xep0220_2_1_1() -> None:
    """As in the examples, which are indented."""
    assert read(f"<db:result from='a.lit' to='b.lit'>\n  {KEY}\n</db:result>").key == KEY


def test_domains_are_prepared() -> None:
    said = read("<db:result from='MONTAGUE.lit' to='capulet.LIT.' type='valid'/>")
    assert (said.remote, said.local) == ("montague.lit", "capulet.lit")


@pytest.mark.parametrize("error", ["", "<error/>", "<error><text/></error>"])
def test_an_error_without_a_condition_has_none(error: str) -> None:
    said = read(f"<db:result from='a.lit' to='b.lit' type='error'>{error}</db:result>")
    assert (said.outcome, said.condition) == ("error", "")


def test_a_condition_has_a_bound() -> None:
    element = f"<error><{'x' * 5_000} xmlns='{ns.STANZA_ERRORS}'/></error>"
    said = read(f"<db:result from='a.lit' to='b.lit' type='error'>{element}</db:result>")
    assert len(said.condition) == 64


MALFORMED = {
    "no from": ("<db:result to='b.lit'>k</db:result>", "improper-addressing"),
    "no to": ("<db:result from='a.lit'>k</db:result>", "improper-addressing"),
    "an empty from": ("<db:result from='' to='b.lit'>k</db:result>", "improper-addressing"),
    "no domain": ("<db:result from='a b' to='b.lit'>k</db:result>", "improper-addressing"),
    "an account": ("<db:result from='r@a.lit' to='b.lit'>k</db:result>", "improper-addressing"),
    "a resource": ("<db:verify from='a.lit' to='b.lit/x'>k</db:verify>", "improper-addressing"),
    "no key": ("<db:result from='a.lit' to='b.lit'/>", "bad-format"),
    "a key of space": ("<db:result from='a.lit' to='b.lit'>\n </db:result>", "bad-format"),
    "too long a key": (
        f"<db:result from='a.lit' to='b.lit'>{'k' * 256}</db:result>",
        "bad-format",
    ),
    "an unknown type": ("<db:result from='a.lit' to='b.lit' type='Valid'/>", "bad-format"),
    "a question without id": ("<db:verify from='a.lit' to='b.lit'>k</db:verify>", "bad-format"),
    "too long an id": (
        f"<db:verify from='a.lit' to='b.lit' id='{'i' * 256}'>k</db:verify>",
        "bad-format",
    ),
}


@pytest.mark.parametrize("element, condition", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_ends_the_stream(element: str, condition: str) -> None:
    with pytest.raises(StreamError) as caught:
        read(element)
    assert caught.value.condition == condition
