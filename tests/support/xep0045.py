"""The tables of XEP-0045 §5, as the XEP has them: what is done is compared with these.

A row is what stands in its first column, and what stands in the others by their headings.
"""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[str, Mapping[str, str]]


def _table(written: str) -> Table:
    lines = [[cell.strip() for cell in line.split("|")] for line in written.strip().splitlines()]
    (_, *headings), *rows = lines
    return {name: dict(zip(headings, cells, strict=True)) for name, *cells in rows}


def cells(table: Table) -> list[tuple[str, str, str]]:
    """Each cell of a table: its row, its column, what stands there."""
    return [
        (row, column, cell) for row, columns in table.items() for column, cell in columns.items()
    ]


ROLE_PRIVILEGES = _table("""
    Privilege                           | None | Visitor | Participant | Moderator
    Present in Room                     | No   | Yes     | Yes         | Yes
    Receive Messages                    | No   | Yes     | Yes         | Yes
    Receive Occupant Presence           | No   | Yes     | Yes         | Yes
    Broadcast Presence to All Occupants | No   | Yes*    | Yes         | Yes
    Change Availability Status          | No   | Yes*    | Yes         | Yes
    Change Room Nickname                | No   | Yes*    | Yes         | Yes
    Send Private Messages               | No   | Yes*    | Yes         | Yes
    Invite Other Users                  | No   | Yes*    | Yes*        | Yes
    Send Messages to All                | No   | No**    | Yes         | Yes
    Modify Subject                      | No   | No*     | Yes*        | Yes
    Kick Participants and Visitors      | No   | No      | No          | Yes
    Grant Voice                         | No   | No      | No          | Yes
    Revoke Voice                        | No   | No      | No          | Yes***
""")
"""§5.1.1. `*` is a default that the configuration may change."""

DEFAULT_ROLES = _table("""
    Room Type    | None        | Member      | Admin     | Owner
    Moderated    | Visitor     | Participant | Moderator | Moderator
    Unmoderated  | Participant | Participant | Moderator | Moderator
    Members-Only | N/A *       | Participant | Moderator | Moderator
    Open         | Participant | Participant | Moderator | Moderator
""")
"""§5.1.2. `*`: entry is not permitted."""

_KICK = "Exit room or be kicked by a moderator"
_KICK_MODERATOR = "Exit room or be kicked by an admin or owner *"
_GIVE_MODERATOR = "Admin or owner grants moderator status"
_TAKE_MODERATOR = "Admin or owner changes role to participant or revokes moderator status *"

_TO_VISITOR = "Admin or owner changes role to visitor *"

ROLE_CHANGES = _table(f"""
    >           | None  | Visitor | Participant | Moderator
    None        | -- | Enter moderated room | Enter unmoderated room | Admin or owner enters room
    Visitor     | {_KICK} | -- | Moderator grants voice | {_GIVE_MODERATOR}
    Participant | {_KICK} | Moderator revokes voice | -- | {_GIVE_MODERATOR}
    Moderator   | {_KICK_MODERATOR} | {_TO_VISITOR} | {_TAKE_MODERATOR} | --
""")
"""§5.1.3. `*`: not from somebody with a higher affiliation than one's own."""

RIGHTS = _table("""
    Privilege                          | Outcast | None | Member | Admin | Owner
    Enter Open Room                    | No      | Yes* | Yes    | Yes   | Yes
    Register with Open Room            | No      | Yes  | N/A    | N/A   | N/A
    Retrieve Member List***            | No      | No   | Yes    | Yes   | Yes
    Enter Members-Only Room            | No      | No   | Yes*   | Yes   | Yes
    Ban Members and Unaffiliated Users | No      | No   | No     | Yes   | Yes
    Edit Member List                   | No      | No   | No     | Yes   | Yes
    Assign and Remove Moderator Role   | No      | No   | No     | Yes** | Yes**
    Edit Admin List                    | No      | No   | No     | No    | Yes
    Edit Owner List                    | No      | No   | No     | No    | Yes
    Change Room Configuration          | No      | No   | No     | No    | Yes
    Destroy Room                       | No      | No   | No     | No    | Yes
""")
"""§5.2.1. `***`: for members not where the room is semi-anonymous."""

_REGISTER = "Admin or owner adds user to member list, or user registers as member (if allowed)"

AFFILIATION_CHANGES = _table(f"""
    >       | Outcast | None | Member | Admin | Owner
    Outcast | -- | Admin or owner removes ban | Admin or owner adds user to member list \
| Owner adds user to admin list | Owner adds user to owner list
    None    | Admin or owner applies ban | -- | {_REGISTER} \
| Owner adds user to admin list | Owner adds user to owner list
    Member  | Admin or owner applies ban | Admin or owner changes affiliation to "none" | -- \
| Owner adds user to admin list | Owner adds user to owner list
    Admin   | Owner applies ban | Owner changes affiliation to "none" \
| Owner changes affiliation to "member" | -- | Owner adds user to owner list
    Owner   | Owner applies ban | Owner changes affiliation to "none" \
| Owner changes affiliation to "member" | Owner changes affiliation to "admin" | --
""")
"""§5.2.2."""
