"""What browsers send with what a page of theirs says, and how stanzas stand there.

The fields are those that Chromium sends from a page of the same origin, but for the one that asks
for compression: it would be left to a proxy, and the peers do not do it at all.
"""

import re

_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
_HEADING = """\
{method} {path} HTTP/1.1\r
Host: localhost:{port}\r
User-Agent: {agent}\r
Accept: */*\r
Accept-Language: en-GB,en;q=0.9\r
Origin: http://localhost:{port}\r
Referer: http://localhost:{port}/\r
Sec-Fetch-Site: same-origin\r
Sec-Fetch-Mode: cors\r
Sec-Fetch-Dest: empty\r
"""
_STANZA = re.compile(rb"^<(?:iq|presence|message)\b")


def heading(method: str, path: str, address: tuple[str, int]) -> bytes:
    """Return a request's first line and the fields that are the same for all."""
    return _HEADING.format(method=method, path=path, port=address[1], agent=_AGENT).encode()


def declared(element: bytes) -> bytes:
    """Return an element with its namespace declared: no stream is around it that would do so."""
    return _STANZA.sub(rb"\g<0> xmlns='jabber:client'", element, count=1)
