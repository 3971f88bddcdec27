/** JID escaping (XEP-0106): characters a local part can't hold, for people to see and type. */
import { jidOrNull, makeJid, parseJid } from "./jid.js";

const CHARACTERS = " \"&'/:<>@\\";
const TO_CODE = new Map([...CHARACTERS].map((c) => [c, `\\${c.charCodeAt(0).toString(16)}`]));
const TO_CHARACTER = new Map([...TO_CODE].map(([character, code]) => [code, character]));
const CODE = /\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/g;

/** The local part that stands for what a person typed (4.2). */
export function escapeNode(text) {
  // A backslash is escaped only where it would read as a code afterwards (4.2, rule 2).
  // A code for a space neither begins nor ends a local part (3.2), so no space does.
  return text
    .trim()
    .replace(/\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g, "\\5c")
    .replace(/[ "&'/:<>@]/g, (character) => TO_CODE.get(character));
}

/** What a person is shown of a local part (4.3); for showing only, never for addressing. */
export function unescapeNode(node) {
  const text = node.replace(CODE, (code) => TO_CHARACTER.get(code));
  // 4.3: a local part neither begins nor ends with a space; one that would is left as it is.
  return /^ | $/.test(text) ? node : text;
}

/**
 * The address a person typed: as it is where it is one, else with its local part escaped.
 * @returns {import("./jid.js").Jid}
 */
export function typedJid(text) {
  const typed = text.trim();
  const jid = jidOrNull(typed);
  if (jid) return jid;
  const at = typed.lastIndexOf("@");
  return at <= 0 ? parseJid(typed) : makeJid(escapeNode(typed.slice(0, at)), typed.slice(at + 1));
}

/** What to call an address nobody has given a name: its local part, or its domain without one. */
export function displayName(jid) {
  const bare = jid.split("/", 1)[0];
  const at = bare.indexOf("@");
  return at < 0 ? bare : unescapeNode(bare.slice(0, at));
}
