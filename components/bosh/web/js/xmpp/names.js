/** The name to log in or register with, of what a person typed. */
import { ClientError } from "./errors.js";
import { escapeNode } from "./escaping.js";
import { jidOrNull, makeJid } from "./jid.js";

/**
 * A user name, or a bare address at our domain.
 * @returns {string} the local part, escaped (XEP-0106)
 * @throws {ClientError} host-unknown for an address elsewhere, jid-malformed
 */
export function loginName(typed, domain) {
  const name = typed.trim();
  if (!name) throw new ClientError("jid-malformed");
  const at = name.lastIndexOf("@");
  if (at > 0) {
    const host = jidOrNull(name.slice(at + 1));
    if (host?.bare !== jidOrNull(domain)?.bare) throw new ClientError("host-unknown");
  }
  const local = at > 0 ? name.slice(0, at) : name;
  // What can be a local part is one, escapes and all; the rest is escaped.
  return (jidOrNull(`${local}@${domain}`) ?? makeJid(escapeNode(local), domain)).local;
}
