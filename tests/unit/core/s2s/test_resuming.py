"""Streams that are lost and go on by another connection, both ends in memory (XEP-0198 §5)."""

from __future__ import annotations

from typing import Any

from tests.support.federated import Town, Web
from tests.support.server import Client
from xmppd import ns
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

CAPULET, MONTAGUE, HALLS = "capulet.lit", "montague.lit", "halls.montague.lit"
ONE_WAY: dict[str, Any] = {"bidirectional": False}


def chat(body: str, to: str = "romeo@montague.lit") -> str:
    return f"<message to='{to}' type='chat'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


def notice(town: Town) -> None:
    """A server notices that the connection is gone by which it sends, and the other does not."""
    (connection,) = [each for each in town.remotes.connections if not each.incoming]
    wire: Any = connection.wire
    wire.gone = True
    connection.lost()
    town.web.settle()


def test_a_stream_whose_end_the_peer_has_not_heard_of_goes_on_whole() -> None:
    """What came on it after that was acknowledged, and thrown away."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=ONE_WAY), web.town(MONTAGUE, s2s=ONE_WAY)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = mantua.remotes.connections
    connection.close()
    web.way.clear()  # neither its last words nor the end of the stream arrive
    notice(verona)
    juliet.send(chat("two"))
    web.advance(1)
    assert bodies(romeo) == ["one", "two"]
    assert len(mantua.remotes.connections) == 1


def test_what_is_not_in_safe_hands_yet_may_be_gone_on_with_by_a_third_connection() -> None:
    """The first that waited for it took with it how much was handled."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=ONE_WAY), web.town(MONTAGUE, HALLS, s2s=ONE_WAY)
    juliet = verona.log_in("juliet")
    came: list[Claim] = []

    def keep(stanza: Stanza) -> None:
        assert stanza.claim is not None
        stanza.claim.hold()
        came.append(stanza.claim)

    mantua.host.router.routes[HALLS] = keep
    juliet.send(chat("one", f"friar@{HALLS}"))
    web.advance(1)
    for _ in range(3):
        notice(verona)
        web.advance(10)
    assert len(came) == 1
    came.pop().let_go()
    web.advance(1)
    assert came == [], "what had been handled was sent once more"
    juliet.send(chat("two", f"friar@{HALLS}"))
    web.advance(1)
    assert len(came) == 1
