"""How much each user has under way at a time."""

from __future__ import annotations

import pytest

from components.muc.model.turns import Turns
from xmppd.errors import StanzaError
from xmppd.jid import JID

ROMEO, NURSE = JID.parse("romeo@capulet.lit"), JID.parse("nurse@capulet.lit")


def test_so_much_each_and_what_is_over_is_forgotten() -> None:
    turns = Turns(2)
    with turns.take(ROMEO), turns.take(ROMEO), turns.take(NURSE):
        assert len(turns) == 2
        with pytest.raises(StanzaError) as refused, turns.take(ROMEO):
            pass
        assert (refused.value.condition, refused.value.type) == ("resource-constraint", "wait")
    assert len(turns) == 0
    with turns.take(ROMEO):
        pass


def test_what_fails_is_over() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError, match="a rope"), turns.take(ROMEO):
        raise ValueError("a rope")
    assert len(turns) == 0
