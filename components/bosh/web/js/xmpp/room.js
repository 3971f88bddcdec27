/** A room we are in or about to enter (XEP-0045), as the page sees it and as it is kept. */
import { jidOrNull } from "./jid.js";
import { BoundedMap, LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { readPresence } from "./presence.js";
import { attribute, child, children } from "./xml.js";

const AFFILIATIONS = new Set(["owner", "admin", "member", "outcast", "none"]);
const ROLES = new Set(["moderator", "participant", "visitor", "none"]);

/** Why someone is no longer there, by status code (XEP-0045 10.1 and the table in 15.6). */
const DEPARTURES = new Map([
  ["301", "banned"],
  ["307", "kicked"],
  ["321", "removed"],
  ["322", "removed"],
  ["332", "shutdown"],
  ["333", "lost"],
]);

/**
 * @typedef {object} Occupant
 * @property {string} nick
 * @property {string} affiliation
 * @property {string} role
 * @property {string} show
 * @property {string} status
 * @property {string} [jid] where the room tells it
 */

export class Room {
  subject = "";
  /** @type {Map<string, Occupant>} */
  occupants = new Map();
  joined = false;
  created = false;
  /** For rooms.js and room_messages.js. */
  inner = {
    password: undefined,
    entering: null, // {done, failed, timer, promise}
    renaming: null, // {nick, done, failed, timer}
    back: false, // entered again by a new session
    waits: 0, // times it was tried to come back to a service that was away
    timer: null, // until the next
    held: [], // messages written while we are not in
    tries: 0, // other nicks tried when coming back
    last: null, // time of the newest message
    seen: new BoundedMap(LIMITS.SEEN), // messages shown, to know them again in the history
    again: new BoundedMap(LIMITS.AWAITED), // ids of messages that are said a second time
    sent: new BoundedMap(LIMITS.AWAITED), // id -> Message that was not reflected yet
  };

  constructor(jid, nick) {
    this.jid = jid;
    this.nick = nick;
  }
}

/** What the room says with a presence or a message: {codes, item, reason, destroy}. */
export function readUser(stanza) {
  const x = child(stanza, "x", NS.MUC_USER);
  const item = child(x, "item", NS.MUC_USER);
  const destroy = child(x, "destroy", NS.MUC_USER);
  const told = child(item, "reason", NS.MUC_USER) ?? child(destroy, "reason", NS.MUC_USER);
  return {
    codes: new Set(children(x, "status", NS.MUC_USER).map((one) => attribute(one, "code"))),
    item,
    reason: clip(told?.textContent ?? ""),
    destroyed: Boolean(destroy),
  };
}

/** @returns {Occupant} */
export function readOccupant(nick, stanza, item) {
  const { show, status } = readPresence(stanza);
  const affiliation = attribute(item, "affiliation");
  const role = attribute(item, "role");
  const jid = jidOrNull(attribute(item, "jid"))?.full;
  return {
    nick,
    affiliation: AFFILIATIONS.has(affiliation) ? affiliation : "none",
    role: ROLES.has(role) ? role : "none",
    show,
    status,
    ...(jid ? { jid } : {}),
  };
}

/** Why an occupant went: one of DEPARTURES, "destroyed", or "left". */
export function departure({ codes, destroyed }) {
  if (destroyed) return "destroyed";
  for (const [code, condition] of DEPARTURES) if (codes.has(code)) return condition;
  return "left";
}
