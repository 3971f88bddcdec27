"""What who registers with a room fills in, and the admin who lets him (XEP-0045 §16.5.1)."""

from __future__ import annotations

from collections.abc import Mapping

from components.common.build import Tag
from components.common.forms.fields import boolean, jid_single, text_multi, text_single
from components.common.forms.form import Form
from components.common.forms.values import Values
from components.muc.names import MUC_REGISTER
from components.muc.store.rooms import Application

NICK = text_single("muc#register_roomnick", "Nickname", required=True)
ASKED_NICK = text_single("muc#register_roomnick", "Nickname")

DETAILS = (
    text_single("muc#register_first", "Given name", most=100),
    text_single("muc#register_last", "Family name", most=100),
    text_single("muc#register_url", "A web page", most=300),
    text_single("muc#register_email", "Email address", most=200),
    text_multi("muc#register_faqentry", "About you", most=1_000),
)
"""What admins may want to know. Nobody else gets it, and it goes when they have decided."""

APPLICANT = jid_single("x-muc#register_jid", "Address")
"""Whose application it is: a nick may be asked for by several. Not in the registry, so `x-`."""
ALLOW = boolean("muc#register_allow", "Allow this person to register with the room?")

OPEN = Form(
    MUC_REGISTER,
    (NICK,),
    title="Registration",
    instructions="You become a member of the room, and the nickname is yours here.",
)
APPLICATION = Form(
    MUC_REGISTER,
    (NICK, *DETAILS),
    title="Registration",
    instructions="You become a member of the room, and the nickname is yours here, if an admin of"
    " the room agrees. What you write is for the admins.",
)
APPROVAL = Form(
    MUC_REGISTER,
    (ASKED_NICK, APPLICANT, *DETAILS, ALLOW),
    title="Registration request",
    instructions='To approve this request, select "Allow this person to register with the room?"'
    " and submit the form. To skip it, cancel.",
)


def details(values: Values) -> dict[str, str]:
    """What the admins are told of somebody, as the store keeps it."""
    texts = {field.var: values.get(field, "") for field in DETAILS}
    return {var: text for var, text in texts.items() if text}


def approval(application: Application) -> Tag:
    """The form by which an admin decides (§9.9)."""
    kept: Mapping[str, str] = application.form
    return APPROVAL.form(
        [
            ASKED_NICK.of(application.nick),
            APPLICANT.of(application.jid),
            *(field.of(kept[field.var]) for field in DETAILS if field.var in kept),
            ALLOW.of(False),
        ]
    )
