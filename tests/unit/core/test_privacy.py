"""Privacy lists as values, against a naive reading of XEP-0016 §2.1 and §2.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sessions import read
from xmppd.core import privacy
from xmppd.core.privacy import ALL, IQ, KINDS, MESSAGE, OTHER, PRESENCE_IN, PRESENCE_OUT
from xmppd.core.roster import Roster
from xmppd.jid import JID
from xmppd.storage.privacy import PrivacyItem
from xmppd.storage.rosters import RosterItem, StoredRoster
from xmppd.subscription import BOTH, FROM, IN, LISTED, OUT, TO

ADDRESSES = [
    "romeo@montague.lit/orchard",
    "romeo@montague.lit/street",
    "romeo@montague.lit",
    "montague.lit/orchard",
    "montague.lit",
    "benvolio@montague.lit",
    "tybalt@capulet.lit",
    "capulet.lit",
]
GROUPS = ["Enemies", "Friends", "enemies"]
CONTACTS = ["romeo@montague.lit", "benvolio@montague.lit", "montague.lit", "tybalt@capulet.lit"]
MEANINGS = {"none": 0, "to": TO, "from": FROM, "both": BOTH}


@st.composite
def items(draw):
    type_ = draw(st.sampled_from(["", "jid", "group", "subscription"]))
    values = {"": [""], "jid": ADDRESSES, "group": GROUPS, "subscription": list(MEANINGS)}
    kinds = draw(st.one_of(st.just(ALL), st.integers(1, OTHER - 1)))
    order = draw(st.one_of(st.integers(0, 9), st.integers(0, 2**32 - 1)))
    value = draw(st.sampled_from(values[type_]))
    return PrivacyItem(order, draw(st.booleans()), kinds, type_, value)


lists = st.lists(items(), max_size=8, unique_by=lambda item: item.order)
states = st.sampled_from([0, TO, FROM, BOTH]).flatmap(
    lambda bits: st.sampled_from([bits | LISTED, bits | LISTED | OUT, bits | IN])
)
rosters = st.dictionaries(
    st.sampled_from(CONTACTS),
    st.tuples(states, st.lists(st.sampled_from(GROUPS), unique=True, max_size=2)),
).map(
    lambda contacts: {
        JID.parse(c): RosterItem(JID.parse(c), state, groups=tuple(groups))
        for c, (state, groups) in contacts.items()
    }
)


def matches(item, peer, contacts):
    """XEP-0016 §2.1, word by word."""
    contact = contacts.get(peer.bare)
    if item.type == "jid":
        named = JID.parse(item.value)
        if named.resource:
            return peer == named
        if named.local:
            return peer.bare == named
        return peer.domain == named.domain
    if item.type == "group":
        return contact is not None and item.value in contact.groups
    if item.type == "subscription":
        state = 0 if contact is None else contact.state
        return state & BOTH == MEANINGS[item.value]
    return True


@given(lists, rosters, st.sampled_from(ADDRESSES), st.sampled_from(KINDS))
def test_xep_0016_2_2_the_first_rule_that_matches_decides(rules, contacts, address, kind):
    peer, roster = JID.parse(address), Roster(StoredRoster(1, contacts))
    expected = True
    for item in sorted(rules, key=lambda item: item.order):
        if item.kinds & kind and matches(item, peer, contacts):
            expected = not item.deny
            break
    asked = privacy.PrivacyList("public", rules)
    assert asked.permits(kind, peer, roster) is expected
    assert asked.permits(kind, peer, roster) is expected, "compiled by now"


@pytest.mark.parametrize("kind", KINDS)
def test_xep_0016_2_2_rule_7_what_nothing_matches_passes(kind):
    empty = privacy.PrivacyList("public", ())
    assert empty.permits(kind, JID.parse(ADDRESSES[0]), Roster())


def test_xep_0016_2_2_rule_9_the_roster_counts_as_it_stands():
    asked = privacy.PrivacyList("public", [PrivacyItem(1, True, ALL, "group", "Enemies")])
    tybalt, roster = JID.parse("tybalt@capulet.lit/sword"), Roster()
    assert asked.permits(MESSAGE, tybalt, roster)
    roster.put(RosterItem(tybalt.bare, LISTED, groups=("Enemies",), version=1))
    assert not asked.permits(MESSAGE, tybalt, roster)


def test_xep_0016_2_1_an_address_of_a_domain_is_no_resource_of_its_users():
    asked = privacy.PrivacyList("p", [PrivacyItem(1, True, ALL, "jid", "montague.lit/orchard")])
    assert not asked.permits(IQ, JID.parse("montague.lit/orchard"), Roster())
    assert asked.permits(IQ, JID.parse("romeo@montague.lit/orchard"), Roster())
    assert asked.permits(IQ, JID.parse("montague.lit"), Roster())


@pytest.mark.parametrize(
    ("text", "comes_in", "goes_out"),
    [
        ("<message/>", MESSAGE, OTHER),
        ("<message type='error'/>", MESSAGE, OTHER),
        ("<iq type='get' id='1'><x xmlns='y'/></iq>", IQ, OTHER),
        ("<iq type='result' id='1'/>", IQ, OTHER),
        ("<presence/>", PRESENCE_IN, PRESENCE_OUT),
        ("<presence type='unavailable'/>", PRESENCE_IN, PRESENCE_OUT),
        *(
            (f"<presence type='{kind}'/>", OTHER, OTHER)
            for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error")
        ),
    ],
)
def test_xep_0016_2_1_kinds_of_stanzas(text, comes_in, goes_out):
    stanza = read(text)
    assert (privacy.inbound(stanza), privacy.outbound(stanza)) == (comes_in, goes_out)


def test_xep_0191_5_what_is_blocked_is_denied_altogether_and_by_jid():
    block = PrivacyItem(2, True, ALL, "jid", "tybalt@capulet.lit")
    others = [
        PrivacyItem(1, False, ALL, "jid", "romeo@montague.lit"),
        PrivacyItem(3, True, MESSAGE, "jid", "benvolio@montague.lit"),
        PrivacyItem(4, True, ALL, "group", "Enemies"),
        PrivacyItem(5, True, ALL),
    ]
    asked = privacy.PrivacyList("public", [*others, block])
    assert list(asked.blocked) == ["tybalt@capulet.lit"]
    assert asked.blocks(JID.parse("tybalt@capulet.lit/sword"))
    assert not asked.blocks(JID.parse("benvolio@montague.lit"))
