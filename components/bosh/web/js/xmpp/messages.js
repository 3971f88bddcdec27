/**
 * Messages between two: text, receipts (XEP-0184), chat states (XEP-0085), and the copies
 * of what our other clients send and receive (XEP-0280).
 */
import { randomId } from "./bytes.js";
import { ChatStates } from "./chatstates.js";
import { stampOf } from "./delay.js";
import { ClientError } from "./errors.js";
import { jidOrNull, parseJid } from "./jid.js";
import { BoundedMap, LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, childText, errorOf, is, xml } from "./xml.js";

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} from
 * @property {string} to
 * @property {string} chat the conversation: a bare address, or room/nick for a private one in a room
 * @property {string} [nick]
 * @property {boolean} mine
 * @property {string} body
 * @property {Date} time
 * @property {boolean} delayed
 * @property {boolean} carbon
 * @property {"none"|"asked"|"received"} receipt
 * @property {"chat"|"groupchat"} type
 * @property {ClientError} [error]
 */

export class Messages {
  #wire;
  #roster;
  #rooms;
  #states;
  #awaited = new BoundedMap(LIMITS.AWAITED); // id -> Message whose receipt or error may come

  constructor(wire, { roster, rooms, caps }) {
    this.#wire = wire;
    this.#roster = roster;
    this.#rooms = rooms;
    this.#states = new ChatStates(wire, roster, caps);
    wire.take("message", (stanza) => this.#receive(stanza));
    wire.on("unsent", ({ stanza, error }) => this.#failed(stanza.attributes.id, stanza.attributes.to, error));
  }

  /** Ask for copies of what our other clients send and receive (XEP-0280 4). */
  async enableCarbons() {
    try {
      await this.#wire.iq("set", null, xml("enable", { xmlns: NS.CARBONS }));
    } catch (error) {
      // A server without carbons leaves each client with its own messages.
      if (!(error instanceof ClientError)) throw error;
    }
  }

  /** @returns {Message} */
  send(to, body) {
    const jid = parseJid(to);
    const message = {
      id: randomId(), from: this.#wire.me?.full ?? "", to: jid.full, ...this.#conversation(jid), mine: true,
      body, time: new Date(), delayed: false, carbon: false, receipt: "asked", type: "chat",
    };
    this.#wire.send(xml("message", { type: "chat", to: message.chat, id: message.id },
      xml("body", null, body),
      xml("request", { xmlns: NS.RECEIPTS }),
      this.#states.withMessage(message.chat)));
    this.#awaited.set(message.id, message);
    this.#wire.emit("message", { message });
    return message;
  }

  chatState(to, state) {
    const jid = parseJid(to);
    if (!this.#rooms.has(jid.full)) this.#states.send(this.#conversation(jid).chat, state);
  }

  clear() {
    this.#awaited.clear();
    this.#states.clear();
  }

  /** Which conversation it is with that address: a person's, or an occupant's of a room. */
  #conversation(jid) {
    return this.#rooms.has(jid.bare) && jid.resource
      ? { chat: jid.full, nick: jid.resource }
      : { chat: jid.bare };
  }

  #receive(stanza) {
    const copy = child(stanza, "received", NS.CARBONS) ?? child(stanza, "sent", NS.CARBONS);
    if (copy) this.#receiveCopy(stanza, copy);
    else this.#take(stanza, null);
    return true;
  }

  /** Only our own account copies our messages: anyone else's copy is a forgery (XEP-0280 11). */
  #receiveCopy(stanza, copy) {
    if (attribute(stanza, "from") !== this.#wire.me?.bare) return;
    const inner = child(child(copy, "forwarded", NS.FORWARD), "message", NS.CLIENT);
    // A copy of a copy is nobody's, and a room tells each of our clients itself.
    if (!inner || child(inner, "received", NS.CARBONS) || child(inner, "sent", NS.CARBONS)) return;
    if (attribute(inner, "type") === "groupchat") return;
    this.#take(inner, copy);
  }

  #take(stanza, copy) {
    const from = jidOrNull(attribute(stanza, "from")) ?? parseJid(this.#wire.me.bare);
    const type = attribute(stanza, "type");
    if (type === "error") {
      const error = errorOf(child(stanza, "error"), NS.STANZA_ERROR);
      if (!copy) this.#failed(attribute(stanza, "id"), from.full, error);
      return;
    }
    const sent = is(copy, "sent");
    // What is copied as sent was sent by us, or the copy is none.
    if (sent && from.bare !== this.#wire.me.bare) return;
    const other = sent ? jidOrNull(attribute(stanza, "to")) : from;
    if (!other) return;
    const conversation = this.#conversation(other);
    if (!sent) {
      const receipt = child(stanza, "received", NS.RECEIPTS);
      if (receipt) this.#received(attribute(receipt, "id"), from);
      this.#states.receive(stanza, conversation, from);
    }
    const body = childText(stanza, "body");
    if (body === null) return;
    const message = this.#message(stanza, { from, body, copy, ...conversation });
    if (this.#isEcho(message)) return;
    this.#wire.emit("message", { message });
    if (!copy && !message.mine) this.#confirm(stanza, from, type);
  }

  #message(stanza, { from, body, copy, chat, nick }) {
    const stamp = stampOf(stanza) ?? (copy && stampOf(copy.firstElementChild));
    return {
      id: attribute(stanza, "id") || randomId(),
      from: from.full,
      to: attribute(stanza, "to") || this.#wire.me.bare,
      chat,
      ...(nick === undefined ? {} : { nick }),
      mine: from.bare === this.#wire.me.bare,
      body: clip(body, LIMITS.BODY),
      time: stamp ?? new Date(),
      delayed: Boolean(stamp),
      carbon: Boolean(copy),
      receipt: "none",
      type: "chat",
    };
  }

  /** One sent to ourselves comes back as it went. */
  #isEcho(message) {
    const sent = message.mine && this.#awaited.get(message.id);
    if (!sent) return false;
    this.#received(sent.id, parseJid(message.from));
    return true;
  }

  /** Say that it came: to those only who may know that we are here (XEP-0184 8). */
  #confirm(stanza, from, type) {
    const id = attribute(stanza, "id");
    if (!id || !child(stanza, "request", NS.RECEIPTS)) return;
    if (!this.#roster.isSeenBy(from.bare) && !this.#rooms.has(from.bare)) return;
    this.#wire.send(xml("message", { to: from.full, type: type || null, id: randomId() },
      xml("received", { xmlns: NS.RECEIPTS, id })));
  }

  /** A receipt counts only from whom the message went to. */
  #received(id, from) {
    const message = this.#awaited.get(id);
    if (!message || this.#conversation(from).chat !== message.chat) return;
    message.receipt = "received";
    this.#awaited.delete(id);
    this.#wire.emit("receipt", { chat: message.chat, id });
  }

  #failed(id, from, error) {
    const message = this.#awaited.get(id);
    const jid = jidOrNull(from);
    if (!message || !jid || this.#conversation(jid).chat !== message.chat) return;
    message.error = error;
    this.#awaited.delete(id);
    this.#wire.emit("failed", { chat: message.chat, id, error });
  }
}
