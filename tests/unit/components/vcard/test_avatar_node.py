"""Avatars of vCards in PEP, and those of PEP in vCards (XEP-0398, XEP-0084)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring, tostring

import pytest

from components.vcard import avatar, leftovers, publishing
from tests.support.components import Component, table
from tests.support.faces import Faces, T, be_away, come_back, pass_time, photos
from tests.support.meeting import VCARD
from tests.support.people import JULIET, ROMEO, friends
from tests.support.pep import E
from tests.support.server import DOMAIN, condition
from tests.support.vcards import photo, picture, png
from xmppd import ns
from xmppd.jid import JID

DATA, METADATA = "urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata"
BALCONY = f"{JULIET}/balcony"
CONVERSION = "urn:xmpp:pep-vcard-conversion:0"
IMAGE, OTHER = photo(), photo(b"other")
HERS, NEW = picture(), picture(png(filling=b"other"))
MOON = "moon.lit"


@pytest.fixture
def faces():
    faces = Faces(pep=True, others={MOON: table()}, vcard4_node=False).start()
    friends(faces.server, JULIET, ROMEO)
    return faces


def in_vcard(faces, client):
    """The base64 of the photo in her vCard."""
    return faces.get(client, JULIET).findtext(f"{T}vCard/{T}PHOTO/{T}BINVAL")


def seen(client):
    return [named for sender, named in photos(client.elements()) if sender == BALCONY]


def put(faces, image, access="open"):
    """Have juliet's own client publish an image by PEP (XEP-0084 §3)."""
    pep = faces.pep
    for node in (DATA, METADATA):
        pep.make(JULIET, node, access)
    pep.nodes[JULIET, DATA][1][image.hash] = parsed(avatar.data(image))
    pep.nodes[JULIET, METADATA][1][image.hash] = parsed(avatar.metadata(image))
    tell(faces, image.hash, avatar.metadata(image).render().decode())


def tell(faces, item, payload):
    faces.pep.tell(JULIET, METADATA, item, payload)
    faces.pump()


def parsed(tag):
    return fromstring(tag.render())


# ---------------------------------------------------------------------- §3.2 from the vCard


def test_3_2_a_photo_is_published_the_data_first_for_everybody(faces, juliet):
    faces.set(juliet, HERS)
    assert faces.pep.seen == [("set", DATA, IMAGE.hash), ("set", METADATA, IMAGE.hash)]
    assert {access for access, _ in faces.pep.nodes.values()} == {"open"}
    (published,) = faces.pep.items(JULIET, DATA).values()
    assert avatar.read(published, IMAGE.hash, 10_000) == IMAGE
    info = faces.pep.items(JULIET, METADATA)[IMAGE.hash][0]
    assert (info.get("type"), info.get("bytes")) == ("image/png", str(len(IMAGE.data)))


def test_3_2_what_is_no_new_photo_is_not_published(faces, juliet):
    faces.set(juliet, "<FN>Juliet</FN>")
    faces.set(juliet, HERS)
    faces.pep.seen.clear()
    faces.set(juliet, f"<FN>Jule</FN>{HERS}")
    assert faces.pep.seen == []


def test_3_2_what_comes_back_of_it_changes_nothing(faces, juliet, romeo):
    """No loop: it has the hash that the vCard has."""
    for inner in (HERS, NEW, HERS):
        faces.set(juliet, inner)
    assert seen(romeo) == [IMAGE.hash, OTHER.hash, IMAGE.hash]
    assert [what for what, *_ in faces.pep.seen] == ["set"] * 6, "and nothing was asked for"


def test_3_2_a_photo_that_goes_is_no_avatar_any_more(faces, juliet):
    """XEP-0084 §3.5."""
    faces.set(juliet, HERS)
    faces.set(juliet, "<FN>Juliet</FN>")
    (metadata,) = faces.pep.items(JULIET, METADATA).values()
    assert len(metadata) == 0
    assert in_vcard(faces, juliet) is None


def test_7_a_node_that_its_owner_has_made_for_friends_stays_so(faces, juliet):
    for node in (DATA, METADATA):
        faces.pep.make(JULIET, node, "presence")
    faces.set(juliet, HERS)
    assert [what for what, *_ in faces.pep.seen] == ["refused", "set", "refused", "set"]
    assert {access for access, _ in faces.pep.nodes.values()} == {"presence"}


def test_a_service_that_is_slow_keeps_nobody_waiting_and_gets_the_newest(faces, juliet):
    faces.pep.silent = True
    for inner in (HERS, "<FN>J</FN>", NEW):
        assert faces.set(juliet, inner).get("type") == "result"
    waiting = faces.component.requests
    assert len(waiting) == 1
    faces.server.clock.advance(61)
    faces.pump()
    faces.pep.silent = False
    faces.pump()
    faces.set(juliet, HERS)
    pass_time(faces, 30)
    assert faces.pep.items(JULIET, METADATA).keys() == {IMAGE.hash}
    assert len(waiting) == 0


def test_3_2_a_photo_that_is_set_while_the_service_is_away_is_published_later(faces, juliet):
    pass_time(faces, publishing.FIRST)
    be_away(faces)
    for inner in (HERS, NEW):
        faces.set(juliet, inner)
    come_back(faces)
    pass_time(faces, leftovers.AGAIN)
    assert [what for what, *_ in faces.pep.seen] == ["set", "set"]
    assert faces.pep.items(JULIET, METADATA).keys() == {OTHER.hash}
    pass_time(faces, leftovers.AGAIN)
    assert len(faces.pep.seen) == 2, "and once"


def test_3_2_no_more_is_published_than_the_photo_that_is_there_by_then(faces, juliet):
    pass_time(faces, publishing.FIRST)
    be_away(faces)
    for inner in (HERS, "<FN>Juliet</FN>"):
        faces.set(juliet, inner)
    come_back(faces)
    pass_time(faces, leftovers.AGAIN)
    (metadata,) = faces.pep.items(JULIET, METADATA).values()
    assert len(metadata) == 0


def test_3_1_what_is_published_while_a_photo_is_being_published_is_what_holds(
    faces, juliet, romeo, monkeypatch
):
    publish = faces.pep._publish

    def and_then(owner, sender, request, element):
        answer = publish(owner, sender, request, element)
        if element.get("node") == METADATA:
            monkeypatch.undo()
            put(faces, OTHER)
        return answer

    monkeypatch.setattr(faces.pep, "_publish", and_then)
    faces.set(juliet, HERS)
    assert seen(romeo) == [IMAGE.hash, OTHER.hash]


def test_3_2_what_was_set_last_is_what_holds(faces, juliet, romeo):
    """What comes back of the one before it is older."""
    faces.pep.slow = True
    for inner in (HERS, NEW):
        faces.set(juliet, inner)
    faces.pep.slow = False
    faces.pump()
    assert seen(romeo) == [IMAGE.hash, OTHER.hash]
    assert list(faces.pep.items(JULIET, METADATA)) == [OTHER.hash]
    assert ("get", DATA, IMAGE.hash) not in faces.pep.seen


# ---------------------------------------------------------------------- §3.1 from PEP


def test_an_avatar_that_is_on_its_way_when_its_owner_is_removed_gets_into_no_vcard(
    faces, juliet, monkeypatch
):
    """Who takes the name next has none of it."""
    with monkeypatch.context() as patch:
        patch.setattr(faces.pep, "react", lambda: False)
        put(faces, IMAGE)
        removing = faces.server.host.administrator.remove(JID.parse(JULIET))
        faces.pump()
    faces.pump()
    faces.server.done(removing)
    assert faces.pep.seen == [("get", DATA, IMAGE.hash)]
    faces.server.account("juliet")
    again = faces.log_in("juliet", "balcony")
    assert in_vcard(faces, again) is None
    put(faces, OTHER)
    assert in_vcard(faces, again) is not None


def test_3_1_what_is_published_becomes_the_photo_and_is_in_presence(faces, juliet, romeo):
    faces.set(juliet, "<FN>Juliet</FN>")
    put(faces, IMAGE)
    assert seen(romeo) == [IMAGE.hash]
    got = faces.get(romeo, JULIET)
    assert got.findtext(f"{T}vCard/{T}FN") == "Juliet"
    assert in_vcard(faces, romeo) is not None
    assert not [each for each in faces.pep.seen if each[0] == "set"], "it is there already"


def test_3_1_of_several_images_it_is_the_one_that_is_here(faces, juliet, romeo):
    put(faces, IMAGE)
    metadata = parsed(avatar.metadata(OTHER))
    metadata.insert(0, fromstring(f"<info xmlns='{METADATA}' id='{'0' * 40}' url='http://x/'/>"))
    faces.pep.nodes[JULIET, DATA][1][OTHER.hash] = parsed(avatar.data(OTHER))
    tell(faces, OTHER.hash, tostring(metadata, "unicode"))
    assert seen(romeo) == [IMAGE.hash, OTHER.hash]


def test_3_1_no_avatar_is_no_photo(faces, juliet, romeo):
    faces.set(juliet, f"<FN>Juliet</FN>{HERS}")
    tell(faces, "x", avatar.metadata(None).render().decode())
    assert seen(romeo) == [IMAGE.hash, ""]
    assert in_vcard(faces, romeo) is None


GONE = ("items", "purge", "delete", "configuration")


@pytest.mark.parametrize("kind", GONE)
def test_3_1_an_avatar_that_is_deleted_is_no_photo(faces, juliet, romeo, kind):
    """Some clients take an avatar away with its node, or show it to their friends only (§7)."""
    put(faces, IMAGE)
    if kind == "configuration":
        faces.pep.close(JULIET, METADATA)
    elif kind == "delete":
        del faces.pep.nodes[JULIET, METADATA]
    else:
        faces.pep.items(JULIET, METADATA).clear()
    happen(faces, kind)
    assert seen(romeo) == [IMAGE.hash, ""]
    assert in_vcard(faces, romeo) is None


def test_a_node_that_is_set_up_before_anything_is_in_it_says_nothing(faces, juliet, romeo):
    faces.set(juliet, HERS)
    faces.pep.make(JULIET, METADATA, "open")
    happen(faces, "configuration")
    assert seen(romeo) == [IMAGE.hash]


def test_3_1_an_event_without_payload_has_the_node_read(faces, juliet, romeo):
    """XEP-0060 §7.1.2.2."""
    put(faces, IMAGE)
    for node, payload in ((DATA, avatar.data(OTHER)), (METADATA, avatar.metadata(OTHER))):
        faces.pep.nodes[JULIET, node][1][OTHER.hash] = parsed(payload)
    tell(faces, OTHER.hash, "")
    assert seen(romeo) == [IMAGE.hash, OTHER.hash]


@pytest.mark.parametrize("kind", GONE)
def test_while_the_service_has_no_time_nothing_is_gone(faces, juliet, romeo, kind):
    put(faces, IMAGE)
    faces.pep.busy = True
    happen(faces, kind)
    assert seen(romeo) == [IMAGE.hash]


def test_who_is_removed_has_nothing_left_though_something_was_on_its_way(faces, juliet):
    faces.pep.slow = True
    put(faces, IMAGE)
    removing = faces.server.host.administrator.remove(JID.parse(JULIET))
    faces.pump()
    faces.pep.slow = False
    faces.pump()
    faces.server.done(removing)
    assert faces.server.done(faces.vcards.get(JID.parse(JULIET))) is None


def happen(faces, kind):
    inner = "<retract id='x'/>" if kind == "items" else ""
    faces.pep.tell_of(JULIET, f"<{kind} node='{METADATA}'>{inner}</{kind}>")
    faces.pump()


@pytest.mark.parametrize("access", ["presence", "whitelist"])
def test_7_what_is_not_for_everybody_does_not_become_a_vcard(faces, juliet, romeo, access):
    faces.set(juliet, HERS)
    put(faces, OTHER, access)
    assert seen(romeo) == [IMAGE.hash]


def test_3_1_an_image_that_has_another_hash_is_not_taken(faces, juliet, romeo):
    put(faces, IMAGE)
    romeo.take()
    faces.pep.nodes[JULIET, DATA][1][OTHER.hash] = parsed(avatar.data(IMAGE))
    tell(faces, OTHER.hash, avatar.metadata(OTHER).render().decode())
    assert seen(romeo) == []
    assert in_vcard(faces, romeo) is not None


@pytest.mark.parametrize(
    "payload",
    [
        "<metadata xmlns='urn:x'/>",
        f"<metadata xmlns='{METADATA}'><info id='../..'/></metadata>",
        f"<metadata xmlns='{METADATA}'><info id='{'0' * 40}'/></metadata>",
        "",
    ],
)
def test_what_is_no_avatar_changes_nothing(faces, juliet, romeo, payload):
    faces.set(juliet, HERS)
    tell(faces, "x", payload)
    assert seen(romeo) == [IMAGE.hash]


def test_nobody_but_the_account_itself_tells_of_its_avatar(faces, juliet, romeo):
    """A client speaks as a full JID, a stranger from elsewhere."""
    faces.set(juliet, HERS)
    event = (
        f"<event xmlns='{E}'><items node='{METADATA}'><item id='x'>"
        f"<metadata xmlns='{METADATA}'/></item></items></event>"
    )
    juliet.take()
    for client in (romeo, juliet):
        client.send(f"<message to='{VCARD}' type='headline'>{event}</message>")
        faces.pump()
        assert "forbidden" in {condition(each) for each in client.elements()}
    moon = Component(faces.server, MOON).log_in()
    for sender in (f"man@{MOON}", MOON):
        moon.send(f"<message from='{sender}' to='{VCARD}' type='headline'>{event}</message>")
        faces.pump()
        assert condition(moon.one()) == "forbidden"
    assert in_vcard(faces, romeo) is not None


def test_an_event_of_another_node_is_none_of_its_business(faces, juliet):
    faces.set(juliet, HERS)
    faces.pep.tell(JULIET, "urn:xmpp:vcard4", "x", f"<metadata xmlns='{METADATA}'/>")
    faces.pump()
    assert in_vcard(faces, juliet) is not None


# ---------------------------------------------------------------------- §2 discovery


def features(faces, client, to):
    (query,) = faces.ask(client, f"<query xmlns='{ns.DISCO_INFO}'/>", to=to)
    return {each.get("var") for each in query}


@pytest.mark.parametrize("pep", [True, False])
def test_2_accounts_say_that_they_convert_where_they_do(pep):
    faces = Faces(pep=pep).start()
    juliet = faces.log_in("juliet", "balcony")
    assert (CONVERSION in features(faces, juliet, JULIET)) is pep
    assert CONVERSION not in features(faces, juliet, DOMAIN)


def test_it_wants_to_be_told(faces, juliet):
    """XEP-0163 §4."""
    assert f"{METADATA}+notify" in features(faces, juliet, VCARD)


def test_without_the_grant_nothing_is_published_and_nothing_taken(romeo):
    faces = Faces().start()
    juliet = faces.log_in("juliet", "balcony")
    assert faces.set(juliet, HERS).get("type") == "result"
    assert len(faces.component.requests) == 0
