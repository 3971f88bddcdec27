/** Stream management (XEP-0198): what the server has of ours, and we of the server's. */
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, is, xml } from "./xml.js";

const MODULUS = 2 ** 32;
const STANZAS = new Set(["iq", "message", "presence"]);

/** The counts of one session, over all the streams that carry it. */
export class Acks {
  /** What resumes the session; null where it can't be. */
  id = null;
  #on = false;
  #received = 0;
  #acknowledged = 0;
  #unacknowledged = []; // stanzas, the oldest first

  /** Are stanzas counted? */
  get on() {
    return this.#on;
  }

  /** How many stanzas the server has not acknowledged. */
  get waiting() {
    return this.#unacknowledged.length;
  }

  /** Asks the server to count (3). */
  request() {
    return xml("enable", { xmlns: NS.SM, resume: "true" });
  }

  /**
   * Begin to count, where the server has agreed.
   * @param {Element} answer
   * @returns {boolean} was it the answer?
   */
  enabled(answer) {
    if (is(answer, "failed", NS.SM)) return true;
    if (!is(answer, "enabled", NS.SM)) return false;
    this.#on = true;
    if (/^(?:true|1)$/.test(attribute(answer, "resume"))) this.id = attribute(answer, "id") || null;
    return true;
  }

  /** Hold a stanza until it is acknowledged. */
  hold(stanza) {
    if (this.#unacknowledged.length >= LIMITS.UNACKED) throw new ClientError("queue-full");
    this.#unacknowledged.push(stanza);
  }

  /**
   * Count what came; answer what asks.
   * @param {Element} element
   * @param {(answer: import("./xml.js").Node) => void} send
   * @returns {boolean} was it about acknowledgement, and so nobody else's?
   */
  receive(element, send) {
    if (element.namespaceURI === NS.SM) {
      if (is(element, "r")) send(this.answer());
      else if (is(element, "a")) this.acknowledge(element);
      return true;
    }
    if (this.#on && STANZAS.has(element.localName)) this.#received = (this.#received + 1) % MODULUS;
    return false;
  }

  /** What we have of the server's. */
  answer() {
    return xml("a", { xmlns: NS.SM, h: this.#received });
  }

  /**
   * The server has all up to `h` of an <a/>, <resumed/> or <failed/>.
   * @throws {ClientError} where it claims more than was sent (4)
   */
  acknowledge(element) {
    const text = attribute(element, "h");
    if (text === "") return;
    const h = Number(text);
    const count = (h - this.#acknowledged + MODULUS) % MODULUS;
    if (!Number.isInteger(h) || count > this.#unacknowledged.length) {
      throw new ClientError("connection-lost", "The server acknowledged what was never sent.");
    }
    this.#acknowledged = h;
    this.#unacknowledged.splice(0, count);
  }

  ask() {
    return xml("r", { xmlns: NS.SM });
  }

  /** Ask for the session to go on (5). */
  resumption() {
    return xml("resume", { xmlns: NS.SM, h: this.#received, previd: this.id });
  }

  /** What to send again on the resumed stream. */
  again() {
    return [...this.#unacknowledged];
  }

  /** The messages nobody acknowledged, for a session to come; all is forgotten here. */
  leave() {
    this.id = null;
    this.#on = false;
    return this.#unacknowledged.splice(0).filter(({ name }) => name === "message");
  }
}
