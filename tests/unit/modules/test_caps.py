"""The server's Entity Capabilities (XEP-0115) in its stream features."""

import hashlib
from base64 import b64encode

import pytest

from tests.support.server import DOMAIN, Verona
from xmppd import ns
from xmppd.core.disco import CAPS_NODE

INFO = f"<query xmlns='{ns.DISCO_INFO}'/>"
CONTACT = {"abuse": ["mailto:abuse@capulet.lit", "xmpp:abuse@capulet.lit"]}


def offered(client):
    """The `ver` in the features after authentication."""
    c = features_of(client.open().authenticate("juliet").open())[-1].find(f"{{{ns.CAPS}}}c")
    assert (c.get("hash"), c.get("node")) == ("sha-1", CAPS_NODE)
    return c.get("ver")


def features_of(client):
    return [e for e in client.elements() if e.tag == f"{{{ns.STREAM}}}features"]


def recomputed(query):
    """The verification string as a client makes it of a disco#info answer (§5.4, step 3)."""
    info, data = f"{{{ns.DISCO_INFO}}}", f"{{{ns.DATA_FORM}}}"
    text = ""
    for i in sorted(query.findall(f"{info}identity"), key=lambda i: i.get("category")):
        text += f"{i.get('category')}/{i.get('type')}//{i.get('name', '')}<"
    for var in sorted(f.get("var") for f in query.findall(f"{info}feature")):
        text += f"{var}<"
    for x in query.findall(f"{data}x"):
        fields = {f.get("var"): [v.text for v in f] for f in x}
        text += f"{fields.pop('FORM_TYPE')[0]}<"
        for var, values in sorted(fields.items()):
            text += "".join(f"{part}<" for part in [var, *sorted(values)])
    return b64encode(hashlib.sha1(text.encode()).digest()).decode()


def info(server):
    answer = server.log_in("juliet").ask(INFO, to=DOMAIN)
    return answer.find(f"{{{ns.DISCO_INFO}}}query")


def test_6_3_features_after_authentication_carry_the_capabilities():
    server = Verona()
    assert offered(server.connect()) == recomputed(info(server))


def test_6_3_features_before_authentication_do_not():
    (features,) = features_of(Verona().connect().open())
    assert features.find(f"{{{ns.CAPS}}}c") is None


def test_5_4_the_string_covers_the_forms_of_the_answer():
    plain, server = Verona(), Verona(contact=CONTACT)
    assert offered(server.connect()) == recomputed(info(server))
    assert offered(server.connect()) != offered(plain.connect())


def test_6_1_a_change_of_modules_or_configuration_changes_the_string():
    server = Verona()
    seen = [offered(server.connect())]
    for tables in ({"modules": {"off": ["time"]}}, {"contact": CONTACT}, {}):
        server.reload(**tables)
        seen.append(offered(server.connect()))
        assert seen[-1] == recomputed(info(server))
    assert len(set(seen)) == 3
    assert seen[0] == seen[-1]


def test_7_the_server_says_that_it_speaks_capabilities():
    assert info(Verona()).find(f"{{{ns.DISCO_INFO}}}feature[@var='{ns.CAPS}']") is not None


@pytest.mark.parametrize(
    ("off", "gone"), [("disco", ns.CAPS), ("caps", ns.CAPS), ("session", ns.SESSION)]
)
def test_what_nobody_answers_is_not_offered(off, gone):
    for modules, offered in (({}, True), ({"off": [off]}, False)):
        client = Verona(modules=modules).connect().open().authenticate("juliet")
        client.take()
        assert (gone.encode() in client.open().take()) is offered
