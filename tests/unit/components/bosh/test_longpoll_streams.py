"""Several streams in one session (XEP-0124 §16)."""

from __future__ import annotations

import pytest

from tests.support.boshing import FEATURES, MESSAGE, Asker, Bosh, Exchange, Stream
from xmppd import ns

TWO = f"{{{ns.STREAM}}}features"


class Two(Asker):
    """A client with two streams, `first` and `second`; the names that it was told of them."""

    def __init__(self, bosh: Bosh) -> None:
        super().__init__(bosh)
        self.names = [self.log_in().attrs["stream"]]
        self.added = self.add()
        self.names.append(self.added.attrs["stream"])
        self.first, self.second = bosh.streams[0], bosh.streams[1]

    def add(self, to: str = "montague.lit") -> Exchange:
        return self.ask(to=to, **{"xml:lang": "it", "from": "juliet@montague.lit"})


@pytest.fixture
def two(bosh: Bosh) -> Two:
    return Two(bosh)


def test_a_session_tells_its_streams_name_xep0124_16_2(bosh: Bosh) -> None:
    names = {bosh.client().log_in().attrs["stream"] for _ in range(9)}
    assert len(names) == 9 and min(map(len, names)) >= 16


def test_a_stream_is_added_xep0124_16_3(bosh: Bosh, two: Two) -> None:
    assert not two.added.is_held and two.names[0] != two.names[1]
    assert "sid" not in two.added.attrs and "wait" not in two.added.attrs
    header = {"to": "montague.lit", "xml:lang": "it", "from": "juliet@montague.lit"}
    assert two.second.said == [("open", header)]
    assert two.second.to == "montague.lit"
    asked = two.ask()
    two.second.client.opened({"from": "montague.lit", "id": "b", "version": "1.0"})
    two.second.client.features(FEATURES)
    bosh.turn()
    assert asked.names == [TWO]
    assert (asked.attrs["stream"], asked.attrs["from"]) == (two.names[1], "montague.lit")


def test_the_answer_to_that_very_request_has_the_name_xep0124_16_3(bosh: Bosh) -> None:
    client = bosh.client()
    client.log_in()
    held = client.ask()
    added = client.ask(to="montague.lit")
    assert "stream" not in held.attrs and added.attrs["stream"]


def test_each_answer_is_of_one_stream_xep0124_16_4(bosh: Bosh, two: Two) -> None:
    two.first.client.elements([MESSAGE])
    two.first.client.elements([MESSAGE])
    two.second.client.elements([MESSAGE])
    two.first.client.elements([MESSAGE])
    bosh.turn()
    answers = [two.ask() for _ in range(3)]
    assert [each.attrs["stream"] for each in answers] == [
        two.names[0],
        two.names[1],
        two.names[0],
    ]
    assert [len(each.names) for each in answers] == [2, 1, 1]


def test_empty_answers_name_no_stream_xep0124_16_4(bosh: Bosh, two: Two) -> None:
    asked = two.ask()
    bosh.clock.advance(60)
    assert "stream" not in asked.attrs


def test_what_is_said_in_a_stream_is_said_there_xep0124_16_4(two: Two) -> None:
    two.ask("<message/>", stream=two.names[1])
    assert (two.first.texts, two.second.texts) == ([], ["<message/>"])


def test_what_is_said_in_none_is_said_in_all_xep0124_16_4(two: Two) -> None:
    two.ask("<presence/>")
    assert two.first.texts == two.second.texts == ["<presence/>"]


def test_a_stream_that_never_was_xep0124_16_4(bosh: Bosh, two: Two) -> None:
    assert two.ask("<message/>", stream="x").condition == "item-not-found"
    assert bosh.reasons == {"bosh.unknown-stream": 1}
    assert two.first.said[-1] == two.second.said[-1] == "lost"


def test_the_stream_of_an_empty_request_does_not_matter_xep0124_16_4(two: Two) -> None:
    assert two.ask(stream="x").is_held


def test_a_stream_is_closed_xep0124_16_5(bosh: Bosh, two: Two) -> None:
    held = two.ask()
    asked = two.ask("<presence type='unavailable'/>", type="terminate", stream=two.names[1])
    assert two.second.said[-2:] == ["<presence type='unavailable'/>", "close"]
    assert held.condition is None
    assert (asked.condition, asked.attrs["stream"]) == ("", two.names[1])
    assert not two.first.is_over and len(bosh.service) == 1
    # Who did not know of it yet is not blamed (§16.4).
    assert two.ask("<message/>", stream=two.names[1]).is_held


def test_the_last_stream_is_the_session_xep0124_16_5(bosh: Bosh, two: Two) -> None:
    two.ask(type="terminate", stream=two.names[0])
    asked = two.ask(type="terminate", stream=two.names[1])
    assert asked.condition == "" and "stream" not in asked.attrs
    assert two.first.said[-1] == two.second.said[-1] == "close"


def test_no_stream_is_all_streams_xep0124_16_5(two: Two) -> None:
    asked = two.ask("<presence type='unavailable'/>", type="terminate")
    for stream in (two.first, two.second):
        assert stream.said[-2:] == ["<presence type='unavailable'/>", "close"]
    assert asked.condition == "" and "stream" not in asked.attrs


def test_the_end_of_one_is_not_the_end_of_the_other_xep0124_16_6(bosh: Bosh, two: Two) -> None:
    asked = two.ask()
    two.second.client.lost()
    bosh.turn()
    assert (asked.condition, asked.attrs["stream"]) == ("remote-connection-failed", two.names[1])
    assert two.ask("<message/>").is_held and two.first.texts == ["<message/>"]


def test_the_end_of_the_last_is_the_end_xep0124_16_6(bosh: Bosh, two: Two) -> None:
    asked = two.ask()
    two.second.client.closed()
    bosh.turn()
    assert (asked.condition, asked.attrs["stream"]) == ("", two.names[1])
    asked = two.ask()
    two.first.client.failed(b"<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
    two.first.client.closed()
    bosh.turn()
    assert asked.condition == "remote-stream-error" and "stream" not in asked.attrs


def test_there_are_only_so_many_streams_xep0124_16_6(bosh: Bosh, two: Two) -> None:
    two.add()
    two.add()
    refused = two.add()
    assert refused.condition == "policy-violation"
    assert refused.attrs["stream"] not in two.names
    assert len(bosh.streams) == 4 and two.ask("<a/>").is_held
    assert bosh.reasons == {"bosh.streams": 1}


def test_one_stream_is_restarted_xep0206_5(two: Two) -> None:
    two.restart(stream=two.names[1])
    assert len(two.first.said) == 1
    assert two.second.said[1][0] == "open" and two.second.said[1][1]["to"] == "montague.lit"
    assert isinstance(two.first, Stream)
