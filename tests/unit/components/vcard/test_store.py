"""Contract of `store.SQLVCards`, over every backend."""

import pytest

from components.vcard.store import SCHEMA
from components.vcard.vcard import Limits, checked
from tests.support.vcards import JULIET, NURSE, ROMEO, person, photo, picture, vcard
from xmppd.errors import StanzaError
from xmppd.jid import JID

JULIET, ROMEO, NURSE = map(JID.parse, (JULIET, ROMEO, NURSE))


def put(wait, store, owner, element, now=1595.0):
    new = checked(element, Limits())
    return wait(store.edit(owner, lambda before: new, now=now))


def remove(wait, store, owner):
    return wait(store.edit(owner, lambda before: None, now=1595.0))


def counts(wait, database):
    async def work(tx):
        tables = ("vcards", "listings", "listing_keys")
        return [(await tx.execute(f"SELECT count(*) FROM {t}")).rows[0][0] for t in tables]

    return wait(database.read(work))


def test_a_vcard_reads_back_as_it_was_put(wait, store):
    element = vcard(f"<FN>Ωphelia &amp; Hamlet</FN>{picture()}")
    assert put(wait, store, JULIET, element).before is None
    stored = wait(store.get(JULIET))
    assert stored == (checked(element, Limits()).encoded, photo().hash, 1595.0)
    assert wait(store.get(ROMEO)) is None


def test_what_is_put_takes_the_place_of_what_was_there(wait, store):
    put(wait, store, JULIET, vcard(f"<FN>Juliet</FN>{picture()}"))
    edited = put(wait, store, JULIET, vcard("<FN>Jule</FN>"), now=1597.0)
    assert (edited.before.photo, edited.after.photo) == (photo().hash, None)
    assert wait(store.get(JULIET)) == (
        b"<vCard xmlns='vcard-temp'><FN>Jule</FN></vCard>", "", 1597.0
    )  # fmt: skip


def test_an_owner_is_erased_with_all_that_the_directory_has(wait, store, database):
    put(wait, store, JULIET, person("Juliet", "Capulet"))
    put(wait, store, ROMEO, person("Romeo", "Montague"))
    before = counts(wait, database)
    assert remove(wait, store, JULIET).before is not None
    assert remove(wait, store, JULIET).before is None
    assert wait(store.get(JULIET)) is None
    assert counts(wait, database) == [number // 2 for number in before]
    assert wait(store.get(ROMEO)) is not None


def test_who_is_no_longer_public_is_no_longer_listed(wait, store, database):
    put(wait, store, JULIET, person("Juliet", "Capulet"))
    assert counts(wait, database) == [1, 1, 2]
    put(wait, store, JULIET, person("Juliet", "Capulet", listed=False))
    assert counts(wait, database) == [1, 0, 0]


def test_an_edit_that_fails_changes_nothing_and_says_why(wait, store):
    put(wait, store, JULIET, vcard("<FN>Juliet</FN>"))

    def refuse(before):
        raise StanzaError("policy-violation", reason="limit.vcard")

    with pytest.raises(StanzaError):
        wait(store.edit(JULIET, refuse, now=1597.0))
    assert wait(store.get(JULIET)).updated == 1595.0


def test_an_edit_sees_what_the_one_before_it_made(backend, store):
    def longer(before):
        text = "" if before is None else before.encoded.decode().split("FN")[1][1:-2]
        return checked(vcard(f"<FN>{text}x</FN>"), Limits())

    backend.reactor.wait_all([store.edit(JULIET, longer, now=1595.0) for _ in range(20)])
    assert b"<FN>" + b"x" * 20 in backend.reactor.wait(store.get(JULIET)).encoded


def test_many_keys_and_texts_of_any_kind_are_put(wait, store, database):
    texts = "".join(f"<EMAIL><USERID>{n}%_!'\\?@x</USERID></EMAIL>" for n in range(50))
    nicks = ",".join(f"n{n}" for n in range(50))
    more = f"{texts}<NICKNAME>{nicks}</NICKNAME><FN>😀 \u0430\u200d</FN>"
    put(wait, store, NURSE, person("N", "N", more=more))
    assert counts(wait, database) == [1, 1, 2 + 8 + 8 + 1]


NODE, AVATARS = "urn:xmpp:vcard4", "urn:xmpp:avatar:metadata"


def unpublished(wait, store, after="", most=10, node=NODE):
    return [str(each.owner) for each in wait(store.unpublished.some(node, after, most))]


def test_what_is_set_is_unpublished_until_it_is_published(wait, store):
    new = checked(vcard("<FN>J</FN>"), Limits())
    for owner in (JULIET, ROMEO, JULIET):
        wait(store.edit(owner, lambda before: new, now=1.0, publish=[NODE, AVATARS]))
    wait(store.edit(NURSE, lambda before: new, now=1.0))
    assert unpublished(wait, store) == [str(JULIET), str(ROMEO)]
    assert unpublished(wait, store, most=1) == [str(JULIET)]
    assert unpublished(wait, store, after=str(JULIET)) == [str(ROMEO)]
    wait(store.unpublished.published(JULIET, NODE))
    assert unpublished(wait, store) == [str(ROMEO)]
    wait(store.unpublished.left(JULIET, NODE))
    wait(store.erase(ROMEO))
    assert unpublished(wait, store) == [str(JULIET)]


def test_a_photo_is_unpublished_only_where_it_is_another(wait, store):
    for inner, noted in (
        (picture(), [str(JULIET)]),
        (picture(), []),
        ("<FN>J</FN>", [str(JULIET)]),
    ):
        new = checked(vcard(inner), Limits())
        wait(store.edit(JULIET, lambda before, new=new: new, now=1.0, publish=[NODE, AVATARS]))
        assert unpublished(wait, store, node=AVATARS) == noted
        wait(store.unpublished.published(JULIET, AVATARS))
        assert unpublished(wait, store) == [str(JULIET)]
    wait(store.unpublished.left(JULIET, AVATARS))
    wait(store.erase(JULIET))
    assert unpublished(wait, store) == unpublished(wait, store, node=AVATARS) == []


def test_the_longest_address_has_a_vcard(wait, store):
    domain = ".".join(["x" * 60] * 4)
    longest = JID.of("é" * 511, domain)
    put(wait, store, longest, person("😀" * 80, "😀" * 80))
    assert wait(store.get(longest)) is not None


def test_the_schema_is_brought_forward_once(backend):
    database = backend.open(SCHEMA)

    async def version(tx):
        sql = "SELECT max(version) FROM schema_migrations WHERE schema_set = 'vcard'"
        return (await tx.execute(sql)).rows[0][0]

    assert backend.reactor.wait(database.read(version)) == 3
