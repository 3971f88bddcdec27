"""The reasons that have to do with other servers; see reasons.py."""

from __future__ import annotations

SERVERS: dict[str, tuple[str, str]] = {
    "s2s.no-such-domain": (
        "the DNS knows no such domain",
        "correct the address; a domain that is new may need some time",
    ),
    "s2s.not-offered": (
        "the domain says in the DNS (SRV records with no usable target) that it has no XMPP server",
        "nothing here; whoever runs the domain can correct its records",
    ),
    "s2s.no-route": (
        "[s2s.routes] has the domain, and no place for it",
        "name a place there, or take the line out for the DNS to be asked",
    ),
    "s2s.no-address": (
        "the name of the domain, or of its server, has no address in the DNS",
        "nothing here; whoever runs the domain can correct its records",
    ),
    "s2s.dns-failed": (
        "the DNS gave no answer about the domain in time, or one that is a failure",
        "see that the name servers of [s2s] resolver, or of /etc/resolv.conf, answer",
    ),
    "s2s.unreachable": (
        "no address of the other server took a connection in time",
        "see that it runs, at the port that its DNS or our route names, and for firewalls between",
    ),
    "s2s.this-host": (
        "all addresses of the other server lead to this host or its own link",
        "set [s2s] this_host if another server runs here; or name its place in [s2s.routes]",
    ),
    "s2s.malformed": ("an element of dialback that is wrong", "the other server is broken"),
    "s2s.addressing": (
        "a stream header, stanza or element of dialback without addresses",
        "between servers all of them have `from` and `to` (RFC 6120 §8.1.1.2, §8.1.2.2)",
    ),
    "s2s.from": (
        "the other server speaks for a domain that it has not shown to be",
        "none is needed: nothing of it gets through (RFC 6120 §8.1.2.2)",
    ),
    "s2s.host-unknown": (
        "a domain is not served where it was looked for",
        "if it is ours, add it to [server] domains; else its DNS names the wrong server",
    ),
    "s2s.certificate": (
        "the other server has no certificate of its domain that is trusted",
        "its operator has to get one (not yet valid? see both clocks), or its authority has to be "
        "in [s2s] ca; or allow dialback in [s2s.domains]",
    ),
    "s2s.expired": (
        "the certificate of the other server, or of its authority, expired while a stream was open",
        "nothing here; a new stream is made, and the certificate looked at anew",
    ),
    "s2s.authzid": (
        "a certificate was to stand for another domain than the stream header's",
        "the other server is broken (XEP-0178 §3)",
    ),
    "s2s.key": (
        "a domain says that it has not made the key by which somebody claimed to be it",
        "it was an attempt to speak for it, or it has several hosts without a common secret",
    ),
    "s2s.unsolicited": (
        "an answer of dialback to a question that nobody has asked there",
        "an attack, or a broken server (XEP-0220 §3.1)",
    ),
    "s2s.attempts": (
        "too many attempts: of a server to show who it is, or of ours to reach others",
        "for ours, raise [s2s] attempts",
    ),
    "s2s.not-authorized": (
        "a server sent stanzas before it had shown who it is",
        "the other server is broken (RFC 6120 §4.9.3.12)",
    ),
    "s2s.no-tls": (
        "the other server has no TLS, which is required",
        'its operator has to switch it on; or set require = "none" in [s2s.domains]',
    ),
    "s2s.ended": ("the other server has ended the stream", "see its words; else its own log"),
    "s2s.closed": (
        "the other server has closed the connection before there was a stream",
        "see that its DNS, or our route, names the right port: those for STARTTLS (SRV "
        "_xmpp-server, tcp:) and for TLS from the first octet (_xmpps-server, tls:) differ",
    ),
    "s2s.denied": (
        "the other server does not take us for who we are",
        "it looks us up in the DNS, or checks our certificate: see both, and `xmppctl check`",
    ),
    "s2s.slow": (
        "the other server took too long",
        "see that its port is one for servers; if it is only slow, raise [s2s] attempt_seconds",
    ),
    "s2s.queue": (
        "as much waits for the other server as may",
        "it is slow, or away; raise [s2s] queue and octets",
    ),
    "s2s.refused": ("[s2s] allow or deny keeps that domain out", "change them if it is to get in"),
    "s2s.off": ("[s2s] enabled is false", "set it to true and restart, to talk to other servers"),
    "s2s.own-domain": (
        "somebody else claims to be a domain of this server",
        "none is needed; if it is a second host of it, give both one name in DNS",
    ),
    "s2s.local": (
        "this domain has nothing to do with other servers",
        "guests write to nobody elsewhere (XEP-0175 §3); their domain is in [auth] anonymous",
    ),
}
