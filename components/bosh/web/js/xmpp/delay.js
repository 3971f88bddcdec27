/** When a message was first sent (XEP-0203). */
import { NS } from "./ns.js";
import { attribute, child } from "./xml.js";

/** @returns {Date|null} never one in the future; null where nothing was delayed */
export function stampOf(stanza) {
  const stamp = Date.parse(attribute(child(stanza, "delay", NS.DELAY), "stamp"));
  return Number.isNaN(stamp) ? null : new Date(Math.min(stamp, Date.now()));
}
