"""What clients publish at accounts arrives, and is read, by those whom it is for."""

from __future__ import annotations

from xml.etree.ElementTree import Element, canonicalize, fromstring, tostring

import pytest

from tests.support.interests import want
from tests.support.payloads import AVATAR, AXOLOTL, OMEMO, PUBLICATIONS, Publication
from tests.support.pubsub import E, Globe, P, Person, befriend, error

JULIET = "juliet@capulet.lit"
MINE = ""


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


def publish(person: Person, it: Publication) -> Element:
    return person.publish(it.node, it.payload, it.id, MINE, **it.options)


def same(element: Element, payload: str) -> bool:
    """Whether two elements mean the same."""
    one, other = tostring(element), tostring(fromstring(payload))
    return canonicalize(one, rewrite_prefixes=True) == canonicalize(other, rewrite_prefixes=True)


def payloads(person: Person) -> list[Element]:
    """Those that somebody was sent since the last look."""
    return [each[0] for event in person.events() for each in event.iter(f"{E}item")]


@pytest.mark.parametrize("it", PUBLICATIONS, ids=lambda it: it.xep)
def test_what_is_published_arrives_and_is_read(
    globe: Globe, juliet: Person, it: Publication
) -> None:
    """At another client of the account, and at a contact's, if they want it (XEP-0163 §4)."""
    chamber = globe.person("juliet", "chamber")
    romeo, paris = globe.person("romeo"), globe.person("paris")
    befriend(juliet, romeo)
    for each in (chamber, romeo, paris):
        want(each, it.node)
    for _ in range(2):  # with the node, and to the node (XEP-0060 §7.1.5)
        answer = publish(juliet, it)
        assert answer.get("type") == "result", error(answer)
        assert [same(each, it.payload) for each in payloads(chamber)] == [True]
        contact = [same(each, it.payload) for each in payloads(romeo)]
        assert contact == ([] if it.access == "whitelist" else [True])
        assert payloads(paris) == []
    for reader, by in ((romeo, ("presence", "open")), (paris, ("open",)), (juliet, (it.access,))):
        answer = reader.items(it.node, JULIET)
        if it.access in by:
            (item,) = answer.iter(f"{P}item") if it.id else [*answer.iter(f"{P}item")][-1:]
            assert same(item[0], it.payload)
            assert item.get("id") == it.id or not it.id
        else:
            assert error(answer)[0] in ("not-allowed", "not-authorized")


@pytest.mark.parametrize("it", PUBLICATIONS, ids=lambda it: it.xep)
def test_what_is_published_outlives_the_process(
    globe: Globe, juliet: Person, it: Publication
) -> None:
    publish(juliet, it)
    globe.again()
    (item,) = juliet.items(it.node, MINE).iter(f"{P}item")
    assert same(item[0], it.payload)


def test_0384_5_3_2_each_device_has_its_bundle_in_one_node(juliet: Person) -> None:
    """With `max_items` "max": an item for each device."""
    options = {"access_model": "open", "max_items": "max"}
    for device in range(1, 21):
        payload = f"<bundle xmlns='{OMEMO}'><ik>{device}</ik></bundle>"
        assert juliet.publish(f"{OMEMO}:bundles", payload, str(device), MINE, **options)
    assert juliet.ids(f"{OMEMO}:bundles", MINE) == [str(device) for device in range(1, 21)]


def test_0384_a_stranger_gets_the_bundle_of_a_device(globe: Globe, juliet: Person) -> None:
    it = next(each for each in PUBLICATIONS if each.node == f"{AXOLOTL}.bundles:31415")
    publish(juliet, it)
    paris = globe.person("paris")
    (item,) = paris.items(it.node, JULIET, "current").iter(f"{P}item")
    assert same(item[0], it.payload)
    assert error(paris.items(f"{AXOLOTL}.bundles:27182", JULIET)) == ("item-not-found",)


def test_0384_5_3_a_node_of_another_access_model_is_refused_and_may_be_set_up(
    juliet: Person,
) -> None:
    """As Conversations does it: `precondition-not-met`, then the node is configured."""
    node = f"{AXOLOTL}.devicelist"
    devices = f"<list xmlns='{AXOLOTL}'/>"
    juliet.publish(node, devices, "current", MINE)
    answer = juliet.publish(node, devices, "current", MINE, access_model="open")
    assert error(answer) == ("conflict", "precondition-not-met")
    assert juliet.configure(node, JULIET, access_model="open").get("type") == "result"
    answer = juliet.publish(node, devices, "current", MINE, access_model="open")
    assert answer.get("type") == "result"


def test_0084_3_a_contact_reads_the_image_that_metadata_names(globe: Globe, juliet: Person) -> None:
    data, metadata = [each for each in PUBLICATIONS if AVATAR in each.node][:2]
    romeo = globe.person("romeo")
    befriend(juliet, romeo)
    publish(juliet, data)
    publish(juliet, metadata)
    want(romeo, f"{AVATAR}:metadata")
    (told,) = payloads(romeo)
    id_ = told[0].get("id")
    (item,) = romeo.items(f"{AVATAR}:data", JULIET, id_).iter(f"{P}item")
    assert same(item[0], data.payload)


def test_0292_5_2_what_is_kept_of_contacts_is_nobody_elses_and_all_of_it_is_kept(
    globe: Globe, juliet: Person
) -> None:
    """Whether the client says so or not."""
    node, romeo = "urn:xmpp:contacts", globe.person("romeo")
    befriend(juliet, romeo)
    want(romeo, node)
    contacts = ["nurse@capulet.lit", "romeo@montague.lit"]
    for each in contacts:
        vcard = f"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><note><text>{each}</text></note>"
        assert juliet.publish(node, f"{vcard}</vcard>", each, MINE).get("type") == "result"
    kept = juliet.items(node, JULIET).iter(f"{P}item")
    assert {each.get("id") for each in kept} == set(contacts)
    assert payloads(romeo) == []
    assert romeo.items(node, JULIET).get("type") == "error"
