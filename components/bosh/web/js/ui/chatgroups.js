/** Which chats stand in the list, in which groups and order. */

import { displayName, presenceOf, waiting } from "./people.js";

/** Rows of one group in the page; who has more finds them by name. */
const ROWS = 300;

const TITLES = [
  ["room", "Rooms"],
  ["here", "Available"],
  ["away", "Away or busy"],
  ["waiting", "Waiting for an answer"],
  ["gone", "Offline"],
  ["private", "Private, from rooms"],
  ["stranger", "Not in your contacts"],
];
const PLACES = { "": "here", chat: "here", away: "away", xa: "away", dnd: "away", gone: "gone" };

/**
 * @param {import("./store.js").Store} store
 * @param {string} wanted what to look for, "" for everything
 * @returns {{title: string, chats: object[], more: number}[]} groups that are not empty
 */
export function groups(store, wanted) {
  const { client } = store;
  const found = new Map(TITLES.map(([key]) => [key, []]));
  const text = wanted.trim().toLowerCase();
  for (const jid of new Set([...store.chats.keys(), ...client.contacts.keys()])) {
    const name = displayName(client, jid);
    if (text && !jid.includes(text) && !name.toLowerCase().includes(text)) continue;
    const chat = store.chats.get(jid) ?? { jid, kind: "person", unread: 0, last: undefined, writers: new Set() };
    found.get(placeOf(client, chat)).push({ chat, name });
  }
  return TITLES.map(([key, title]) => group(title, found.get(key))).filter(({ chats }) => chats.length > 0);
}

function placeOf(client, { jid, kind }) {
  if (kind === "room") return "room";
  if (jid.includes("/")) return "private";
  const contact = client.contacts.get(jid);
  if (contact === undefined) return "stranger";
  return waiting(contact) ? "waiting" : PLACES[presenceOf(contact)];
}

function group(title, found) {
  found.sort((a, b) => recent(b.chat) - recent(a.chat) || a.name.localeCompare(b.name));
  return {
    title,
    chats: found.slice(0, ROWS).map(({ chat }) => chat),
    more: Math.max(0, found.length - ROWS),
  };
}

const recent = (chat) => chat.last?.time.getTime() ?? 0;
