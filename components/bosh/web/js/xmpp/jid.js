/**
 * Addresses (RFC 6122): taken apart, normalised, put together.
 *
 * The server has the last word on what an address is; this is near enough to
 * compare what people type with what servers send.
 */
import { ClientError } from "./errors.js";

const MAX_BYTES = 1023;
const NODE_FORBIDDEN = /["&'/:<>@\p{Z}\p{Cc}\p{Cs}\p{Co}]/u;
const RESOURCE_FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
// Letters, digits, hyphens and dots of any script, or an IPv6 address in brackets.
const DOMAIN = /^(?:[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*|\[[0-9a-f:.]+\])$/u;
const encoder = new TextEncoder();

/**
 * @typedef {object} Jid
 * @property {string} local "" where there is none
 * @property {string} domain
 * @property {string} resource "" where there is none
 * @property {string} bare
 * @property {string} full the bare address where there is no resource
 */

/**
 * Take an address apart.
 * @param {string} text
 * @returns {Jid} frozen
 * @throws {ClientError} jid-malformed
 */
export function parseJid(text) {
  // RFC 7622 3.2: the resource is everything after the first "/", and may hold "@" and "/".
  const slash = text.indexOf("/");
  const bare = slash < 0 ? text : text.slice(0, slash);
  const at = bare.indexOf("@");
  if (at === 0 || slash === text.length - 1) throw new ClientError("jid-malformed");
  return makeJid(
    at < 0 ? "" : bare.slice(0, at),
    bare.slice(at + 1),
    slash < 0 ? "" : text.slice(slash + 1),
  );
}

/** @returns {Jid} of its parts, normalised */
export function makeJid(local, domain, resource = "") {
  const parts = { local: prepLocal(local), domain: prepDomain(domain), resource: prepResource(resource) };
  const bare = parts.local ? `${parts.local}@${parts.domain}` : parts.domain;
  return Object.freeze({ ...parts, bare, full: parts.resource ? `${bare}/${parts.resource}` : bare });
}

/** The bare address of an address. */
export function bareOf(text) {
  return parseJid(text).bare;
}

/** The address, or null where there is none or it is none: for what came from the network. */
export function jidOrNull(text) {
  if (!text) return null;
  try {
    return parseJid(text);
  } catch {
    return null;
  }
}

function prepLocal(text) {
  // Nodeprep folds case by stringprep's table B.2, which differs from lower case for these two.
  const folded = text.normalize("NFKC").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
  return checked(folded, text !== "", !NODE_FORBIDDEN.test(folded));
}

function prepDomain(text) {
  const folded = text.normalize("NFKC").toLowerCase().replace(/\.$/, "");
  return checked(folded, true, DOMAIN.test(folded));
}

function prepResource(text) {
  // Not NFKC, though RFC 6122 has it: two that a server by RFC 7622 tells apart stay two.
  const normal = text.normalize("NFC");
  return checked(normal, text !== "", !RESOURCE_FORBIDDEN.test(normal));
}

function checked(text, wanted, allowed) {
  if (!wanted) return "";
  if (!text || !allowed || encoder.encode(text).length > MAX_BYTES) {
    throw new ClientError("jid-malformed");
  }
  return text;
}
