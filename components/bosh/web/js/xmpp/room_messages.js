/** What is said in rooms (XEP-0045 7.4, 8.1), and who asks us into one (7.8, XEP-0249). */
import { randomId } from "./bytes.js";
import { stampOf } from "./delay.js";
import { ClientError } from "./errors.js";
import { jidOrNull } from "./jid.js";
import { LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, childText, errorOf, xml } from "./xml.js";

/** What a room says that does not know us, or its service when there is no such room any more. */
const FORGOTTEN = new Set(["item-not-found", "not-acceptable"]);

export class RoomMessages {
  /** Set by rooms.js: called with a room that does not know us any more. */
  onforgotten = () => {};
  #wire;
  #rooms;

  /** @param {Map<string, import("./room.js").Room>} rooms */
  constructor(wire, rooms) {
    this.#wire = wire;
    this.#rooms = rooms;
    wire.take("message", (stanza) => this.#receive(stanza));
    wire.on("unsent", ({ stanza, error }) => {
      const room = rooms.get(stanza.attributes.to);
      if (room) this.#failed(room, stanza.attributes.id, error);
    });
  }

  /** @returns {import("./messages.js").Message} */
  send(room, body) {
    const message = {
      id: randomId(),
      from: `${room.jid}/${room.nick}`,
      to: room.jid,
      chat: room.jid,
      nick: room.nick,
      mine: true,
      body,
      time: new Date(),
      delayed: false,
      carbon: false,
      receipt: "asked",
      type: "groupchat",
    };
    if (room.joined) this.#wire.send(stanza(message));
    else if (room.inner.held.length < LIMITS.AWAITED) room.inner.held.push(message);
    else throw new ClientError("queue-full");
    room.inner.sent.set(message.id, message);
    this.#wire.emit("message", { message });
    return message;
  }

  /** We are in again: what was written meanwhile is said. */
  release(room) {
    for (const message of room.inner.held.splice(0)) this.#wire.send(stanza(message));
  }

  /** We do not come back: it is said never. */
  drop(room) {
    for (const message of room.inner.held.splice(0)) {
      this.#failed(room, message.id, new ClientError("recipient-unavailable"));
    }
  }

  #receive(stanza) {
    const from = jidOrNull(attribute(stanza, "from"));
    if (!from) return false;
    const type = attribute(stanza, "type");
    const room = this.#rooms.get(from.bare);
    if (type === "groupchat") {
      // From a room we are not in: nothing of it is ours.
      if (room) this.#said(room, from.resource, stanza);
      return true;
    }
    if (type === "error") {
      if (!room || from.resource) return false;
      this.#refused(room, attribute(stanza, "id"), errorOf(child(stanza, "error"), NS.STANZA_ERROR));
      return true;
    }
    return this.#invited(from, stanza);
  }

  #said(room, nick, stanza) {
    const body = childText(stanza, "body");
    const subject = childText(stanza, "subject");
    // A subject is one only without a body (8.1).
    if (body === null) {
      if (subject !== null) this.#subject(room, nick, clip(subject));
      return;
    }
    const stamp = stampOf(stanza);
    const id = attribute(stanza, "id");
    const mine = nick !== "" && nick === room.nick;
    if (mine && this.#reflected(room, id, body, stamp)) return;
    const what = key({ nick, id, body });
    const known = this.#isKnown(room, what, { id, mine, stamp });
    room.inner.seen.set(what, true);
    if (known) return;
    room.inner.last = stamp ?? new Date();
    this.#wire.emit("message", {
      message: {
        id: id || randomId(),
        from: nick ? `${room.jid}/${nick}` : room.jid,
        to: room.jid,
        chat: room.jid,
        nick,
        mine,
        body: clip(body, LIMITS.BODY),
        time: stamp ?? new Date(),
        delayed: Boolean(stamp),
        carbon: false,
        receipt: "none",
        type: "groupchat",
      },
    });
  }

  /** Ours come back from the room, and are there already. */
  #reflected(room, id, body, stamp) {
    const { sent } = room.inner;
    let message = sent.get(id);
    // A service may give messages ids of its own.
    if (!message && !stamp) message = [...sent.values()].find((one) => one.body === body);
    if (!message) return false;
    sent.delete(message.id);
    room.inner.seen.set(key({ nick: room.nick, id, body }), true);
    room.inner.last = stamp ?? new Date();
    message.receipt = "received";
    this.#wire.emit("receipt", { chat: room.jid, id: message.id });
    return true;
  }

  /** Is it one that was shown: ours sent twice, or told again in the history when we come back? */
  #isKnown(room, what, { id, mine, stamp }) {
    const { back, last, seen } = room.inner;
    if (!seen.has(what)) return false;
    if (mine && id) return true;
    // Without an id two may be alike, and only one from before we left is known.
    return Boolean(back && stamp) && (id !== "" || stamp <= last);
  }

  #subject(room, nick, subject) {
    room.subject = subject;
    this.#wire.emit("subject", { room, subject, by: nick });
  }

  /** A room that does not know us (7.4) has forgotten us: we enter again, and say it once more. */
  #refused(room, id, error) {
    const { sent, held, again } = room.inner;
    const message = sent.get(id);
    if (message && FORGOTTEN.has(error.condition) && !again.has(id)) {
      again.set(id, true);
      held.push(message);
      if (room.joined) this.onforgotten(room);
    } else {
      this.#failed(room, id, error);
    }
  }

  #failed(room, id, error) {
    const message = room.inner.sent.get(id);
    if (!message) return;
    room.inner.sent.delete(id);
    message.error = error;
    this.#wire.emit("failed", { chat: room.jid, id, error });
  }

  #invited(from, stanza) {
    const x = child(stanza, "x", NS.MUC_USER);
    const invite = child(x, "invite", NS.MUC_USER);
    if (invite && !from.resource) {
      // By way of the room, which says who it was.
      this.#tell(from.bare, attribute(invite, "from"), childText(invite, "reason"), childText(x, "password"));
      return true;
    }
    const direct = child(stanza, "x", NS.CONFERENCE);
    const room = jidOrNull(attribute(direct, "jid"));
    if (!room || invite) return Boolean(invite);
    this.#tell(room.bare, from.full, attribute(direct, "reason"), attribute(direct, "password"));
    return true;
  }

  #tell(room, from, reason, password) {
    if (this.#rooms.has(room)) return;
    const inviter = jidOrNull(from);
    // Some rooms tell who it was as an occupant, by room and nick.
    const who = inviter?.bare === room ? inviter.full : inviter?.bare;
    this.#wire.emit("invitation", {
      room, from: who ?? "", reason: clip(reason ?? ""), ...(password ? { password: clip(password) } : {}),
    });
  }
}

function stanza({ id, to, body }) {
  return xml("message", { type: "groupchat", to, id }, xml("body", null, body));
}

function key({ nick, id, body }) {
  return `${nick}\n${id}\n${clip(body, 200)}`;
}
