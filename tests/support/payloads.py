"""What clients publish at accounts, as each specification has it, with the options they send."""

from __future__ import annotations

from typing import NamedTuple

AXOLOTL = "eu.siacs.conversations.axolotl"
OMEMO = "urn:xmpp:omemo:2"
AVATAR = "urn:xmpp:avatar"


class Publication(NamedTuple):
    """One item. `options` are preconditions (XEP-0060 §7.1.5), `""` for `id` leaves it out."""

    xep: str
    node: str
    id: str
    payload: str
    options: dict[str, str]

    @property
    def access(self) -> str:
        """Who may read it."""
        return self.options.get("access_model", "presence")


_OPEN = {"access_model": "open"}
_KEPT = {**_OPEN, "persist_items": "true"}
_MANY = {**_KEPT, "max_items": "max"}
_PRIVATE = {"persist_items": "true", "access_model": "whitelist"}
_DAB = "a5d4bb47b8c1c0f5a1fd4e3d6a9b8c7d6e5f4a3b"

PUBLICATIONS = (
    Publication(
        "XEP-0384 0.3, devices",
        f"{AXOLOTL}.devicelist",
        "current",
        f"<list xmlns='{AXOLOTL}'><device id='12345'/><device id='4223'/></list>",
        _OPEN,
    ),
    Publication(
        "XEP-0384 0.3, bundle",
        f"{AXOLOTL}.bundles:31415",
        "current",
        f"<bundle xmlns='{AXOLOTL}'>"
        "<signedPreKeyPublic signedPreKeyId='1'>BQ==</signedPreKeyPublic>"
        "<signedPreKeySignature>Zg==</signedPreKeySignature><identityKey>aQ==</identityKey>"
        "<prekeys><preKeyPublic preKeyId='1'>cA==</preKeyPublic></prekeys></bundle>",
        _KEPT,
    ),
    Publication(
        "XEP-0384, devices",
        f"{OMEMO}:devices",
        "current",
        f"<devices xmlns='{OMEMO}'><device id='12345'/><device id='4223' label='Gajim'/></devices>",
        _OPEN,
    ),
    Publication(
        "XEP-0384, bundle",
        f"{OMEMO}:bundles",
        "31415",
        f"<bundle xmlns='{OMEMO}'><spk id='0'>cw==</spk><spks>cw==</spks><ik>aQ==</ik>"
        "<prekeys><pk id='0'>cA==</pk></prekeys></bundle>",
        _MANY,
    ),
    Publication(
        "XEP-0084 4.2.2, data",
        f"{AVATAR}:data",
        _DAB,
        f"<data xmlns='{AVATAR}:data'>cXFxcXFxcXFxcXFx</data>",
        _KEPT,
    ),
    Publication(
        "XEP-0084 4.2.3, metadata",
        f"{AVATAR}:metadata",
        _DAB,
        f"<metadata xmlns='{AVATAR}:metadata'><info bytes='12345' id='{_DAB}' height='64'"
        " type='image/png' width='64'/></metadata>",
        _OPEN,
    ),
    Publication(
        "XEP-0084 4.2.5, no avatar",
        f"{AVATAR}:metadata",
        "",
        f"<metadata xmlns='{AVATAR}:metadata'/>",
        {},
    ),
    Publication(
        "XEP-0107",
        "http://jabber.org/protocol/mood",
        "",
        "<mood xmlns='http://jabber.org/protocol/mood'><annoyed/>"
        "<text>curse my nurse!</text></mood>",
        {},
    ),
    Publication(
        "XEP-0108",
        "http://jabber.org/protocol/activity",
        "",
        "<activity xmlns='http://jabber.org/protocol/activity'><relaxing><partying/></relaxing>"
        "<text xml:lang='en'>My nurse's birthday!</text></activity>",
        {},
    ),
    Publication(
        "XEP-0118",
        "http://jabber.org/protocol/tune",
        "bffe6584-0f9c-11dc-84ba-001143d5d5db",
        "<tune xmlns='http://jabber.org/protocol/tune'><artist>Yes</artist><length>686</length>"
        "<rating>8</rating><source>Yessongs</source><title>Heart of the Sunrise</title>"
        "<track>3</track><uri>http://www.yesworld.com/lyrics/Fragile.html#9</uri></tune>",
        {},
    ),
    Publication(
        "XEP-0080",
        "http://jabber.org/protocol/geoloc",
        "",
        "<geoloc xmlns='http://jabber.org/protocol/geoloc' xml:lang='en'><accuracy>20</accuracy>"
        "<country>Italy</country><lat>45.44</lat><locality>Venice</locality><lon>12.33</lon>"
        "</geoloc>",
        {},
    ),
    Publication(
        "XEP-0172",
        "http://jabber.org/protocol/nick",
        "",
        "<nick xmlns='http://jabber.org/protocol/nick'>Ishmael</nick>",
        {},
    ),
    Publication(
        "XEP-0292",
        "urn:xmpp:vcard4",
        "current",
        "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Juliet Capulet</text></fn>"
        "<n><surname>Capulet</surname><given>Juliet</given></n></vcard>",
        _KEPT,
    ),
    Publication(
        "XEP-0277",
        "urn:xmpp:microblog:0",
        "1cb57d9c-1c46-11dd-838c-001143d5d5db",
        "<entry xmlns='http://www.w3.org/2005/Atom'><title type='text'>hanging out at the Caf&#233;"
        " Napolitano</title><link rel='alternate' type='text/html' href='http://montague.lit/romeo'/>"
        "<id>tag:montague.lit,2008-05-08:posts-1cb57d9c</id>"
        "<published>2008-05-08T18:30:02Z</published></entry>",
        {**_MANY, "access_model": "presence"},
    ),
    Publication(
        "XEP-0222",
        "urn:xmpp:tmp:pubkey",
        "julietRSAkey1hash",
        "<key xmlns='urn:xmpp:tmp:pubkey'><x509cert>der-encoded-cert</x509cert></key>",
        {"persist_items": "true", "send_last_published_item": "never", "access_model": "open"},
    ),
    Publication(
        "XEP-0223",
        "urn:example:private",
        "current",
        "<secret xmlns='urn:example:private' xmlns:x='urn:example:x' x:of='&lt;Romeo&gt;'><![CDATA["
        "my <only> love]]></secret>",
        _PRIVATE,
    ),
    Publication(
        "XEP-0402 3.3",
        "urn:xmpp:bookmarks:1",
        "theplay@conference.shakespeare.lit",
        "<conference xmlns='urn:xmpp:bookmarks:1' name='The Play&apos;s the Thing' autojoin='true'>"
        "<nick>JC</nick></conference>",
        {**_PRIVATE, "max_items": "max", "send_last_published_item": "never"},
    ),
    Publication(
        "XEP-0490",
        "urn:xmpp:mds:displayed:0",
        "romeo@montague.lit",
        "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0'"
        " by='juliet@capulet.lit' id='0f710f2b-52ed-4d52-b928-784dad74a52b'/></displayed>",
        {**_PRIVATE, "max_items": "max", "send_last_published_item": "never"},
    ),
)
