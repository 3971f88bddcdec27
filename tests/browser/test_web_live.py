"""The web client's core and the gateway, by each transport: all that a person does with it."""

from __future__ import annotations

import pytest

from tests.browser.gateway import PASSWORD, TRANSPORTS
from tests.browser.live import Person
from tests.support.cutting import CuttingProxy

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
PICTURE = "new Blob([Uint8Array.from(atob(a), (c) => c.charCodeAt(0))])"


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def arrive(gateway, new_page, transport):
    """Makes a person at a page: `arrive()`, at a proxy's port where one is given."""

    def make(port=None):
        web = f"http://127.0.0.1:{port or gateway.port}/"
        return Person(new_page(), web, transport, gateway.domain)

    return make


@pytest.fixture
def enter(gateway, arrive):
    """Makes a person who has logged in: the person and the bare address."""

    def make(name, port=None):
        person = arrive(port)
        return person, person.log_in(gateway.account(name), gateway.password)

    return make


def _befriend(one, other_address, other, address):
    one("client.addContact(a)", other_address)
    other("heard('subscription').then(() => 0)")
    other("(client.approve(a), client.addContact(a))", address)
    one("heard('subscription').then(() => client.approve(a))", other_address)
    for person, whom in ((one, other_address), (other, address)):
        fits = f"until(() => client.contacts.get({whom!r})?.show === '')"
        person(
            f"{fits}.then(() => until(() => client.contacts.get({whom!r}).subscription === 'both'))"
        )


def test_an_account_is_made_and_used_xep0077_3_1(gateway, arrive, transport):
    name = gateway.name("Friar Laurence")
    friar = arrive()
    account = {"username": name, "password": PASSWORD}
    assert friar("client.offersAccounts()") is True
    friar("client.register(a)", account)
    assert friar("refusal(() => client.register(a))", account) == "conflict"
    assert friar("refusal(() => client.login(a, 'wrong'))", name) == "not-authorized"
    assert friar("client.state") == "offline"
    local = name.lower().replace(" ", "\\20")
    assert friar.log_in(name, PASSWORD) == f"{local}@{gateway.domain}"
    assert friar("[client.state, client.transport]") == ["online", transport]
    friar("client.changePassword(a)", "Benedicite!")
    friar("client.logout()")
    assert friar("refusal(() => client.login(...a))", [name, PASSWORD]) == "not-authorized"
    friar.log_in(name, "Benedicite!")


def test_two_meet_and_chat(enter):
    (romeo, his), (juliet, hers) = enter("romeo"), enter("juliet")
    _befriend(romeo, hers, juliet, his)
    juliet("client.setPresence('dnd', 'at <mass>')")
    assert (
        romeo(
            f"until(() => client.contacts.get({hers!r}).show === 'dnd')"
            f".then(() => client.contacts.get({hers!r}).status)"
        )
        == "at <mass>"
    )
    romeo(f"client.chatState({hers!r}, 'composing')")
    assert juliet("heard('chatstate').then(({ chat, state }) => [chat, state])") == [
        his,
        "composing",
    ]
    body = "She speaks:\n<b>&amp;\u2665 \U0001f339"
    romeo("client.send(...a).id", [hers, body])
    message = juliet(
        "said(a).then(({ message: m }) => [m.chat, m.mine, m.delayed, m.carbon])", body
    )
    assert message == [his, False, False, False]
    assert romeo("heard('receipt').then(({ chat }) => chat)") == hers
    romeo("client.send(a, 'anybody?').id", f"nobody@{his.partition('@')[2]}")
    assert romeo("heard('failed').then(({ error }) => error.condition)") == "service-unavailable"
    romeo("client.logout()")
    juliet(f"until(() => client.contacts.get({his!r}).show === null)")


def test_both_clients_of_one_know_all_xep0280(enter, arrive, gateway):
    (romeo, his), (juliet, hers) = enter("romeo"), enter("juliet")
    again = arrive()
    again.log_in(his, gateway.password)
    romeo(f"client.send({hers!r}, 'It is my lady').id")
    kind = "then(({ message: m }) => [m.mine, m.carbon, m.chat])"
    assert again(f"said('It is my lady').{kind}") == [True, True, hers]
    juliet(f"client.send({his!r}, 'Ay me').id")
    assert romeo(f"said('Ay me').{kind}")[0] is False
    assert again(f"said('Ay me').{kind}")[0] is False


def test_a_room_and_who_is_in_it_xep0045_7(enter, gateway):
    (romeo, _), (juliet, _), (nurse, hers) = enter("romeo"), enter("juliet"), enter("nurse")
    room = f"{gateway.name('balcony')}@{gateway.rooms}"
    assert romeo("client.roomService()") == gateway.rooms
    assert romeo("client.join(a, 'Romeo').then((room) => [room.joined, room.created])", room) == [
        True,
        True,
    ]
    assert juliet("refusal(() => client.join(a, 'Romeo'))", room) == "conflict"
    assert juliet("client.rooms.size") == 0
    nicks = "client.join(a, 'Juliet').then((room) => [...room.occupants.keys()].sort())"
    assert juliet(nicks, room) == ["Juliet", "Romeo"]
    assert juliet("refusal(() => client.changeNick(a, 'Romeo'))", room) == "conflict"
    juliet("client.changeNick(a, 'Jule')", room)
    assert juliet("client.rooms.get(a).nick", room) == "Jule"
    romeo("heard('occupant', (e) => e.left && e.nick === 'Jule').then(() => 0)")
    romeo("client.sendToRoom(a, 'But soft!').id", room)
    romeo("heard('receipt').then(() => 0)")
    said = "said('But soft!').then(({ message: m }) => [m.chat, m.nick, m.mine, m.delayed])"
    assert juliet(said) == [room, "Romeo", False, False]
    romeo("client.setSubject(a, 'The east')", room)
    subject = "heard('subject', (e) => e.subject === 'The east').then(({ by }) => by)"
    assert juliet(subject) == "Romeo"
    juliet("client.send(a, 'psst').id", f"{room}/Romeo")
    assert romeo("said('psst').then(({ message }) => message.chat)") == f"{room}/Jule"
    romeo("client.invite(...a)", [room, hers, "Come"])
    invited = "heard('invitation').then(({ room, reason }) => [room, reason])"
    assert nurse(invited) == [room, "Come"]
    nurse("client.join(a, 'Nurse').then(() => 0)", room)
    history = "said('But soft!').then(({ message: m }) => [m.nick, m.delayed])"
    assert nurse(history) == ["Romeo", True]
    assert nurse("until(() => client.rooms.get(a).subject)", room) == "The east"
    assert {"jid": room} in [
        {"jid": one["jid"]} for one in nurse("client.publicRooms(a)", gateway.rooms)
    ]
    juliet("client.leave(a)", room)
    left = "heard('occupant', (e) => e.left && e.occupant.nick === 'Jule' && !e.nick)"
    assert romeo(f"{left}.then((e) => e.condition)") == "left"
    assert romeo("events.filter((e) => e.name === 'message').length") == 2


def test_rooms_are_there_after_the_next_login_xep0402_3_2(enter, arrive, gateway):
    romeo, his = enter("romeo")
    room, ball = (f"{gateway.name(name)}@{gateway.rooms}" for name in ("balcony", "ball"))
    romeo("client.join(a, 'Montague').then(() => 0)", room)
    romeo("client.join(a, 'Montague').then(() => 0)", ball)
    phone = arrive()
    phone.log_in(his, gateway.password)
    phone("until(() => [...client.rooms.values()].filter((room) => room.joined).length === 2)")
    assert phone("[...client.rooms.values()].map((room) => room.nick)") == ["Montague"] * 2
    romeo("client.leave(a)", room)
    phone("until(() => client.rooms.size === 1)")
    phone("client.logout()")
    romeo("client.logout()")
    romeo.log_in(his, gateway.password)
    romeo("until(() => client.rooms.get(a)?.joined)", ball)
    assert romeo("client.rooms.size") == 1


def test_a_picture_is_seen_by_contacts_xep0153_4(enter):
    (romeo, his), (juliet, hers) = enter("romeo"), enter("juliet")
    _befriend(romeo, hers, juliet, his)
    assert juliet("client.avatar(a)", his) is None
    assert romeo("refusal(() => client.setAvatar(new Blob(['<svg/>'])))") == "image-unsupported"
    juliet("(events.length = 0)")
    romeo(f"client.setAvatar({PICTURE})", PNG)
    juliet("heard('avatar', (e) => e.jid === a).then(() => 0)", his)
    shown = """client.avatar(a).then(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return [url.slice(0, 5), image.naturalWidth];
    })"""
    assert juliet(shown, his) == ["blob:", 1]
    assert romeo("client.vcard(a)", his) == {"name": "", "nick": ""}


def test_a_cut_connection_goes_on_where_it_was_xep0198_5(enter, gateway, transport):
    room = f"{gateway.name('orchard')}@{gateway.rooms}"
    with CuttingProxy(gateway.port) as proxy:
        (romeo, his), (juliet, hers) = enter("romeo", proxy.port), enter("juliet")
        romeo("client.join(a, 'Romeo').then(() => 0)", room)
        juliet("client.join(a, 'Juliet').then(() => 0)", room)
        for number in range(3):
            if number == 1:
                romeo("client.changePassword(a)", "Benedicite!")
            proxy.cut()
            romeo("client.send(...a).id", [hers, f"Parting {number}"])
            romeo("client.sendToRoom(...a).id", [room, f"Sorrow {number}"])
            juliet("client.send(...a).id", [his, f"Sweet {number}"])
            romeo("said(a).then(() => 0)", f"Sweet {number}")
            juliet("said(a).then(() => 0)", f"Parting {number}")
            juliet("said(a).then(() => 0)", f"Sorrow {number}")
            romeo("heard('receipt', (e) => e.chat === a).then(() => (events.length = 0))", room)
        assert romeo("client.rooms.get(a).joined", room) is True
        assert proxy.cuts >= 3
        bodies = juliet("events.filter((e) => e.name === 'message').map((e) => e.message.body)")
        assert len(bodies) == len(set(bodies)) == 3 + 3 + 3
        assert romeo("client.transport") == transport
