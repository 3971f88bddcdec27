"""Clients of other ages: before RFC 3920, of RFC 3920, and guests (XEP-0175)."""

from __future__ import annotations

import hashlib

from tests.support.server import DOMAIN, PASSWORD, Verona
from xmppd import ns

OLD = f"<stream:stream to='{DOMAIN}' xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'>"
INFO = f"<query xmlns='{ns.DISCO_INFO}'/>"


def test_xep_0078_a_client_of_jabber_days_talks_without_features_sasl_and_bind():
    server = Verona(auth={"legacy": True, "digest_md5": True})
    client = server.connect().send(OLD)
    assert client.elements() == []
    fields = client.ask(f"<query xmlns='{ns.AUTH}'><username>juliet</username></query>")[0]
    assert {child.tag.rpartition("}")[2] for child in fields} >= {"username", "digest", "resource"}
    digest = hashlib.sha1((client.header["id"] + PASSWORD).encode()).hexdigest()
    answer = client.ask(
        f"<query xmlns='{ns.AUTH}'><username>juliet</username><digest>{digest}</digest>"
        "<resource>psi</resource></query>",
        "set",
    )
    assert answer.get("type") == "result"
    romeo = server.log_in("romeo", "orchard")
    client.send(f"<presence/><message to='romeo@{DOMAIN}/orchard'/>")
    assert romeo.one().get("from") == f"juliet@{DOMAIN}/psi"


def test_rfc_3921_3_a_client_of_its_day_asks_the_server_for_a_session():
    client = Verona().log_in("juliet")
    answer = client.ask(f"<session xmlns='{ns.SESSION}'/>", "set", DOMAIN)
    assert (answer.get("type"), len(answer)) == ("result", 0)


def test_xep_0175_5_a_guests_account_is_an_anonymous_one_and_no_other_is():
    server = Verona(server={"domains": [DOMAIN, "guests.lit"]}, auth={"anonymous": ["guests.lit"]})
    guest = server.connect().open(to="guests.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open(to="guests.lit")
    guest.bind()
    kinds = []
    for client in (guest, server.log_in("juliet")):
        identity = client.ask(INFO)[0].find(f"{{{ns.DISCO_INFO}}}identity")
        assert identity is not None
        kinds.append((identity.get("category"), identity.get("type")))
    assert kinds == [("account", "anonymous"), ("account", "registered")]
