"""What xmppctl check tells of how other servers see this one."""

import pytest

from tests.support.certificates import NOW, Authority, dns, write_pair
from xmppd.admin import display
from xmppd.admin.checks import Setting, check_all
from xmppd.admin.lookup import Found
from xmppd.bundled import Bundled
from xmppd.config import load
from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError

DOMAIN, ROOMS = "capulet.lit", "rooms.capulet.lit"
FOUND = Found((Place("xmpp.capulet.lit", 5269),))


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """What is told of other servers, as printed; `found` is what the DNS has."""
    monkeypatch.setattr("xmppd.bundled.BUNDLED", ())

    def check(text="", found=FOUND, components=FOUND):
        asked = []

        def look_up(domains, settings):
            asked.extend(domains)
            return {each: found if each == DOMAIN else components for each in domains}

        path = tmp_path / "xmppd.toml"
        path.write_text(f'[server]\ndomains = ["{DOMAIN}", "localhost"]\ndata = "data"\n{text}')
        setting = Setting(load(path), "xmppd.toml", now=NOW, look_up=look_up)
        told = [each for each in check_all(setting) if each.subject == "other servers"]
        assert not any(each.remedy for each in told), "nothing of it is a fault"
        check.asked = asked
        return [display.finding(each).replace("other servers: ", "") for each in told]

    return check


@pytest.fixture
def authority(tmp_path):
    made = Authority()
    made.write(tmp_path / "ca.pem")
    return made


def papers(tmp_path, authority, *names):
    pair = authority.issue(dns(*names, "localhost"))
    for name in (names[0], "localhost"):
        write_pair(pair, tmp_path / "certs" / f"{name}.crt", tmp_path / "certs" / f"{name}.key")


CERTIFICATES = '[tls]\ncertificates = "certs"\n[s2s]\nca = "ca.pem"\n'
COMPONENT = f'[components."{ROOMS}"]\nsecret = "wherefore"\n'


def test_self_signed_certificates_are_noted(checked):
    (note,) = [line for line in checked() if line.startswith("note")]
    assert "certificates are self-signed" in note
    assert "[tls] certificates" in note


def test_component_that_no_certificate_names_is_noted(checked, tmp_path, authority):
    papers(tmp_path, authority, DOMAIN)
    (note,) = [line for line in checked(CERTIFICATES + COMPONENT) if line.startswith("note")]
    assert f"no trusted certificate names {ROOMS}: " in note
    papers(tmp_path, authority, DOMAIN, f"*.{DOMAIN}")
    assert [line for line in checked(CERTIFICATES + COMPONENT) if line.startswith("note")] == []


def test_component_whose_certificate_nobody_trusts_is_noted(checked, tmp_path, authority):
    papers(tmp_path, authority, DOMAIN)
    papers(tmp_path, Authority("Tybalt"), ROOMS)
    write_pair(
        authority.issue(dns("localhost")),
        tmp_path / "certs" / "localhost.crt",
        tmp_path / "certs" / "localhost.key",
    )
    (note,) = [line for line in checked(CERTIFICATES + COMPONENT) if line.startswith("note")]
    assert f"no trusted certificate names {ROOMS}: " in note


def test_bundled_components_are_among_them(checked, tmp_path, authority, monkeypatch):
    monkeypatch.setattr("xmppd.bundled.BUNDLED", (Bundled("muc", "conference", {}),))
    papers(tmp_path, authority, DOMAIN)
    lines = checked(CERTIFICATES)
    assert any(f"names conference.{DOMAIN}: " in line for line in lines)
    lines = checked(CERTIFICATES + "[bundled]\nstart = false\n")
    assert not any(line.startswith("note") for line in lines)


def test_places_in_the_dns_are_told_and_hosts_without_an_address_noted(checked):
    found = Found((Place("xmpp.capulet.lit", 5269), Place("other.lit", 443, direct=True)))
    assert f"ok       {DOMAIN}: others find it at xmpp.capulet.lit:5269, other.lit:443 with" in (
        "\n".join(checked(found=found))
    )
    assert checked.asked == [DOMAIN], "there is nothing in the DNS of localhost"
    last = checked(found=found._replace(nowhere=("other.lit",)))[-1]
    assert last.startswith(f"note     {DOMAIN}: there is no address of other.lit. Publish one")


def test_domain_that_is_not_found_is_noted(checked):
    error = StanzaError("remote-server-not-found", reason="s2s.no-such-domain", detail=DOMAIN)
    last = checked(found=Found(error=error))[-1]
    assert last == (
        f"note     {DOMAIN}: the DNS knows no such domain ({DOMAIN}). Publish "
        f"_xmpp-server._tcp.{DOMAIN}, unless it is for servers that have routes"
    )


def test_dns_that_can_not_be_asked_is_no_word_about_the_domain(checked):
    error = StanzaError("remote-server-not-found", reason="s2s.dns-failed", detail="timed out")
    last = checked(COMPONENT, found=Found(error=error), components=Found(error=error))[-1]
    assert last.startswith(
        f"note     {DOMAIN}: was not looked for, the DNS can't be asked (timed out). See that the"
    )


def test_components_that_are_not_found_are_noted_together(checked):
    error = StanzaError("remote-server-not-found", reason="s2s.no-such-domain", detail=ROOMS)
    more = COMPONENT + COMPONENT.replace(ROOMS, "nurse.capulet.lit")
    last = checked(more, components=Found(error=error))[-1]
    assert last == (
        f"note     others do not find nurse.capulet.lit, {ROOMS}. Publish _xmpp-server._tcp of "
        "each that people elsewhere are to reach"
    )
    assert checked.asked == [DOMAIN, "nurse.capulet.lit", ROOMS]
    lines = checked(more, found=Found(error=error), components=Found(error=error))
    assert not any("others do not find" in line for line in lines), "the domain itself is not"


def test_without_a_listener_nobody_can_connect_and_nobody_is_asked(checked):
    lines = checked("[listen]\ns2s = []\ns2s_tls = []\n", Found())
    assert "no server can connect" in lines[-1]
    assert checked.asked == []


def test_where_there_are_no_other_servers_that_is_all(checked):
    assert checked("[s2s]\nenabled = false\n", Found()) == [
        "ok       there are none ([s2s] enabled)"
    ]
    assert checked.asked == []
