"""By what messages of an archive are chosen: a form, and the query it makes (XEP-0313 §4.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element

from components.common.forms import submission
from components.common.forms.datatypes import DATE_TIME
from components.common.forms.fields import jid_single, list_multi, optional, text_single, typed
from components.common.forms.form import Form
from components.common.forms.validation import Open
from components.muc.names import MAM
from components.muc.store.archive import Query
from xmppd.errors import StanzaError
from xmppd.jid import JID

WITH = optional(jid_single("with", "By whom"))
START = optional(typed("start", "From when on", DATE_TIME))
END = optional(typed("end", "Until when", DATE_TIME))
BEFORE = optional(text_single("before-id", "Before the message of this id"))
AFTER = optional(text_single("after-id", "Behind the message of this id"))
IDS = list_multi("ids", "The messages of these ids", {}, method=Open())

FORM = Form(MAM, (WITH, START, END, BEFORE, AFTER, IDS))
"""All that there is; clients need not have seen it (§4.1.5)."""

_KNOWN = {submission.FORM_TYPE, *(field.var for field in (WITH, START, END, BEFORE, AFTER, IDS))}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def chosen(x: Element | None, room: JID) -> Query:
    """What a form asks for, of the archive of `room`; all without one, or with nothing in it.

    Raises StanzaError: `feature-not-implemented` for fields that there are not (§4.1.5), and as
    `Form.submitted` does.
    """
    if x is None:
        return Query()
    unknown = sorted(submission.texts(x).keys() - _KNOWN)
    if unknown:
        text = f"there is no field {unknown[0][:100]}"
        raise StanzaError("feature-not-implemented", text, reason="muc.archive-field")
    said = FORM.submitted(x)
    by = said.get(WITH, None)
    nick, author = None, by
    if by is not None and by.bare == room:
        # §4.1.1: each message is from the room, as far as bare JIDs go.
        nick, author = by.resource or None, None
    return Query(
        start=_number(said.get(START, None)),
        end=_number(said.get(END, None)),
        with_nick=nick,
        with_author=author,
        before_id=said.get(BEFORE, None),
        after_id=said.get(AFTER, None),
        ids=said.get(IDS, ()) or None,
    )


def _number(moment: datetime | None) -> int | None:
    """A moment as `Said.number` counts."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND
