"""What comes back as an error, and who is told of it."""

from __future__ import annotations

from components.common.stanza import Stanza
from components.muc.life.returns import Returns, passed_on
from xmppd import ns


def error(
    sender: str, to: str, id_: str, condition: str = "gone", more: str = "", type_: str = "cancel"
) -> Stanza:
    inner = f"<error type='{type_}'><{condition} xmlns='{ns.STANZA_ERRORS}'/>{more}</error>"
    attrs = {"from": sender, "to": to, "id": id_, "type": "error"}
    return Stanza("message", attrs, [f"{ns.COMPONENT} error"], inner.encode())


def test_of_so_many_messages_it_is_known_whom_they_came_from() -> None:
    returns, told = Returns(3), list[str]()
    for number in range(5):
        returns.expect("hall", ["nurse"], str(number), lambda error: told.append(error.condition))
    assert len(returns) == 3
    for number in range(5):
        returns.came_back(error("nurse", "hall", str(number)))
    assert told == ["gone"] * 3
    assert len(returns) == 0


def test_a_bare_address_answers_by_any_resource() -> None:
    returns, told = Returns(), list[str]()
    returns.expect("hall", ["nurse@capulet.lit"], "1", lambda error: told.append(error.condition))
    returns.came_back(error("nurse@capulet.lit/x", "hall", "1"))
    assert told == ["gone"]


def test_where_somebody_is_instead_is_not_passed_on() -> None:
    address = f"<gone xmlns='{ns.STANZA_ERRORS}'>xmpp:juliet@capulet.lit</gone>"
    stanza = error("a@b", "c@d", "1")
    stanza.inner = f"<error type='cancel'>{address}</error>".encode()
    assert (passed_on(stanza, hidden=True).condition, passed_on(stanza, hidden=True).payload) == (
        "gone",
        "",
    )


def test_an_error_that_is_none_is_one_all_the_same() -> None:
    stanza = Stanza("message", {"type": "error"}, [], b"")
    assert passed_on(stanza, hidden=True).condition == "undefined-condition"
    odd = error("a@b", "c@d", "1", type_="it&apos;s")
    assert passed_on(odd, hidden=True).type == "cancel"
    long = error("a@b", "c@d", "1", more=f"<x xmlns='urn:x'>{'x' * 5_000}</x>")
    assert passed_on(long, hidden=True).extra == b""


def test_what_people_read_is_passed_on_where_nobody_hides() -> None:
    text = f"<text xmlns='{ns.STANZA_ERRORS}'>nobody home</text>"
    stanza = error("a@b", "c@d", "1", more=text)
    assert passed_on(stanza, hidden=True).text == ""
    assert passed_on(stanza, hidden=False).text == "nobody home"
