/** Text from the network, made fit to be seen: as text, with web addresses to click on. */

import { displayName, typedJid } from "../xmpp/escaping.js";
import { h } from "./dom.js";

/** More than this of one message is shown only when asked for. */
const LONG = 5000;
// Nothing that turns the direction of writing around: an address would look like another.
const ADDRESS = /\bhttps?:\/\/[^\s<>"“”\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/giu;
/** What ends a sentence ends the address before it, too. */
const TRAILING = new Set(".,;:!?'’»");

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
    nodes.push(h("a", { href: url, dir: "ltr", target: "_blank", rel: "noopener noreferrer", text: address }));
    at = match.index + address.length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

/** In one pass over its end: others write these texts, and may write very many brackets. */
function trimmed(address) {
  let surplus = count(address, ")") - count(address, "(");
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    // "(see https://verona.example/)" closes a bracket that the address has not opened.
    if (last === ")" && surplus > 0) surplus -= 1;
    else if (!TRAILING.has(last)) break;
  }
  return address.slice(0, end);
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
