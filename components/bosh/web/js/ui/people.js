/** What to call people and rooms, and how they are just now, in words. */

import { localpart } from "./text.js";

/** The availabilities (RFC 6121 4.7.2.1) as people say them; null is somebody who is not there. */
export const PRESENCES = {
  "": { name: "Available", looks: "here" },
  chat: { name: "Free to chat", looks: "here" },
  away: { name: "Away", looks: "away" },
  xa: { name: "Away for long", looks: "away" },
  dnd: { name: "Busy", looks: "busy" },
  gone: { name: "Offline", looks: "gone" },
};

/**
 * @param {import("../xmpp/client.js").Client} client
 * @param {string} jid
 * @returns {string}
 */
export function displayName(client, jid) {
  return client.contacts.get(jid)?.name || localpart(jid);
}

/**
 * How a contact is just now.
 * @param {object|undefined} contact
 * @returns {keyof PRESENCES}
 */
export function presenceOf(contact) {
  if (contact === undefined || contact.resources.size === 0) return "gone";
  return contact.show in PRESENCES ? contact.show : "";
}

/**
 * Whether a contact has been asked, and nothing is known of how they are before they answer.
 * @param {object} contact
 * @returns {boolean}
 */
export const waiting = (contact) => contact.ask && contact.resources.size === 0;

/**
 * What holds between a contact and us, where it is not simply mutual.
 * @param {object} contact
 * @returns {string} "" where it is
 */
export function relation(contact) {
  if (contact.ask) return "Asked; no answer yet";
  if (contact.subscription === "both") return "";
  if (contact.subscription === "to") return "You see this person’s status; yours is not shown";
  if (contact.subscription === "from") return "This person sees your status; you do not see theirs";
  return "Neither of you sees the other’s status";
}

/** Role and affiliation in a room (XEP-0045 5) in one word; "" for an ordinary occupant. */
const RANKS = [
  ["affiliation", "owner", "owner"],
  ["affiliation", "admin", "admin"],
  ["role", "moderator", "moderator"],
  ["role", "visitor", "can’t write"],
  ["affiliation", "member", "member"],
];

/**
 * @param {object} occupant
 * @returns {string}
 */
export function rank(occupant) {
  return RANKS.find(([kind, value]) => occupant[kind] === value)?.[2] ?? "";
}

/**
 * Occupants in the order of the list: who may do most first, then by name.
 * @param {Iterable<object>} occupants
 * @returns {object[]}
 */
export function ranked(occupants) {
  const place = (occupant) => ["moderator", "participant", "visitor"].indexOf(occupant.role);
  return [...occupants].sort((a, b) => place(a) - place(b) || a.nick.localeCompare(b.nick));
}
