"""Attacks by way of In-Band Registration (XEP-0077)."""

from tests.support.server import DOMAIN, Verona, condition
from xmppd import ns

CHANGE = (
    "<iq type='set' id='change'><query xmlns='jabber:iq:register'>"
    "<username>{}</username><password>a rose by any other name</password></query></iq>"
)


def test_a_user_who_changes_his_password_all_the_time_takes_nobody_elses():
    """2,000 changes in one segment kept everybody who logged in waiting for six seconds."""
    server = Verona()
    juliet, romeo = server.log_in("juliet"), server.log_in("romeo")
    made = []
    create = server.host.administrator._credentials
    server.host.administrator._credentials = lambda password: made.append(1) or create(password)
    juliet.send(CHANGE.format("juliet") * 100)
    answers = juliet.elements()
    assert len(answers) == 100
    assert len(made) == 5
    assert {condition(a) for a in answers if a.get("type") == "error"} == {"resource-constraint"}
    assert romeo.ask(f"<ping xmlns='{ns.PING}'/>", to=DOMAIN).get("type") == "result"
    romeo.send(CHANGE.format("romeo"))
    assert romeo.one().get("type") == "result"
    server.clock.advance(60)
    juliet.send(CHANGE.format("juliet"))
    assert juliet.one().get("type") == "result"
