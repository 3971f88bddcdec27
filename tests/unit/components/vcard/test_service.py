"""The service over every backend: what is set is got, found, converted, and erased."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.tree import written
from components.vcard import avatar, search, vcard4
from components.vcard.service import VCards
from components.vcard.vcard import Limits, checked
from tests.support.vcards import JULIET, ROMEO, person, photo, picture, png, vcard, xcard
from xmppd.errors import StanzaError
from xmppd.jid import JID

JULIET, ROMEO = JID.parse(f"{JULIET}/balcony"), JID.parse(ROMEO)
XCARD = xcard("<fn><text>Juliet</text></fn>")


@pytest.fixture
def again(store):
    """The service as another process would find it."""
    return VCards(store, lambda: 1597.0)


def find(wait, vcards, **said):
    """The addresses of those who are found; of everybody where nothing is said."""
    fields = "".join(f"<{field}>{text}</{field}>" for field, text in said.items())
    query = fromstring(f"<query xmlns='jabber:iq:search'>{fields}</query>")
    asked = search.submitted(query, everybody=not said)
    return [row.owner for row in wait(vcards.search(asked)).items]


def test_what_is_set_is_got_by_bare_address(wait, vcards, again):
    """XEP-0054 §3.1, §3.3."""
    assert wait(vcards.get(JULIET)) is None
    change = wait(vcards.set(JULIET, vcard(f"<FN>Juliet</FN>{picture()}")))
    for service in (vcards, again):
        assert wait(service.get(JULIET.bare)) == change.encoded
        assert wait(service.photo_hash(JULIET)) == photo().hash
    assert wait(vcards.get(ROMEO)) is None


def test_a_change_tells_whether_the_photo_is_a_new_one(wait, vcards):
    """XEP-0153 §4.1, XEP-0398 §3.2."""
    first = wait(vcards.set(JULIET, vcard(picture())))
    assert (first.before, first.after, first.new_photo) == ("", photo().hash, True)
    same = wait(vcards.set(JULIET, vcard(f"<FN>Juliet</FN>{picture(type_='image/x')}")))
    assert (same.photo, same.new_photo) == (photo(), False)
    gone = wait(vcards.set(JULIET, vcard("<FN>Juliet</FN><PHOTO><BINVAL/></PHOTO>")))
    assert (gone.before, gone.photo, gone.new_photo) == (photo().hash, None, True)


def test_an_empty_vcard_is_none(wait, vcards, again):
    wait(vcards.set(JULIET, vcard("<FN>Juliet</FN>")))
    assert wait(vcards.set(JULIET, vcard())).encoded is None
    assert wait(vcards.get(JULIET)) is wait(again.get(JULIET)) is None


def test_what_is_refused_changes_nothing(wait, vcards):
    before = wait(vcards.set(JULIET, vcard("<FN>Juliet</FN>"))).encoded
    for element in (vcard(picture(b"<svg/>")), xcard()):
        with pytest.raises(StanzaError):
            wait(vcards.set(JULIET, element))
    assert wait(vcards.get(JULIET)) == before


def test_an_avatar_becomes_the_photo_and_goes_again(wait, vcards, again):
    """XEP-0398 §3.1; all else in the vCard stays."""
    wait(vcards.set(JULIET, vcard(f"<FN>Juliet</FN>{picture(png(filling=b'old'))}<X-Y/>")))
    image = avatar.read(fromstring(avatar.data(photo()).render()), photo().hash, 1_000)
    change = wait(vcards.set_photo(JULIET, image))
    assert (change.after, change.new_photo) == (photo().hash, True)
    assert wait(again.get(JULIET)) == written(vcard(f"<FN>Juliet</FN><X-Y/>{picture()}"))
    assert not wait(vcards.set_photo(JULIET, image)).new_photo
    assert wait(vcards.set_photo(JULIET, None)).new_photo
    assert wait(vcards.get(JULIET)) == written(vcard("<FN>Juliet</FN><X-Y/>"))


def test_who_has_no_vcard_gets_one_for_the_avatar_and_none_is_left(wait, vcards):
    wait(vcards.set_photo(JULIET, photo()))
    assert wait(vcards.get(JULIET)) == written(vcard(picture()))
    assert wait(vcards.set_photo(JULIET, None)).encoded is None
    assert wait(vcards.set_photo(JULIET, None)).new_photo is False


def test_an_avatar_for_which_there_is_no_room_is_refused(wait, store):
    vcards = VCards(store, lambda: 1595.0, Limits(vcard=300, photo=1_000))
    before = wait(vcards.set(JULIET, vcard(f"<FN>{'x' * 200}</FN>"))).encoded
    with pytest.raises(StanzaError) as caught:
        wait(vcards.set_photo(JULIET, photo()))
    assert caught.value.reason == "limit.vcard"
    assert wait(vcards.get(JULIET)) == before


def test_photo_and_vcard_that_are_set_at_once_are_both_there(backend, vcards):
    backend.reactor.wait_all(
        [vcards.set(JULIET, vcard("<FN>Juliet</FN>")), vcards.set_photo(JULIET, photo())]
    )
    got = backend.reactor.wait(vcards.get(JULIET))
    assert got == written(vcard(f"<FN>Juliet</FN>{picture()}"))


def test_a_vcard4_is_a_vcard_and_back(wait, vcards, again):
    """XEP-0292 §11."""
    assert wait(vcards.vcard4(JULIET)) is None
    wait(vcards.set_photo(JULIET, photo()))
    change = wait(vcards.set_vcard4(JULIET, XCARD))
    assert change.new_photo is False
    assert wait(again.get(JULIET)) == written(vcard(f"<FN>Juliet</FN>{picture()}"))
    told = wait(again.vcard4(JULIET))
    assert told.startswith(written(XCARD)[: -len("</vcard>")])
    with pytest.raises(StanzaError):
        wait(vcards.set_vcard4(JULIET, vcard()))


def test_a_vcard4_is_made_once_and_anew_when_the_vcard_is_another(wait, vcards, monkeypatch):
    """Anybody may ask for it, as often as he likes, and some take 200 ms."""
    made = []
    make = vcard4.from_temp
    monkeypatch.setattr(vcard4, "from_temp", lambda old: made.append(old) or make(old))
    for name in ("Juliet", "Giulietta"):
        wait(vcards.set(JULIET, vcard(f"<FN>{name}</FN>")))
        told = {wait(vcards.vcard4(JULIET)) for _ in range(3)}
        assert told == {written(xcard(f"<fn><text>{name}</text></fn>"))}
    assert len(made) == 2


def test_a_hostile_photo_in_a_vcard4_is_refused_as_one_in_a_vcard(wait, vcards):
    hostile = xcard("<photo><uri>data:image/png;base64,PHN2Zy8+</uri></photo>")
    with pytest.raises(StanzaError) as caught:
        wait(vcards.set_vcard4(JULIET, hostile))
    assert caught.value.reason == "vcard.photo"


def test_who_is_public_is_found_and_with_the_vcard_gone_no_longer(wait, vcards):
    """XEP-0055."""
    wait(vcards.set(JULIET, person("Juliet", "Capulet")))
    wait(vcards.set(ROMEO, person("Romeo", "Montague", listed=False)))
    assert find(wait, vcards, last="Capulet") == [JULIET.bare]
    assert find(wait, vcards, last="Montague") == []
    assert find(wait, vcards) == [JULIET.bare]
    wait(vcards.remove(JULIET))
    assert find(wait, vcards) == []
    assert wait(vcards.get(JULIET)) is None


def test_being_public_survives_an_avatar_and_a_vcard4(wait, vcards):
    wait(vcards.set(JULIET, person("Juliet", "Capulet")))
    wait(vcards.set_photo(JULIET, photo()))
    assert find(wait, vcards, last="Capulet") == [JULIET.bare]
    wait(vcards.set_vcard4(JULIET, XCARD))
    assert find(wait, vcards, last="Capulet") == []
    assert find(wait, vcards) == [JULIET.bare]


def test_nobody_elses_vcard_is_touched(wait, vcards, again):
    romeo = wait(vcards.set(ROMEO, person("Romeo", "Montague", more=picture()))).encoded
    wait(vcards.set(JULIET, person("Juliet", "Capulet")))
    wait(vcards.set_photo(JULIET, photo(b"hers")))
    wait(vcards.set_vcard4(JULIET, XCARD))
    wait(vcards.remove(JULIET))
    assert wait(again.get(ROMEO)) == romeo
    assert wait(again.photo_hash(ROMEO)) == photo().hash
    assert find(wait, vcards) == [ROMEO]


def test_what_another_process_changed_is_seen_when_that_is_said(wait, vcards, again):
    wait(vcards.set(JULIET, vcard("<FN>Juliet</FN>")))
    new = wait(again.set(JULIET, vcard("<FN>Jule</FN>"))).encoded
    assert wait(vcards.get(JULIET)) != new
    vcards.forget_cached()
    assert wait(vcards.get(JULIET)) == new


def test_no_character_that_xml_has_not_is_ever_stored(wait, vcards):
    """No parser gives one; if one came all the same, a get would end the component's stream."""
    element = vcard("<FN/>")
    element[0].text = "\0"
    with pytest.raises(ValueError, match="can't be written"):
        wait(vcards.set(JULIET, element))
    assert wait(vcards.get(JULIET)) is None
    assert checked(vcard("<FN>\u0085</FN>"), Limits()) is not None
