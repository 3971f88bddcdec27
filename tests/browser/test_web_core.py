"""The web client's core, piece by piece: what the specifications' own examples say."""

from __future__ import annotations

import pytest

from tests.browser.core import call, load


@pytest.fixture(scope="module")
def core(browser):
    """One page for all: what is tried here leaves nothing behind."""
    context = browser.new_context()
    yield load(context.new_page())
    context.close()


MALFORMED = {"condition": "jid-malformed"}

# RFC 5802 5 and RFC 7677 3: the same user with each hash.
SCRAM = {
    "SCRAM-SHA-1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "SCRAM-SHA-256": (
        "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}
EXCHANGE = """(async () => {
  const s = new m.Scram(a.mechanism, "user", { password: a.password ?? "pencil", nonce: a.nonce });
  const first = s.first();
  const final = await s.final(a.challenge);
  const before = s.keys;
  s.verify(a.proof);
  return { first, final, before, kept: s.keys.mechanism };
})()"""


def _exchange(core, mechanism, **changed):
    nonce, challenge, _, proof = SCRAM[mechanism]
    given = {"mechanism": mechanism, "nonce": nonce, "challenge": challenge, "proof": proof}
    return call(core, "scram.js", EXCHANGE, given | changed)


@pytest.mark.parametrize("mechanism", SCRAM)
def test_scram_as_in_rfc5802_5_and_rfc7677_3(core, mechanism):
    nonce, _, final, _ = SCRAM[mechanism]
    assert _exchange(core, mechanism) == {
        "first": f"n,,n=user,r={nonce}",
        "final": final,
        "before": None,
        "kept": mechanism,
    }


UNVERIFIED = {"condition": "server-unverified"}


@pytest.mark.parametrize(
    "changed",
    [
        {"proof": "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"proof": ""},
        {"proof": "e=other-error"},
        {"challenge": "r=someoneelse,s=QSXCR+Q6sek8bf92,i=4096"},
        {"challenge": "r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096"},
        {"challenge": "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4095"},
        {"challenge": "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=10000001"},
        {"challenge": "m=x,r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096"},
        {"challenge": "r=fyko+d2lbbFgONRv9qkxdawLx,s=!,i=4096"},
        {"password": "pen"},
    ],
)
def test_a_server_that_does_not_prove_itself_is_refused_rfc5802_5_1(core, changed):
    assert _exchange(core, "SCRAM-SHA-1", **changed) == UNVERIFIED


def test_keys_of_before_do_without_the_password(core):
    nonce, challenge, final, proof = SCRAM["SCRAM-SHA-256"]
    again = """(async () => {
      const keys = await m.deriveKeys("SCRAM-SHA-256", "pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
      const s = new m.Scram("SCRAM-SHA-256", "user", { keys, nonce: a[0] });
      s.first();
      const final = await s.final(a[1]);
      s.verify(a[2]);
      return final;
    })()"""
    assert call(core, "scram.js", again, [nonce, challenge, proof]) == final
    other = challenge.replace("W22Z", "W22A")
    assert call(core, "scram.js", again, [nonce, other, proof]) == {"condition": "password-needed"}


@pytest.mark.parametrize(
    ("names", "secure", "bound", "chosen"),
    [
        (["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], True, None, "SCRAM-SHA-256"),
        (["PLAIN", "SCRAM-SHA-1"], True, None, "SCRAM-SHA-1"),
        (["PLAIN"], True, None, "PLAIN"),
        (["PLAIN"], False, None, {"condition": "no-mechanism"}),
        (["PLAIN", "SCRAM-SHA-1"], True, "SCRAM-SHA-256", {"condition": "password-needed"}),
    ],
)
def test_the_best_mechanism_and_never_a_weaker_one_than_before(core, names, secure, bound, chosen):
    expression = "m.choose(new Set(a[0]), a[1], a[2])"
    assert call(core, "sasl.js", expression, [names, secure, bound]) == chosen


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0007", {"condition": "password-invalid"}),
        ("\u06271", {"condition": "password-invalid"}),
    ],
)
def test_saslprep_as_in_rfc4013_3(core, text, prepared):
    assert call(core, "saslprep.js", "m.saslprep(a)", text) == prepared


# XEP-0115 5.2 and 5.3.
CAPS = "http://jabber.org/protocol/caps"
SIMPLE = """<query xmlns='http://jabber.org/protocol/disco#info'>
  <identity category='client' name='Exodus 0.9.1' type='pc'/>
  <feature var='http://jabber.org/protocol/caps'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/muc'/></query>"""
COMPLEX = """<query xmlns='http://jabber.org/protocol/disco#info'>
  <identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
  <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>
  <feature var='http://jabber.org/protocol/caps'/>
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/muc'/>
  <x xmlns='jabber:x:data' type='result'>
    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
    <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
    <field var='software'><value>Psi</value></field>
    <field var='os'><value>Mac</value></field>
    <field var='os_version'><value>10.5.1</value></field>
    <field var='software_version'><value>0.11</value></field>
  </x></query>"""
READ = """(async () => {
  const { parseElement } = await import("/js/xmpp/xml.js");
  const info = m.readInfo(parseElement(a));
  return info && m.verification("sha-1", info);
})()"""


@pytest.mark.parametrize(
    ("query", "ver"),
    [(SIMPLE, "QgayPKawpkPSDYmwT/WM94uAlu0="), (COMPLEX, "q07IKJEyjvHSyhy//CH0CxmKi8w=")],
)
def test_verification_strings_as_in_xep0115_5_2_and_5_3(core, query, ver):
    assert call(core, "caps.js", READ, query) == ver


FORM = "<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>f</value></field></x>"


@pytest.mark.parametrize(
    "twice", [f"<feature var='{CAPS}'/>", FORM * 2, "<identity category='client' type='pc'/>"]
)
def test_what_is_ill_formed_has_no_verification_string_xep0115_5_4(core, twice):
    assert call(core, "caps.js", READ, SIMPLE.replace("</query>", f"{twice}</query>")) is None


ESCAPES = [
    ("d'artagnan", "d\\27artagnan"),
    ("space cadet", "space\\20cadet"),
    ('call me "ishmael"', "call\\20me\\20\\22ishmael\\22"),
    ("at&t guy", "at\\26t\\20guy"),
    ("/.fanboy", "\\2f.fanboy"),
    ("::foo::", "\\3a\\3afoo\\3a\\3a"),
    ("<foo>", "\\3cfoo\\3e"),
    ("user@host", "user\\40host"),
    ("c:\\net", "c\\3a\\net"),
    ("c:\\\\net", "c\\3a\\\\net"),
    ("c:\\cool stuff", "c\\3a\\cool\\20stuff"),
    ("c:\\5commas", "c\\3a\\5c5commas"),
    ("\\3and\\2is\\5cool", "\\5c3and\\2is\\5c5cool"),
    ("\\2plus\\2is\\4", "\\2plus\\2is\\4"),
    ("foo\\bar", "foo\\bar"),
    ("foob\\41r", "foob\\41r"),
]


@pytest.mark.parametrize(("shown", "node"), ESCAPES)
def test_escaping_both_ways_xep0106_3_and_4_3(core, shown, node):
    assert call(
        core, "escaping.js", "[m.escapeNode(a[0]), m.unescapeNode(a[1])]", [shown, node]
    ) == [
        node,
        shown,
    ]


def test_no_space_at_either_end_xep0106_3_2(core):
    assert call(core, "escaping.js", "m.escapeNode(a)", " a b ") == "a\\20b"
    assert call(core, "escaping.js", "m.unescapeNode(a)", "\\20a") == "\\20a"


@pytest.mark.parametrize(
    ("typed", "bare"),
    [
        (" Romeo@Verona.Example ", "romeo@verona.example"),
        ("d'artagnan@musketeers.lit", "d\\27artagnan@musketeers.lit"),
        ("d\\27artagnan@musketeers.lit", "d\\27artagnan@musketeers.lit"),
        ("treville@gascon.fr@smtp.gascon.fr", "treville\\40gascon.fr@smtp.gascon.fr"),
        ("", MALFORMED),
        ("@verona.example", MALFORMED),
    ],
)
def test_an_address_as_people_type_it(core, typed, bare):
    got = call(core, "escaping.js", "m.typedJid(a).bare", typed)
    assert got == bare


@pytest.mark.parametrize(
    ("typed", "local"),
    [
        ("Romeo", "romeo"),
        ("romeo@verona.example", "romeo"),
        ("Benvolio Montague", "benvolio\\20montague"),
        ("romeo@mantua.example", {"condition": "host-unknown"}),
        ("", MALFORMED),
    ],
)
def test_a_name_to_log_in_with(core, typed, local):
    assert call(core, "names.js", "m.loginName(a, 'verona.example')", typed) == local


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("verona.example", ["", "verona.example", "", "verona.example"]),
        ("Juliet@Verona.Example/Balcony", ["juliet", "verona.example", "Balcony", None]),
        ("verona.example/a@b/c", ["", "verona.example", "a@b/c", None]),
        ("ΔΣ@bücher.example", ["δ\u03c3", "bücher.example", "", None]),
        ("a@[::1]", ["a", "[::1]", "", None]),
        ("a@b@c", MALFORMED),
        ("a@", MALFORMED),
        ("@b", MALFORMED),
        ("a@b/", MALFORMED),
        ("a b@c", MALFORMED),
        ("a&b@c", MALFORMED),
        ("a@b<c", MALFORMED),
        ("a" * 1024 + "@b", MALFORMED),
        ("a@b/\u0000", MALFORMED),
    ],
)
def test_addresses_rfc7622_3(core, text, parts):
    got = call(
        core, "jid.js", "(j => [j.local, j.domain, j.resource, j.full])(m.parseJid(a))", text
    )
    if isinstance(parts, list) and parts[3] is None:
        got, parts = got[:3], parts[:3]
    assert got == parts


def test_what_is_built_is_well_formed_whatever_is_in_it(core):
    texts = ["<b>&amp;\"'", "a\u0000b\u001f\ufffe", "line\r\nline\ttab", "\U0001f600"]
    expression = """(() => {
      const attributes = { t: a, n: null, u: undefined, xmlns: "urn:x" };
      const made = m.xml("a", attributes, a, m.xml("c"), null, false);
      const read = m.parseElement(made.toString());
      return [read.getAttribute("t"), read.textContent, read.attributes.length,
              read.children.length];
    })()"""
    for text in texts:
        clean = text.replace("\u0000", "").replace("\u001f", "").replace("\ufffe", "")
        assert call(core, "xml.js", expression, text) == [clean, clean, 2, 1]


def test_half_a_character_is_not_sent(core):
    assert (
        call(core, "xml.js", "m.xml('a', null, 'x\\uD83D', '\\uDE00y').toString()") == "<a>xy</a>"
    )


BAD_XML = {"condition": "bad-xml"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<a xmlns='x'/>", "a"),
        ("<?xml version='1.0'?><a/>", "a"),
        ("<a><![CDATA[<!DOCTYPE x>]]></a>", "a"),
        # An element that looks as the parser's own word for an error is but an element.
        ("<m><parsererror xmlns='http://www.w3.org/1999/xhtml'/></m>", "m"),
        ("<m>parsererror</m>", "m"),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", BAD_XML),
        ("<?xml version='1.0'?><!DOCTYPE a><a/>", BAD_XML),
        ("<!-- x --><a/>", BAD_XML),
        ("<a>", BAD_XML),
        ("<a/><b/>", BAD_XML),
        ("<a>parsererror", BAD_XML),
        ("<p:a/>", BAD_XML),
        ("", BAD_XML),
        ("hello", BAD_XML),
    ],
)
def test_what_is_read_rfc6120_11(core, text, name):
    assert call(core, "xml.js", "m.parseElement(a).localName", text) == name


def test_a_giant_is_not_read(core):
    assert call(core, "xml.js", "m.parseElement('<a>' + 'x'.repeat(5e6) + '</a>')") == {
        "condition": "policy-violation"
    }


REGISTER = "<query xmlns='jabber:iq:register'>{}</query>"
PLAIN_FIELDS = "<instructions>Choose.</instructions><username/><password/>"
REGISTER_FORM = (
    "<x xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'>"
    "<value>jabber:iq:register</value></field><field type='text-single' var='username'><required/>"
    "</field><field type='text-private' var='password'><required/></field>{}</x>"
)
UNSUPPORTED = {"condition": "form-unsupported"}
FILL = """(async () => {
  const { parseElement } = await import("/js/xmpp/xml.js");
  return m.fill(parseElement(a), { username: "romeo", password: "m" }).join("");
})()"""


@pytest.mark.parametrize(
    ("fields", "filled"),
    [
        (PLAIN_FIELDS, "<username>romeo</username><password>m</password>"),
        (PLAIN_FIELDS + "<email/>", UNSUPPORTED),
        ("<instructions/>", UNSUPPORTED),
        ("<registered/>" + PLAIN_FIELDS, {"condition": "conflict"}),
        (
            PLAIN_FIELDS + REGISTER_FORM.format("<field var='nick' type='text-single'/>"),
            '<x xmlns="jabber:x:data" type="submit">'
            '<field var="FORM_TYPE"><value>jabber:iq:register</value></field>'
            '<field var="username"><value>romeo</value></field>'
            '<field var="password"><value>m</value></field></x>',
        ),
        (
            PLAIN_FIELDS
            + REGISTER_FORM.format("<field var='ocr' type='text-single'><required/></field>"),
            UNSUPPORTED,
        ),
    ],
)
def test_registration_fills_what_it_can_xep0077_3_1_1(core, fields, filled):
    assert call(core, "registration.js", FILL, REGISTER.format(fields)) == filled


@pytest.mark.parametrize(
    ("begins", "kind"),
    [
        ([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10], "image/png"),
        ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
        (list(b"GIF89a"), "image/gif"),
        (list(b"RIFF\0\0\0\0WEBPVP8 "), "image/webp"),
        (list(b"<svg xmlns='http://www.w3.org/2000/svg'>"), None),
        ([], None),
    ],
)
def test_pictures_are_known_by_what_they_begin_with(core, begins, kind):
    assert call(core, "image.js", "m.imageType(new Uint8Array(a))", begins) == kind


@pytest.mark.parametrize(
    ("address", "scheme", "base", "url", "secure"),
    [
        (
            "/xmpp-websocket",
            "ws",
            "https://verona.example/",
            "wss://verona.example/xmpp-websocket",
            True,
        ),
        ("/http-bind", "http", "http://verona.example/", "http://verona.example/http-bind", False),
        ("/http-bind", "http", "http://localhost:5280/", "http://localhost:5280/http-bind", True),
        ("wss://im.example/ws", "ws", "http://verona.example/", "wss://im.example/ws", True),
        ("ws://127.0.0.1:1/ws", "ws", "http://verona.example/", "ws://127.0.0.1:1/ws", True),
        (
            "ws://localhost.example/ws",
            "ws",
            "http://verona.example/",
            "ws://localhost.example/ws",
            False,
        ),
    ],
)
def test_where_the_end_points_are_and_whether_they_are_safe(
    core, address, scheme, base, url, secure
):
    expression = "(u => [u.href, m.isSecure(u)])(m.resolve(...a))"
    assert call(core, "addresses.js", expression, [address, scheme, base]) == [url, secure]
