/** When a message was first sent (XEP-0203). */
import { jidOrNull } from "./jid.js";
import { NS } from "./ns.js";
import { attribute, children } from "./xml.js";

/**
 * @param {Element} stanza
 * @param {string|null} [by] bare address of who alone may say so; whoever sends may write it, too
 * @returns {Date|null} never one in the future; null where nothing was delayed
 */
export function stampOf(stanza, by = null) {
  const delay = children(stanza, "delay", NS.DELAY).find(
    (one) => by === null || jidOrNull(attribute(one, "from"))?.bare === by);
  const stamp = Date.parse(attribute(delay, "stamp"));
  return Number.isNaN(stamp) ? null : new Date(Math.min(stamp, Date.now()));
}
