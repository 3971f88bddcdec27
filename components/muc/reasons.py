"""Why the chatrooms refuse something: each reason code with its meaning and its remedy.

The component counts them, and tells how many there were when it stops. Once published a code keeps
its meaning.
"""

REASONS: dict[str, tuple[str, str]] = {
    # entering, and names
    "muc.banned": ("somebody whom the room has banned", "an admin of the room may unban him"),
    "muc.blank-nick": ("a nick that nobody could see", "choose another"),
    "muc.full": ("the room has as many occupants as it may", "occupants in [muc], or its owner's"),
    "muc.large-presence": ("presence larger than rooms pass on", "shorten the status"),
    "muc.locked": ("a room that its maker has not opened yet", "he has to configure it"),
    "muc.long-nick": ("a nick that is too long", "choose another"),
    "muc.may-not-create": ("a room made by somebody who may not", "create in [muc]"),
    "muc.members-only": ("somebody who is no member", "an admin of the room may make him one"),
    "muc.nick-in-use": ("a nick that somebody has, or one that looks like it", "choose another"),
    "muc.nick-locked": ("another nick than the registered one", "the room wants that one used"),
    "muc.nick-registered": ("a nick that somebody else has registered", "choose another"),
    "muc.no-nick": ("presence to a room without a nick", "the client is broken (XEP-0045 §7.2.1)"),
    "muc.no-room": ("a room that is not there", "make it, by entering"),
    "muc.password": ("no password, or a wrong one", "ask who has made the room"),
    "muc.too-many-rooms": ("a user in as many rooms as he may be", "entered in [muc]"),
    # being in a room
    "muc.no-occupant": ("a nick that nobody has", "see who is in the room"),
    "muc.no-voice": ("a visitor who speaks in a moderated room", "a moderator may give him voice"),
    "muc.not-inside": ("somebody who is not in the room", "enter it (again)"),
    "muc.no-answer": ("a request that another occupant has not answered", "nothing"),
    "muc.passed-on": ("an error of another occupant's client or server, as it was", "nothing"),
    "muc.private": ("a private message in a room that has none for such as him", "speak to all"),
    "muc.visitor-nick": ("a visitor who changes his nick", "the room's owner may let visitors"),
    "muc.visitor-status": ("a visitor who changes his status", "the room's owner may let visitors"),
    # messages
    "muc.forged-moderation": ("a moderator's act told by somebody else than the room", "nothing"),
    "muc.large-message": ("a message larger than rooms pass on", "shorten it"),
    "muc.large-request": ("a request larger than rooms pass on to occupants", "shorten it"),
    "muc.large-subject": ("a subject that is too long", "shorten it"),
    "muc.long-reason": ("a reason that is a long story", "shorten it"),
    "muc.service-message": ("a message to the service and no room", "nothing"),
    "muc.subject": ("a subject set by who may not", "the room's owner may let participants"),
    "muc.too-many-requests": ("a user with too much under way at a time", "nothing: he may wait"),
    "muc.type": (
        "a message to all that is no groupchat, or a groupchat to one",
        "the client is broken (XEP-0045 §7.4, §7.5)",
    ),
    # archives
    "muc.far-index": ("a page far behind in a search", "ask for pages by ids (XEP-0059 §2.6)"),
    "muc.many-ids": ("too many messages asked for by id", "ask for fewer at a time"),
    "muc.unknown-message": ("a message that the archive has not", "it may be too old"),
    # registration, and voice
    "muc.applications": ("a room that has enough people wait for an answer", "its admins decide"),
    "muc.asked-already": ("a visitor who has asked for voice already", "wait for a moderator"),
    "muc.form": ("a form in a message that nobody waits for", "the client is broken"),
    "muc.has-voice": ("a request for voice by somebody who has it", "speak"),
    "muc.no-application": ("an answer to somebody who waits for none", "another admin was faster"),
    "muc.no-moderator": ("a request for voice where no moderator is", "ask again later"),
    "muc.not-registered": ("somebody who takes back what he has not registered", "nothing"),
    "muc.often": ("what a room's admins are told of, done too often", "wait a minute"),
    "muc.registration": ("somebody who can't register with the room", "registration of the room"),
    "muc.registration-form": (
        "a registration, or the answer to one, that is no valid form",
        "the client is broken (XEP-0045 §7.10)",
    ),
    "muc.voice-requests": ("a request for voice in a room that wants none", "its owner may let"),
    # admins and owners
    "muc.affiliations": ("a room that has enough people to remember", "affiliations in [muc]"),
    "muc.bad-jid": ("an affiliation of what is no address, or has no such nick", "correct it"),
    "muc.domain": ("a whole domain as an admin, or with a nick", "name its people one by one"),
    "muc.last-owner": ("the last owner of a room, who is to be one no more", "name another first"),
    "muc.list": ("a list asked for by somebody whom the room does not tell", "nothing"),
    "muc.many-items": ("more changes than one request may have", "ask for fewer at a time"),
    "muc.mixed-items": ("changes of roles and affiliations in one request", "ask for each alone"),
    "muc.no-item": ("a request for changes without any", "the client is broken (XEP-0045 §9)"),
    "muc.no-target": ("a change that does not say whose", "the client is broken (XEP-0045 §17.4)"),
    "muc.not-admin": ("a change by somebody who is no admin of the room", "nothing"),
    "muc.not-moderator": ("a change of a role by somebody who is no moderator", "nothing"),
    "muc.not-owner": ("what only owners may, by somebody who is none", "nothing"),
    "muc.privileges": ("a kick, a ban or the like of somebody who stands too high", "nothing"),
    "muc.self-ban": ("an admin who bans himself", "another one has to"),
    "muc.twice": ("two changes of the same one in a request", "the client is broken"),
    "muc.unknown-rank": ("a role or an affiliation that there is not", "the client is broken"),
    "muc.which-list": ("a list asked for that there is not", "the client is broken"),
    "muc.which-rank": (
        "a change of neither a role nor an affiliation, or of both",
        "the client is broken (XEP-0045 §17.4)",
    ),
}
