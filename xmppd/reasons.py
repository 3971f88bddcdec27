"""Why something was refused: each reason code with its meaning and its remedy.

A code is what logs, metrics and `xmppctl why` show. Codes read `area.what`; once published a
code keeps its meaning. Every `reason=` in the code stands in this table: a test says so.
"""

from __future__ import annotations

from xmppd.reasons_servers import SERVERS

REASONS: dict[str, tuple[str, str]] = {
    # streams
    "stream.xml": (
        "the bytes were not well-formed XML",
        "the client is broken or is no XMPP client",
    ),
    "stream.tls": (
        "TLS where STARTTLS was expected: many clients try it first and then go on without",
        "nothing, if the client gets in; else have it use the port of [listen] c2s_tls",
    ),
    "stream.encoding": ("the stream was not UTF-8", "XMPP is UTF-8 only (RFC 6120 §11.6)"),
    "stream.restricted-xml": (
        "a DTD, processing instruction, comment or entity reference",
        "none is allowed on a stream (RFC 6120 §11.1)",
    ),
    "stream.header": (
        "the stream header was wrong",
        "it must open stream:stream in jabber:client, in jabber:server between servers (RFC 6120 "
        "§4.7, §4.8); of a server: see that its DNS, or our route, names no port for clients",
    ),
    "stream.version": ("the stream version was unusable", "offer version 1.0 (RFC 6120 §4.7.5)"),
    "stream.host-unknown": (
        "the header's `to` is no domain of this server",
        "add the domain to [server] domains, or correct the client's account",
    ),
    "stream.host-gone": (
        "the stream's domain was taken out of the configuration",
        "add it to [server] domains again",
    ),
    "stream.pinned": (
        "a restarted stream changed `to` or `from`",
        "the domain is fixed once a client has authenticated",
    ),
    "stream.one-element": (
        "a message by WebSocket that is not one element, whole",
        "the client is broken (RFC 7395 §3.3.3)",
    ),
    "stream.text": ("text between stanzas", "only whitespace may stand there"),
    "stream.element": (
        "an element that the stream's state does not allow",
        "negotiate TLS, then SASL, then bind (RFC 6120 §4.3)",
    ),
    "stream.nested": ("an element of the stream namespace inside a stanza", "the client is broken"),
    "stream.not-authorized": (
        "a stanza before authentication or binding",
        "authenticate and bind first (RFC 6120 §4.9.3.12)",
    ),
    "stream.invalid-from": (
        "a stanza from an address that is not the session's",
        "leave `from` out; the server stamps it (RFC 6120 §8.1.2.1)",
    ),
    "stream.timeout": (
        "the stream was not negotiated in time, or a peer fell silent",
        "raise [limits] negotiation_seconds or idle_seconds if clients are slow",
    ),
    "stream.shutdown": ("the server is stopping", "clients reconnect by themselves"),
    "stream.internal": ("a bug or a failing part of the server", "see the log at this time"),
    "carbons.forged": (
        "a message that pretends to be a carbon copy (XEP-0280)",
        "only the server of an account makes such copies; the sender may be an attacker",
    ),
    "delay.forged": (
        "a stanza that pretends to have been delayed by a server or by its recipient (XEP-0203)",
        "only a server says what it has delayed; the sender may be an attacker",
    ),
    # stream management
    "acks.too-high": ("a client acknowledged more than it was sent", "the client is broken"),
    "acks.malformed": ("an `h` that is no number of stanzas", "the client is broken"),
    "acks.enabled": ("stream management was asked for twice", "the client is broken"),
    "session.expired": (
        "the client lost its connection and did not come back in time",
        "raise [stream_management] hibernate_seconds if it should have had longer",
    ),
    "session.resumed": ("the client came back by another connection", "nothing"),
    # finding other servers
    # rosters and subscriptions
    "roster.malformed": ("a roster set that is wrong", "the client is broken (RFC 6121 §2.3.3)"),
    "roster.no-item": ("a contact to be removed that is not in the roster", "get the roster anew"),
    "roster.self": ("a contact or subscription of one's own", "nothing: users see themselves"),
    "roster.guest": (
        "a guest, who has no account, wanted a roster or a subscription",
        "make an account; [auth] anonymous says where guests come in",
    ),
    # privacy lists and blocking
    "privacy.incoming": (
        "a stanza for a user who has blocked its sender",
        "that is the user's decision; his privacy lists and blocklist say whom",
    ),
    "privacy.outgoing": (
        "a stanza to an address that its sender has blocked himself",
        "unblock it, or have another privacy list apply",
    ),
    "privacy.malformed": (
        "a privacy list or block command that is wrong",
        "the client is broken (XEP-0016 §2, XEP-0191 §3); see the error text",
    ),
    "privacy.no-list": ("a privacy list that is not there", "get the names of the lists anew"),
    "privacy.no-group": (
        "a privacy rule for a group that is not in the roster",
        "put a contact into the group first",
    ),
    "privacy.in-use": (
        "a privacy list that applies to another session was to be removed or replaced",
        "have another list apply there first",
    ),
    "privacy.guest": ("a guest, who has no account, wanted to block", "make an account"),
    "privacy.unavailable": (
        "privacy lists are not read: the module privacy_guard is off, or has just been switched on",
        "switch it on in [modules], and log in again",
    ),
    # private XML
    "private.malformed": (
        "private XML was asked for or set in a wrong way",
        "the client is broken (XEP-0049 §2.3)",
    ),
    "private.reserved": (
        "private XML of a namespace that is reserved",
        "what is of jabber: or http://jabber.org/ is stored in other ways (XEP-0049 §2.3)",
    ),
    "private.guest": (
        "a guest, who has no account, wanted to store private XML",
        "make an account; [auth] anonymous says where guests come in",
    ),
    # multicast
    "multicast.malformed": (
        "a stanza for many whose addresses are wrong",
        "the client is broken (XEP-0033 §4); see the error text",
    ),
    "multicast.uri": (
        "a stanza for many of whom one has no XMPP address",
        "nothing: this server sends to XMPP addresses only",
    ),
    "multicast.forbidden": (
        "a stanza for many from somebody who may not send such stanzas",
        "[multicast] users says whether users may; guests and other servers never do",
    ),
    # the session tunnel
    "tunnel.forbidden": (
        "somebody wanted to carry clients' sessions who is not granted that",
        "if it is your gateway, say tunnel = true in its table of [components]",
    ),
    "tunnel.malformed": (
        "a message of a gateway that is wrong",
        "the gateway is broken (docs/session-tunnel.md); see the error text",
    ),
    "tunnel.conflict": (
        "a gateway opened a session whose name is in use",
        "the gateway is broken: it must choose names that nobody can guess",
    ),
    "tunnel.unknown": (
        "a gateway spoke in a session that is not there",
        "nothing, if it or the server was restarted: its clients connect anew",
    ),
    # limits
    "limit.stanza-size": (
        "a stanza over the size limit",
        "raise [limits] stanza_bytes, or before login stanza_bytes_unauthenticated",
    ),
    "limit.tag-size": (
        "a start tag over the size limit",
        "no client needs one so large; [limits] tag_bytes",
    ),
    "limit.namespace": ("a namespace of more than 512 characters", "no client needs one so long"),
    "limit.names": (
        "names of elements and attributes that expand too far",
        "no client needs so long a namespace so often",
    ),
    "limit.form": (
        "a submitted form with more fields, values or characters than a component reads",
        "no client needs one so large",
    ),
    "limit.roster": ("the roster has as many contacts as it may", "raise [roster] items"),
    "limit.roster-octets": (
        "the contacts of a roster have as long addresses, names and groups as they may",
        "raise [roster] octets",
    ),
    "limit.privacy-lists": ("as many privacy lists as a user may have", "raise [privacy] lists"),
    "limit.privacy-items": (
        "as many rules as a privacy list, or blocked addresses as a blocklist, may have",
        "raise [privacy] items",
    ),
    "limit.subscription-requests": (
        "as many requests for a subscription as may wait for an answer",
        "raise [roster] requests, if it is no flood",
    ),
    "limit.subscription-request-size": (
        "a request for a subscription that is too large to be kept",
        "no client needs one so large",
    ),
    "limit.directed-presence": (
        "directed presence to more addresses than are remembered",
        "no client needs so many; leave some rooms",
    ),
    "limit.addresses": (
        "a stanza for more addresses than one may have",
        "send it in several parts, or raise [multicast] addresses",
    ),
    "limit.private": (
        "the account has as much private XML as it may",
        "raise [private] elements or octets",
    ),
    "limit.private-element": (
        "an element of private XML that is too large",
        "raise [private] element_octets",
    ),
    "limit.vcard": (
        "a vCard that is too large, or has more than 2,000 elements and attributes",
        "raise octets in the table [vcard] of the vCard component's own file",
    ),
    "limit.photo": (
        "a photo in a vCard that is too large",
        "use a smaller one, or raise photo_octets in [vcard] of the vCard component's own file",
    ),
    "limit.offline": (
        "as much waits for an account that is not there as may",
        "raise [offline] messages or octets",
    ),
    "limit.unacknowledged": (
        "a client that has left more unacknowledged than is kept",
        "its messages wait for the account; raise [stream_management] queue or octets",
    ),
    "limit.held": (
        "more stanzas for one account than can wait while its data are being read or written",
        "the store is slow, or somebody floods the account; see the log",
    ),
    "limit.depth": ("elements nested too deeply", "raise [limits] depth"),
    "limit.children": ("too many children of one stanza", "no client needs so many"),
    "limit.attributes": ("too many attributes on one element", "raise [limits] attributes"),
    "limit.requests": ("too many requests before login", "no client needs so many"),
    "limit.files": (
        "the process has no files left for another connection",
        "raise LimitNOFILE (systemd) or ulimit -n",
    ),
    "limit.connections": ("too many connections", "raise [limits] connections_per_address"),
    "limit.unauthenticated": (
        "too many connections that have not logged in",
        "raise [limits] unauthenticated_per_address, or unauthenticated for all together",
    ),
    "limit.slow-reader": (
        "the client read more slowly than it was sent to",
        "raise [limits] write_buffer_bytes",
    ),
    "limit.unread": (
        "a gateway went on reading from a client when it was told to stop",
        "the gateway is broken (docs/session-tunnel.md), or the client sends far too fast",
    ),
    "limit.stalled": (
        "the client took nothing of what waited for it",
        "its network or machine is gone; raise [limits] dead_seconds if it only sleeps",
    ),
    "limit.resources": ("too many sessions of one account", "raise [limits] resources"),
    "limit.inflated": (
        "compressed data that inflates too far",
        "raise [compression] ratio or inflated_bytes if it was honest",
    ),
    # TLS
    "tls.required": ("TLS was not negotiated where it is required", "switch the client's TLS on"),
    "tls.injection": (
        "bytes in the clear behind <starttls/>",
        "the client is broken, or somebody is injecting (RFC 6120 §5.4.3.3)",
    ),
    "tls.handshake": (
        "the TLS handshake failed",
        "what failed stands with it: a protocol version, a cipher, a certificate, a wrong port",
    ),
    # authentication
    "auth.mechanism": ("a mechanism that was not offered", "use one of those offered"),
    "auth.malformed": ("a malformed SASL message", "the client is broken"),
    "auth.encoding": ("SASL data that is not base64", "the client is broken"),
    "auth.aborted": ("the client gave up", "none needed"),
    "auth.credentials": ("wrong user or password", "check both; xmppctl passwd sets a new one"),
    "auth.authzid": (
        "an authorisation identity that is not the user's own",
        "leave it out, or grant it in [auth.impersonate]",
    ),
    "auth.channel-binding": (
        "the TLS channel binding did not match",
        "somebody may be in the middle, or a proxy ends the TLS",
    ),
    "auth.encryption-required": ("a plain password without TLS", "switch the client's TLS on"),
    "auth.unavailable": (
        "the credential store could not answer",
        "see the log; the client is not at fault",
    ),
    "auth.changed": (
        "the account's password changed while the client was logging in",
        "clients try again by themselves",
    ),
    "auth.certificate": (
        "the client certificate names no account here",
        "see XEP-0178; [tls] client_ca says whose certificates count",
    ),
    "auth.retries": ("too many failed attempts", "wait before trying again"),
    "auth.throttled": (
        "too many attempts at one account from one network are waiting already",
        "somebody is guessing, or many clients have an old password: wait a minute",
    ),
    "auth.disabled": ("the account is switched off", "xmppctl users shows it"),
    "auth.no-sealed-password": (
        "a digest login for a password that was set before digest logins were switched on",
        "set the password again with xmppctl passwd",
    ),
    "auth.legacy": ("a Non-SASL login where that is off", "see [auth] legacy (XEP-0078)"),
    # binding and sessions
    "bind.conflict": (
        "another session has this resource",
        "see [server] resource_conflict",
    ),
    "bind.malformed": ("a resource that is no valid resource part", "choose another"),
    "bind.again": ("a second bind on one stream", "one stream has one resource"),
    "session.replaced": ("a newer session took the resource", "see [server] resource_conflict"),
    "session.gone": ("the client went away while it logged in", "none needed"),
    "session.kicked": ("an operator ended the session", "none needed"),
    "session.account-removed": ("the account was removed", "none needed"),
    # components
    "component.unknown": (
        "a component for a domain that the configuration leaves to none",
        'add a table [components."DOMAIN"], or correct the component\'s domain',
    ),
    "component.secret": (
        "a component that does not know its secret",
        "give the component and its table in the configuration the same secret",
    ),
    "component.new-secret": (
        "the component's secret in the configuration is another than the one it had proved to know",
        "give the component the new one, too",
    ),
    "component.attempts": (
        "too many connections of components from one address came to nothing",
        "see why the ones before were refused",
    ),
    "component.handshake-first": (
        "a stanza of a component that has not proved itself",
        "send <handshake/> first (XEP-0114 §3)",
    ),
    "component.from": (
        "a component used an address that is not its own",
        "correct the component: `from` is to be at its own domain (XEP-0114 §3)",
    ),
    "component.to": ("a component sent a stanza without `to`", "correct the component"),
    "component.conflict": (
        "the domain's component is connected already",
        'end the other one, or set conflict = "replace" in its table',
    ),
    "component.replaced": (
        "another connection serves the component's domain",
        "none needed, unless two of them take turns: then give each a domain, or set instances",
    ),
    "component.instances": (
        "as many instances of the component are connected as may be",
        "raise instances in its table",
    ),
    "component.absent": ("the addressed component is not connected", "see its own log"),
    "component.gone": ("the component went away before it answered", "see its own log"),
    "component.drained": (
        "the component was drained, for another process to take over",
        "none needed: it connects again, or its next process does",
    ),
    "component.hand-over": (
        "an instance did not let go of addresses that are another's by now",
        "see its own log; docs/writing-a-component.md describes the request",
    ),
    "component.expired": (
        "the component did not come back for what waited for it",
        "see its own log; spool_seconds in its table says how long that waits",
    ),
    "component.silent": ("the component did not answer in time", "see its own log"),
    "component.unasked": (
        "a component answered what it was not asked, or once more, or after an error had been sent",
        "nothing, where it had lost its connection; else correct the component",
    ),
    "component.requests": (
        "the component owes an answer to too many requests, or to too many of one sender",
        "it is too slow: see its own log, or run more instances of it",
    ),
    "component.queue": (
        "too much waits for the component",
        "it is too slow: run more instances, or raise queue_octets or spool_octets in its table",
    ),
    "component.share": (
        "so much waits for the component of one sender that the rest of the room is for others",
        "see why it is slow or away, in its own log; the room is queue_octets and spool_octets in"
        " its table",
    ),
    "component.failing": (
        "a bundled component can't be kept running",
        "see what it says in the log, mend that (its keys are in [bundled.settings]), then xmppctl"
        " reload; or name it in [bundled] off",
    ),
    "privilege.message": (
        "a component that may send no messages in others' names",
        'grant it: message = "outgoing" in its table',
    ),
    "privilege.iq": (
        "a component that may not send this request in a user's name",
        "grant it the payload's namespace in the table iq below its own (XEP-0356 §6)",
    ),
    "privilege.entity": (
        "a component speaks for somebody that it can't speak for",
        "correct the component: bare JIDs of users at a domain that it is granted for",
    ),
    "privilege.archive": (
        "a component says in a user's name what only his archive may say",
        "delegate the archive's namespace to it where it is that (XEP-0355)",
    ),
    "privilege.malformed": (
        "a component's message in somebody's name that is none",
        "correct the component (XEP-0356 §5.3)",
    ),
    "delegation.failed": (
        "the component to which a request was handed on is not there, or could not answer",
        "see xmppctl components, and the component's own log",
    ),
    "delegation.answer": (
        "a component's answer to a request that was handed on does not fit it",
        "correct the component (XEP-0355 §4.3)",
    ),
    # avatars in presence
    "avatar.malformed": (
        "a component told of an avatar without its hash",
        "correct the component: 40 hexadecimal digits, or none (XEP-0153 §3.1)",
    ),
    # stanzas
    "stanza.to": ("the `to` address is no JID", "correct the address"),
    "stanza.id": (
        "an id of more than 1023 characters",
        "a short one: whoever answers has to repeat it",
    ),
    "stanza.iq-id": ("an IQ without id", "an id is required (RFC 6120 §8.2.3)"),
    "stanza.iq-type": ("an IQ of no known type", "get, set, result or error (RFC 6120 §8.2.3)"),
    "stanza.iq-child": (
        "an IQ request without exactly one payload",
        "one child element is required (RFC 6120 §8.2.3)",
    ),
    "stanza.type": ("a stanza of no known type", "see RFC 6121 §4.7.1 and §5.2.2"),
    "stanza.malformed": ("a payload that does not follow its specification", "see the error text"),
    "stanza.no-such-user": ("the addressed account does not exist", "check the address"),
    "stanza.no-session": ("the addressed account has no session", "try again later"),
    "stanza.unhandled": ("nothing here handles this payload", "ask what is supported by XEP-0030"),
    "stanza.remote": (
        "the domain is not served here, and this server does not talk to others",
        "check the address; [s2s] enabled switches other servers on",
    ),
    "stanza.node": ("no such service discovery node", "ask without a node"),
    "stanza.internal": ("a bug or a failing part of the server", "see the log at this time"),
    "stanza.store": ("the store is too busy or gone", "try again later; see the log"),
    "stanza.forbidden": ("the sender may not do this", "ask an administrator"),
    # components, as they tell of themselves
    "component.refused": ("the server ended the component's stream", "see the component's log"),
    "component.no-address": (
        "a stanza without `from` or `to` on a component's stream",
        "the server is broken (XEP-0114 §3)",
    ),
    "component.not-the-server": (
        "a stanza that only the server may send to its component",
        "[core] server of the component names the server's domains; else it is an attack",
    ),
    "component.not-an-instance": (
        "a stanza that only an instance of a component may send to another",
        "nothing; it may be an attack",
    ),
    "component.passed": (
        "a stanza passed on to an instance that does not act for it, while instances come or go",
        "send it again",
    ),
    "component.not-granted": (
        "the server has not granted the component what it needs for this",
        "grant it where the server's configuration has the component (XEP-0356)",
    ),
    "component.command-forbidden": ("a command by somebody who may not", "name him an admin of it"),
    "component.command-malformed": ("a command that goes on with nothing", "the client is broken"),
    "component.command-unknown": ("a command that there is not", "see which there are"),
    "component.busy": ("the component has too much to do, or stops", "try again later"),
    "component.slow": ("the component took too long to answer", "see the component's log"),
    "component.asked-in-vain": (
        "the component had to ask somebody else, who did not answer or refused",
        "see the error's condition",
    ),
    "form.value": ("a form with a value that its field can't have", "see the error text"),
    # vCards and the search for users
    "vcard.none": ("a vCard of somebody who has none, or no account", "nothing"),
    "vcard.malformed": ("something else than a vCard", "the client is broken (XEP-0054, XEP-0292)"),
    "vcard.photo": (
        "a photo that is no base64, or no PNG, JPEG, GIF or WebP",
        "choose another image",
    ),
    "vcard.avatar": (
        "an avatar that is not what its metadata say",
        "the client is broken (XEP-0084 §3)",
    ),
    "search.empty": ("a search for nobody in particular", "fill in one field at least"),
    "search.stranger": (
        "a search by somebody who is no user of the server",
        'nothing, or search = "everybody" in [vcard] of the vCard component\'s own file',
    ),
    "search.rate": (
        "more searches by a user than a minute may have",
        "raise searches_per_minute in [vcard] of the vCard component's own file",
    ),
    "search.page": (
        "a page of users beside something that is no address",
        "search anew: the client made it up (XEP-0059 §2.4)",
    ),
    # registration
    "register.closed": ("registration is off here", "see [registration] policy"),
    "register.conflict": ("the name is taken", "choose another"),
    "register.malformed": ("a name or password that can't be used", "see the error text"),
    "register.rate": ("too many registrations from one address", "see [registration]"),
    **SERVERS,
}
