"""A payload as people read it: the body beside it, for clients that do not know what it is (§13.8).

A `Transform` makes a text of a payload, "" where there is nothing to be said of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from components.common.build import text

CHARACTERS = 4_000
"""Of one body: it tells what there is, and need not be all of it."""

_MORE = "…"
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 §2.2 has no way to write."""

Transform: TypeAlias = Callable[[bytes], str]
"""Makes a text of a payload; raises `Untransformed` where it can't."""


class Untransformed(Exception):
    """Nothing was made of a payload; it says why."""


def body(said: str) -> bytes:
    """`<body/>` with a text, as much of it as there may be; b"" for none.

    It is of the namespace of the message around it.
    """
    said = _NO_XML.sub("", said).strip()
    if len(said) > CHARACTERS:
        said = said[: CHARACTERS - len(_MORE)].rstrip() + _MORE
    return f"<body>{text(said)}</body>".encode() if said else b""
