"""Questions to newcomers, sent and answered as XEP-0158 has it.

Clients that do not know the form answer by a message (§7), and are told by one.
"""

from __future__ import annotations

from components.common.build import Tag
from components.common.component import Passed
from components.common.forms.fields import hidden, text_single
from components.common.forms.form import Form
from components.common.forms.submission import X
from components.common.stanza import XML_LANG, Stanza, write
from components.muc.life.questions import Question
from components.muc.messages import improper
from components.muc.model.room import Room
from components.muc.names import CAPTCHA
from components.muc.service import Service
from xmppd.errors import StanzaError

_FROM, _CHALLENGE, _SID = hidden("from", most=4_096), hidden("challenge"), hidden("sid", most=4_096)
_ANSWER = text_single("qa")
_READ = Form(CAPTCHA, (_FROM, _CHALLENGE, _SID, _ANSWER))


def serve(service: Service) -> None:
    """Ask newcomers, and take what they answer."""
    captcha = Captcha(service)
    service.questions.ask = captcha.ask
    service.iqs.to_room("set", f"{CAPTCHA} captcha", captcha.answered)
    service.messages.others = captcha.written


class Captcha:
    """Sends questions, and reads answers."""

    def __init__(self, service: Service) -> None:
        self._component = service.component
        self._questions = service.questions
        self._returns = service.messages.returns

    def ask(self, question: Question, room: Room) -> None:
        """Send the challenge (§3.1.2); should it come back, that is an answer too (§3.1.3)."""
        asked, presence = room.settings.question, question.presence
        answer = text_single("qa", asked, required=True)
        values = [_FROM.of(presence.attrs["to"]), _CHALLENGE.of(question.id)]
        if presence.id:
            values.append(_SID.of(presence.id))
        form = Form(CAPTCHA, (*(each.field for each in values), answer)).form(values)
        body = f"{asked}\nAnswer this to enter {room.address}: reply with the answer alone."
        inner = Tag("body", {}, body).render() + Tag("captcha", {}, [form], ns=CAPTCHA).render()
        session = question.session
        self._returns.expect(
            room.address, [session], question.id, lambda error: self._returned(question)
        )
        lang = presence.attrs.get(XML_LANG, "")
        self._component.send(
            write("message", room.address, session, inner, id_=question.id, lang=lang)
        )

    def _returned(self, question: Question) -> None:
        self._questions.failed(question, "you have not answered")

    def answered(self, stanza: Stanza, room: Room) -> Passed:
        """Take an answer (§3.1.4)."""
        values = _READ.submitted(stanza.payload.find(X))
        question = self._questions.of(room, stanza.sender, values.get(_CHALLENGE, "") or "-")
        if question is None:
            text = "you were not asked, or it is too late"
            raise StanzaError("service-unavailable", text, reason="muc.not-asked")
        if not question.answered_by(values.get(_ANSWER, "")):
            self._questions.failed(question)
            raise _wrong()
        self._component.answer(stanza)
        self._questions.passed(question, room)
        return Passed.ON

    def written(self, stanza: Stanza, room: Room) -> None:
        """Take an answer that somebody has written as a message, as people do (§7)."""
        question = self._questions.of(room, stanza.sender)
        if question is None or f"{stanza.content} body" not in stanza.children:
            improper(stanza, room)
            return
        said = stanza.body.strip()
        if not question.answered_by(said.removesuffix(question.id)):
            self._questions.failed(question)
            raise _wrong()
        body = Tag("body", {}, "That is the answer.")
        self._component.message(stanza.sender, body, type_=stanza.type, sender=room.address)
        self._questions.passed(question, room)


def _wrong() -> StanzaError:
    return StanzaError("not-acceptable", "no", reason="muc.wrong-answer", type="cancel")
