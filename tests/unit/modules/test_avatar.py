"""Avatars in presence (XEP-0153), as a component tells of them (XEP-0398 §4)."""

from __future__ import annotations

import pytest

from tests.support.components import Component, table
from tests.support.faces import photos
from tests.support.people import JULIET, ROMEO, friends
from tests.support.server import DOMAIN, Client, Verona, condition

VCARD, OTHER = "vcard.capulet.lit", "other.capulet.lit"
HASH, NEW = "0123456789" * 4, "9876543210" * 4
X = "vcard-temp:x:update"
BALCONY = f"{JULIET}/balcony"
COMPONENTS = {VCARD: table(delegation={"vcard-temp": ()}), OTHER: table(delegation={"urn:x": ()})}


def update(hash_: str) -> str:
    return f"<x xmlns='{X}'><photo>{hash_}</photo></x>"


@pytest.fixture
def server() -> Verona:
    server = Verona(components=COMPONENTS)
    friends(server, JULIET, ROMEO)
    return server


@pytest.fixture
def component(server: Verona) -> Component:
    return Component(server, VCARD).log_in()


@pytest.fixture
def romeo(server: Verona) -> Client:
    return there(server, "romeo", "orchard")


def there(server: Verona, name: str, resource: str, presence: str = "<presence/>") -> Client:
    client = server.log_in(name, resource).send(presence)
    client.take()
    return client


def tell(component: Component, hash_: str, to: str = JULIET) -> str:
    """Tell of an avatar; the condition of the error, "" where it was taken."""
    return ask(component, update(hash_), to)


def ask(component: Component, payload: str, to: str = JULIET) -> str:
    component.take()
    component.send(f"<iq type='set' id='a' from='{component.domain}' to='{to}'>{payload}</iq>")
    (answer,) = [each for each in component.elements() if each.get("id") == "a"]
    assert answer.get("type") == ("error" if condition(answer) else "result")
    return condition(answer)


def seen(client: Client) -> list[str | None]:
    """Which photos juliet's presence names, as it came."""
    return [photo for sender, photo in photos(client.elements()) if sender == BALCONY]


# ---------------------------------------------------------------------- XEP-0398 §4


def test_presence_names_the_avatar_where_the_client_does_not(server, component, romeo):
    assert not tell(component, HASH)
    juliet = there(server, "juliet", "balcony")
    assert seen(romeo) == [HASH]
    juliet.send("<presence><show>away</show></presence>")
    assert seen(romeo) == [HASH]
    assert seen(juliet) == [HASH], "she sees herself as others do"


def test_so_does_presence_that_goes_to_one_address(server, component, romeo):
    tell(component, HASH)
    server.log_in("juliet", "balcony").send(f"<presence to='{romeo.jid}'/>")
    assert seen(romeo) == [HASH]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (f"<x xmlns='{X}'/>", HASH),
        (f"<x xmlns='{X}'><other xmlns='urn:x'/></x>", HASH),
        (f"<p:x xmlns:p='{X}'/>", HASH),
        (f"<x xmlns='{X}'/><x xmlns='{X}'/>", HASH),
        (f"<x xmlns='{X}'><photo/></x>", ""),
        (f"<x xmlns='{X}'><photo>{NEW}</photo></x>", NEW),
        (f"<x xmlns='{X}'><photo>{HASH.upper()}</photo></x>", HASH.upper()),
    ],
)
def test_who_names_one_or_none_is_left_alone_who_says_nothing_is_not(
    server, component, romeo, said, names
):
    tell(component, HASH)
    there(
        server,
        "juliet",
        "balcony",
        f"<presence><show>dnd</show>{said}<priority>3</priority></presence>",
    )
    (presence,) = romeo.elements()
    assert photos([presence]) == [(BALCONY, names)]
    children = [child.tag.rpartition("}")[2] for child in presence]
    assert sorted(children) == ["priority", "show", "x"], "the rest stays"


@pytest.mark.parametrize("type_", ["unavailable", "subscribe", "subscribed"])
def test_only_who_is_available_has_an_avatar(server, component, romeo, type_):
    tell(component, HASH)
    juliet = there(server, "juliet", "balcony")
    romeo.take()
    juliet.send(f"<presence type='{type_}' to='{ROMEO}'/>")
    assert b"photo" not in romeo.take()


def test_who_never_had_one_says_nothing_of_it(server, component, romeo):
    tell(component, HASH, ROMEO)
    there(server, "juliet", "balcony")
    assert seen(romeo) == [None]
    assert not tell(component, "")
    assert seen(romeo) == [], "no news"


# ---------------------------------------------------------------------- changes


def test_a_new_avatar_is_told_at_once_and_once(server, component, romeo):
    there(server, "juliet", "balcony", "<presence><show>away</show></presence>")
    romeo.take()
    for hash_ in (HASH, HASH, NEW, ""):
        tell(component, hash_)
    told = romeo.elements()
    assert photos(told) == [(BALCONY, HASH), (BALCONY, NEW), (BALCONY, "")]
    assert {each[0].text for each in told} == {"away"}


def test_who_had_one_says_from_then_on_that_there_is_none(server, component, romeo):
    tell(component, HASH)
    tell(component, "")
    there(server, "juliet", "balcony")
    assert seen(romeo) == [""]


def test_who_names_his_own_is_not_overruled_by_a_new_one(server, component, romeo):
    there(server, "juliet", "balcony", f"<presence>{update('')}</presence>")
    romeo.take()
    tell(component, HASH)
    assert seen(romeo) == []


def test_who_comes_later_is_told_of_the_newest(server, component):
    there(server, "juliet", "balcony")
    tell(component, HASH)
    tell(component, NEW)
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    assert seen(romeo) == [NEW]


def test_nobody_is_told_by_who_is_not_there(server, component, romeo):
    juliet = there(server, "juliet", "balcony")
    juliet.send("<presence type='unavailable'/>")
    romeo.take()
    tell(component, HASH)
    assert seen(romeo) == []
    juliet.send("<presence/>")
    assert seen(romeo) == [HASH]


def test_capitals_make_no_other_hash(server, component, romeo):
    tell(component, "abcdef0123" * 4)
    there(server, "juliet", "balcony")
    assert seen(romeo) == ["abcdef0123" * 4]
    tell(component, "ABCDEF0123" * 4)
    assert seen(romeo) == []


def test_it_survives_a_restart(server, component):
    tell(component, HASH)
    again = Verona(components=COMPONENTS, after=server)
    romeo = there(again, "romeo", "orchard")
    there(again, "juliet", "balcony")
    assert seen(romeo) == [HASH]


def test_it_is_known_of_who_is_not_in_memory(server, component, romeo):
    server.host.residents.forget(JULIET)
    tell(component, HASH)
    server.host.residents.forget(JULIET)
    there(server, "juliet", "balcony")
    assert seen(romeo) == [HASH]


# ---------------------------------------------------------------------- who may tell


def test_other_components_and_users_may_not_tell(server, component, romeo):
    other = Component(server, OTHER).log_in()
    assert tell(other, HASH) == "service-unavailable"
    juliet = server.log_in("juliet", "balcony")
    for client in (juliet, romeo):
        answer = client.ask(update(HASH), "set", to=JULIET)
        assert condition(answer) == "service-unavailable"
    juliet.send("<presence/>")
    assert seen(romeo) == [None]


def test_what_was_granted_may_be_taken_back(server, component, romeo):
    server.reload(components={VCARD: table(delegation={})})
    assert tell(component, HASH) == "service-unavailable"


def test_strangers_cant_tell_whether_there_is_an_account(server):
    romeo = server.log_in("romeo", "orchard")
    answers = [romeo.ask(update(HASH), "set", to=f"{who}@{DOMAIN}") for who in ("juliet", "nobody")]
    assert {condition(answer) for answer in answers} == {"service-unavailable"}


def test_the_component_learns_that_there_is_no_account(component):
    assert tell(component, HASH, f"nobody@{DOMAIN}") == "item-not-found"


def test_guests_have_none():
    masks = f"masks.{DOMAIN}"
    server = Verona(
        components=COMPONENTS, server={"domains": [DOMAIN, masks]}, auth={"anonymous": [masks]}
    )
    guest = server.connect().open(masks)
    guest.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>")
    jid = guest.open(masks).bind().findtext(".//{*}jid")
    component = Component(server, VCARD).log_in()
    assert tell(component, HASH, jid.partition("/")[0]) == "item-not-found"


@pytest.mark.parametrize(
    "payload",
    [
        f"<x xmlns='{X}'/>",
        f"<x xmlns='{X}'><photo>{HASH[:-1]}</photo></x>",
        f"<x xmlns='{X}'><photo>{HASH}0</photo></x>",
        f"<x xmlns='{X}'><photo>{'g' * 40}</photo></x>",
        f"<x xmlns='{X}'><photo>&lt;b/&gt;{HASH[5:]}</photo></x>",
        f"<x xmlns='{X}'><photo xmlns='urn:x'>{HASH}</photo></x>",
    ],
)
def test_what_is_no_hash_is_refused(server, component, romeo, payload):
    assert ask(component, payload) == "bad-request"
    there(server, "juliet", "balcony")
    assert seen(romeo) == [None]
