"""Moments as XMPP writes them (XEP-0082 §3.2), as seconds UTC since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATETIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,32}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_LEGACY = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d:\d\d:\d\d)", re.ASCII)


def written(at: float, digits: int = 0) -> str:
    """A moment in UTC, to so many digits of a second, six at the most; the rest is cut off."""
    moment = datetime.fromtimestamp(at, UTC)
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def read(text: str) -> float:
    """What a DateTime says; raises ValueError for what is none, or is no moment there ever was.

    The older form of XEP-0091 is read, too, as clients still write it.
    """
    text = text.strip()
    legacy = _LEGACY.fullmatch(text)
    if legacy is not None:
        text = f"{legacy[1]}-{legacy[2]}-{legacy[3]}T{legacy[4]}Z"
    found = _DATETIME.fullmatch(text)
    if found is None:
        raise ValueError(f"no DateTime of XEP-0082: {text[:40]!r}")
    whole, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(whole + zone.replace("Z", "+00:00"))
        return moment.timestamp() + float(f"0.{fraction or 0}")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no moment: {text[:40]!r}") from error
