/** Text from the network, made fit to be seen: as text, with web addresses to click on. */

import { displayName, typedJid } from "../xmpp/escaping.js";
import { h } from "./dom.js";

/** More than this of one message is shown only when asked for. */
const LONG = 5000;
const ADDRESS = /\bhttps?:\/\/[^\s<>"“”]+/giu;
/** What ends a sentence ends the address before it, too. */
const TRAILING = /[.,;:!?'’»]+$/u;

/**
 * The text of a message as nodes.
 * @param {string} body
 * @returns {Node[]}
 */
export function bodyNodes(body) {
  if (body.length <= LONG) return linked(body);
  const more = h("button", { type: "button", class: "link", text: "Show the rest" });
  more.addEventListener("click", () => more.replaceWith(...linked(body.slice(LONG))));
  return [...linked(body.slice(0, LONG)), more];
}

function linked(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const url = webAddress(address);
    if (url === null) continue;
    nodes.push(document.createTextNode(text.slice(at, match.index)));
    nodes.push(h("a", { href: url, target: "_blank", rel: "noopener noreferrer", text: address }));
    at = match.index + address.length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

function trimmed(address) {
  let short = address.replace(TRAILING, "");
  // "(see https://verona.example/)" closes a bracket that the address has not opened.
  while (short.endsWith(")") && count(short, "(") < count(short, ")")) {
    short = short.slice(0, -1).replace(TRAILING, "");
  }
  return short;
}

const count = (text, character) => text.split(character).length - 1;

function webAddress(text) {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}

/**
 * Whether a text speaks of somebody by nickname.
 * @param {string} body
 * @param {string} nick
 * @returns {boolean}
 */
export function mentions(body, nick) {
  if (!nick) return false;
  const text = body.toLowerCase();
  const name = nick.toLowerCase();
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + name.length])) return true;
  }
  return false;
}

const isWord = (character) => character !== undefined && /[\p{L}\p{N}_]/u.test(character);

/**
 * What a text says in one line, for the list of chats.
 * @param {string} body
 * @returns {string}
 */
export const preview = (body) => body.slice(0, 160).replace(/\s+/gu, " ");

/**
 * What to call an address that has no name: what stands before the @, and of an occupant of a
 * room the nickname.
 * @param {string} jid
 * @returns {string}
 */
export function localpart(jid) {
  const slash = jid.indexOf("/");
  return slash === -1 ? displayName(jid) : `${jid.slice(slash + 1)} in ${displayName(jid)}`;
}

/**
 * An address out of what somebody typed: a name alone is one of this domain.
 * @param {string} typed
 * @param {string} domain "" where a name alone will not do
 * @returns {string|null} null where it can be no address
 */
export function addressOf(typed, domain) {
  const text = typed.trim().replace(/^xmpp:/u, "").replace(/\?.*$/u, "");
  if (text === "" || (domain === "" && !text.includes("@"))) return null;
  try {
    return typedJid(text.includes("@") ? text : `${text}@${domain}`).bare;
  } catch (error) {
    if (error.condition !== "jid-malformed") throw error;
    return null;
  }
}

/** Names told of those who write; more are counted. */
const NAMED = 2;

/**
 * Who is writing.
 * @param {string[]} names
 * @returns {string} "" for nobody
 */
export function writersIn(names) {
  if (names.length === 0) return "";
  if (names.length > NAMED) return `${names.length} people are writing…`;
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} writing…`;
}
