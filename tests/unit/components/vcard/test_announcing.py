"""Photos made known to the server, and named in presence (XEP-0153, XEP-0398 §4)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import fail

from components.vcard import leftovers
from tests.support.faces import Faces, photos
from tests.support.people import JULIET, ROMEO, friends
from tests.support.vcards import photo, picture, png, vcard
from xmppd.errors import StoreError
from xmppd.jid import JID
from xmppd.storage.avatars import SQLAvatars

BALCONY = f"{JULIET}/balcony"
HERS = picture()
HASH = photo().hash
NEW = photo(b"new").hash


@pytest.fixture
def faces():
    faces = Faces().start()
    friends(faces.server, JULIET, ROMEO)
    return faces


def seen(client):
    """Which photos juliet's presence names, as it came."""
    return [named for sender, named in photos(client.elements()) if sender == BALCONY]


def untold(faces):
    found = faces.server.done(faces.vcards.untold.some("", 10))
    return {str(each.owner): each.photo for each in found}


def test_whoever_is_there_learns_of_a_new_photo_and_of_its_end(faces, juliet, romeo):
    faces.set(juliet, HERS)
    faces.set(juliet, f"<FN>Juliet</FN>{HERS}")
    faces.set(juliet, picture(png(filling=b"new")))
    faces.set(juliet, "<FN>Juliet</FN>")
    assert seen(romeo) == [HASH, NEW, ""]
    assert untold(faces) == {}


def test_the_server_knows_it_before_who_has_set_it_has_the_answer(faces, juliet, romeo):
    """So his client's next presence does not name the old one."""
    faces.set(juliet, HERS)
    kinds = [each.tag.rpartition("}")[2] for each in faces.others]
    assert kinds == ["presence"], "her own presence, before the result"
    whole = juliet.log[-2_000:]
    assert whole.rindex(b"<presence") < whole.rindex(b"id='face'")


def test_what_is_set_by_nobody_who_is_there_is_in_the_next_presence(faces, romeo):
    juliet = faces.log_in("juliet", "balcony")
    faces.set(juliet, HERS)
    assert seen(romeo) == []
    juliet.send("<presence/>")
    assert seen(romeo) == [HASH]


def test_a_vcard4_has_a_photo_too(faces, juliet, romeo):
    faces.set(juliet, HERS)
    got = faces.ask(juliet, "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>")
    uri = got[0].findtext(".//{*}photo/{*}uri")
    assert uri is not None and uri.startswith("data:image/png")
    faces.set(juliet, "")
    romeo.take()
    xcard = (
        "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>J</text></fn>"
        f"<photo><uri>{uri}</uri></photo></vcard>"
    )
    assert faces.ask(juliet, xcard, "set").get("type") == "result"
    assert seen(romeo) == [HASH]


# ---------------------------------------------------------------------- what goes wrong


def set_in_the_dark(faces, inner=HERS):
    """Have a vCard set while the server does not take what the component sends."""
    written = faces.line.written
    faces.wire.connection.receive = lambda data: None
    juliet = faces.server.log_in("juliet", "dark")
    juliet.send(f"<iq type='set' id='1'><vCard xmlns='vcard-temp'>{inner}</vCard></iq>")
    faces.line.protocol.dataReceived(faces.wire.take())
    assert faces.line.written != written


def test_what_the_server_has_not_heard_it_hears_when_the_stream_is_a_new_one(faces, juliet, romeo):
    set_in_the_dark(faces)
    assert untold(faces) == {JULIET: HASH}
    begin_anew(faces)
    assert seen(romeo) == [HASH]
    assert untold(faces) == {}


def test_what_the_server_has_no_time_for_it_hears_later(faces, juliet, romeo, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(SQLAvatars, "put", lambda *what: fail(StoreError("busy")))
        faces.set(juliet, HERS)
    assert (seen(romeo), untold(faces)) == ([], {JULIET: HASH})
    for _ in range(int(leftovers.AGAIN / 10) + 1):
        faces.server.clock.advance(10)
        faces.pump()
    assert (seen(romeo), untold(faces)) == ([HASH], {})


def begin_anew(faces):
    """Lose the connection for good, and have another."""
    faces.component.link.session.id = ""
    faces.component.link.session.outbox.clear()
    faces.cut()
    faces.come_back()


def put(faces, account):
    """Have a vCard with a photo in the store, of which nobody has told the server."""
    change = faces.server.done(faces.vcards.set(JID.parse(account), vcard(HERS)))
    assert change.new_photo and untold(faces)[account] == HASH


def test_who_has_no_account_is_not_told_of_for_ever(faces):
    put(faces, "nobody@capulet.lit")
    begin_anew(faces)
    assert untold(faces) == {}


def test_a_server_that_wants_to_know_nothing_is_asked_once():
    faces = Faces(grants={"delegation": {"urn:x": ()}}).start()
    put(faces, JULIET)
    begin_anew(faces)
    assert untold(faces) == {}


def test_it_is_told_in_parts(monkeypatch):
    monkeypatch.setattr(leftovers, "AT_A_TIME", 2)
    faces = Faces().start()
    for number in range(5):
        put(faces, str(faces.server.account(f"guard{number}")))
    begin_anew(faces)
    assert untold(faces) == {}
    assert photos(faces.log_in("guard4", "gate").send("<presence/>").elements())[0][1] == HASH


def test_who_is_removed_leaves_nothing_to_be_told(faces):
    set_in_the_dark(faces)
    faces.server.done(faces.vcards.remove(JID.parse(JULIET)))
    assert untold(faces) == {}
