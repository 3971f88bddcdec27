"""What the server advertises, and the verification string made of it (XEP-0115 §5)."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.server import DOMAIN, Verona
from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.disco import HASHES, Advertised, Identity, verification_string
from xmppd.core.forms import Field, Form
from xmppd.core.iq import On

MUC = "http://jabber.org/protocol/muc"
FEATURES = [MUC, ns.DISCO_ITEMS, ns.DISCO_INFO, ns.CAPS]
SOFTWARE = Form(
    "urn:xmpp:dataforms:softwareinfo",
    [
        Field("software", ["Psi"]),
        Field("ip_version", ["ipv6", "ipv4"]),
        Field("os_version", ["10.5.1"]),
        Field("os", ["Mac"]),
        Field("software_version", ["0.11"]),
    ],
)
PSI = [Identity("client", "pc", "Psi 0.11", "en"), Identity("client", "pc", "Ψ 0.11", "el")]


def hashed(text):
    return b64encode(hashlib.sha1(text.encode()).digest()).decode()


def test_xep_0115_5_2_simple_example():
    exodus = [Identity("client", "pc", "Exodus 0.9.1")]
    assert verification_string(exodus, FEATURES, []) == "QgayPKawpkPSDYmwT/WM94uAlu0="


def test_xep_0115_5_3_complex_example():
    assert verification_string(PSI, FEATURES, [SOFTWARE]) == "q07IKJEyjvHSyhy//CH0CxmKi8w="


def test_xep_0115_5_1_several_forms_are_sorted_by_form_type():
    forms = [Form("urn:b", [Field("x", ["1"])]), Form("urn:a", [Field("y", [])])]
    assert verification_string([], ["f"], forms) == hashed("f<urn:a<y<urn:b<x<1<")


def test_xep_0115_5_1_sorting_is_by_octet():
    assert verification_string([], ["é", "z", "Z"], []) == hashed("Z<z<é<")


@given(st.permutations(PSI), st.permutations(FEATURES), st.permutations(SOFTWARE.fields))
def test_xep_0115_5_1_order_does_not_matter(identities, features, fields):
    form = SOFTWARE._replace(fields=fields)
    assert verification_string(identities, features, [form]) == "q07IKJEyjvHSyhy//CH0CxmKi8w="


def test_a_feature_stays_until_the_last_who_added_it_takes_it_back():
    advertised = Advertised()
    first, second = (advertised.add(On.HOST, ns.PING) for _ in range(2))
    first()
    assert advertised.features(On.HOST, DOMAIN) == [ns.PING]
    second()
    assert advertised.features(On.HOST, DOMAIN) == []


def test_a_feature_under_a_condition_comes_and_goes_with_it():
    advertised, is_open = Advertised(), []
    advertised.add(On.HOST, ns.REGISTER, when=lambda domain: domain in is_open)
    closed = advertised.ver(DOMAIN)
    assert advertised.features(On.HOST, DOMAIN) == []
    is_open.append(DOMAIN)
    advertised.changed()
    assert advertised.features(On.HOST, DOMAIN) == [ns.REGISTER]
    assert advertised.ver(DOMAIN) != closed


def test_what_holds_of_one_domain_is_not_said_of_another():
    advertised = Advertised()
    advertised.add(On.HOST, ns.REGISTER, when=lambda domain: domain == DOMAIN)
    assert advertised.features(On.HOST, DOMAIN) == [ns.REGISTER]
    assert advertised.features(On.HOST, "guests.lit") == []
    assert advertised.ver(DOMAIN) != advertised.ver("guests.lit")


def test_the_verification_string_is_computed_once_for_each_change():
    advertised, made = Advertised(), []
    advertised.forms.append(lambda: made.append(True))
    assert advertised.ver(DOMAIN) == advertised.ver(DOMAIN)
    assert len(made) == 1
    advertised.changed()
    assert advertised.ver(DOMAIN)
    assert len(made) == 2


def test_forms_belong_to_the_server_and_not_to_accounts():
    advertised = Advertised()
    advertised.forms.append(lambda: SOFTWARE)
    assert [tag.name for tag in advertised.info(On.HOST, DOMAIN)] == ["x"]
    assert advertised.info(On.ACCOUNT, DOMAIN) == []


@pytest.mark.parametrize(
    "announce",
    [
        lambda context: context.identity(On.HOST, Identity("server", "im")),
        lambda context: context.form(lambda: SOFTWARE),
        lambda context: context.advertise(ns.PING),
    ],
)
def test_what_a_module_announces_is_in_force_until_it_is_unloaded(announce):
    host = Verona(available=()).host
    context = ModuleContext(host, "balcony")
    before = host.advertised.ver(DOMAIN), len(host.advertised.info(On.HOST, DOMAIN))
    announce(context)
    assert host.advertised.ver(DOMAIN) != before[0]
    assert len(host.advertised.info(On.HOST, DOMAIN)) == before[1] + 1
    context.undo()
    assert (host.advertised.ver(DOMAIN), len(host.advertised.info(On.HOST, DOMAIN))) == before


@pytest.mark.parametrize("name", HASHES)
def test_xep_0115_9_1_other_hashes_than_sha_1_are_known(name):
    made = b64decode(verification_string([], ["urn:a"], [], name))
    assert made == hashlib.new(name.replace("sha-", "sha").replace("-", "_"), b"urn:a<").digest()


def test_xep_0115_9_1_sha_1_is_among_them():
    assert "sha-1" in HASHES
