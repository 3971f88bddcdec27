/** Entering, being in, and leaving rooms (XEP-0045 7). */
import { ClientError } from "./errors.js";
import { jidOrNull, makeJid, parseJid } from "./jid.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { Room, departure, readOccupant, readUser } from "./room.js";
import { RoomMessages } from "./room_messages.js";
import { attribute, child, errorOf, xml } from "./xml.js";

const WAITS = 6; // for a service that is away
const WAIT = 4_000; // milliseconds of the first; each is twice as long as the one before
const OTHER_NICKS = 3; // tried when coming back to find ours taken, by our own ghost mostly

export class Rooms {
  /** @type {Map<string, Room>} */
  rooms = new Map();
  /** Our presence, for a room: set by the client, with all that goes with it. */
  presenceTo = (to, ...extra) => xml("presence", { to }, extra);
  #wire;
  #avatars;
  #messages;

  constructor(wire, avatars) {
    this.#wire = wire;
    this.#avatars = avatars;
    this.#messages = new RoomMessages(wire, this.rooms);
    this.#messages.onforgotten = (room) => {
      this.#away(room);
      this.#enter(room);
    };
    wire.take("presence", (stanza) => this.#receive(stanza));
  }

  has(bare) {
    return this.rooms.has(bare);
  }

  /** @returns {Promise<Room>} once we are in */
  join(bare, nick, password) {
    const known = this.rooms.get(bare);
    if (known?.joined) return Promise.resolve(known);
    if (known?.inner.entering) return known.inner.entering.promise;
    if (this.rooms.size >= LIMITS.ROOMS) return Promise.reject(new ClientError("resource-constraint"));
    const { local, domain } = parseJid(bare);
    const room = new Room(bare, makeJid(local, domain, nick).resource);
    if (!room.nick) return Promise.reject(new ClientError("jid-malformed"));
    room.inner.password = password;
    const waiting = wait(() => {
      this.#send(room, { type: "unavailable" });
      this.#entryFailed(room, new ClientError("timeout"));
    });
    room.inner.entering = waiting;
    this.rooms.set(bare, room);
    try {
      this.#enter(room);
    } catch (error) {
      this.#entryFailed(room, error);
    }
    return waiting.promise;
  }

  leave(bare) {
    const room = this.rooms.get(bare);
    if (!room) return;
    try {
      this.#send(room, { type: "unavailable" });
    } catch {
      // Without a connection there is nobody to tell; the room finds out by itself.
    }
    room.inner.entering?.failed(new ClientError("offline"));
    this.#over(room, "left");
  }

  /** A new session is in no room: enter again those that the last one was in. */
  rejoin() {
    for (const room of this.rooms.values()) {
      this.#away(room);
      this.#enter(room);
    }
  }

  /** @returns {Promise<void>} once the room has told everyone */
  changeNick(bare, nick) {
    const room = this.#joined(bare);
    const { local, domain } = parseJid(bare);
    const wanted = makeJid(local, domain, nick).resource;
    if (!wanted) throw new ClientError("jid-malformed");
    if (wanted === room.nick) return Promise.resolve();
    if (room.inner.renaming) throw new ClientError("conflict", "The name is being changed.");
    room.inner.renaming = wait(() => this.#renamed(room, new ClientError("timeout")));
    this.#wire.send(this.presenceTo(`${bare}/${wanted}`));
    return room.inner.renaming.promise;
  }

  /** Tell the rooms what everyone was told. */
  announce() {
    for (const room of this.rooms.values()) {
      if (room.joined) this.#wire.send(this.presenceTo(`${room.jid}/${room.nick}`));
    }
  }

  send(bare, body) {
    return this.#messages.send(this.#known(bare), body);
  }

  setSubject(bare, subject) {
    this.#joined(bare);
    this.#wire.send(xml("message", { to: bare, type: "groupchat" }, xml("subject", null, subject)));
  }

  invite(bare, to, reason) {
    this.#joined(bare);
    this.#wire.send(xml("message", { to: bare },
      xml("x", { xmlns: NS.MUC_USER },
        xml("invite", { to }, reason && xml("reason", null, reason)))));
  }

  clear() {
    for (const room of this.rooms.values()) {
      room.inner.entering?.failed(new ClientError("offline"));
      room.inner.renaming?.failed(new ClientError("offline"));
      clearTimeout(room.inner.timer);
    }
    this.rooms.clear();
  }

  #known(bare) {
    const room = this.rooms.get(bare);
    if (!room) throw new ClientError("item-not-found");
    return room;
  }

  #joined(bare) {
    const room = this.#known(bare);
    if (!room.joined) throw new ClientError("offline");
    return room;
  }

  #send(room, attributes) {
    this.#wire.send(xml("presence", { to: `${room.jid}/${room.nick}`, ...attributes }));
  }

  /** We are in it no more, and mean to come back. */
  #away(room) {
    const { inner } = room;
    room.joined = false;
    room.occupants.clear();
    inner.tries = 0;
    inner.waits = 0;
    inner.back = true;
    clearTimeout(inner.timer);
    inner.renaming?.failed(new ClientError("connection-lost"));
    inner.renaming = null;
    this.#wire.emit("room", { room });
  }

  /** The service is away: it starts anew, perhaps later than the server does. */
  #later(room) {
    const { inner } = room;
    const pause = WAIT * 2 ** inner.waits * (0.75 + Math.random() / 2);
    inner.waits += 1;
    clearTimeout(inner.timer);
    inner.timer = setTimeout(() => {
      if (this.rooms.get(room.jid) !== room || room.joined) return;
      try {
        this.#enter(room);
      } catch {
        // No connection: the session that follows enters all rooms.
      }
    }, pause);
  }

  /** Ask to be let in (7.2), for as much history as was missed (7.2.13). */
  #enter(room) {
    const { password, last } = room.inner;
    const history = last ? { since: last.toISOString() } : { maxstanzas: LIMITS.HISTORY };
    this.#wire.send(this.presenceTo(`${room.jid}/${room.nick}`,
      xml("x", { xmlns: NS.MUC },
        xml("history", history),
        password && xml("password", null, password))));
  }

  #receive(stanza) {
    const from = jidOrNull(attribute(stanza, "from"));
    const room = from && this.rooms.get(from.bare);
    if (!room) return false;
    const type = attribute(stanza, "type");
    if (type === "error") this.#refused(room, errorOf(child(stanza, "error"), NS.STANZA_ERROR));
    else if (type === "" && from.resource) this.#present(room, from, stanza);
    else if (type === "unavailable" && from.resource) this.#gone(room, from.resource, stanza);
    return true;
  }

  #present(room, from, stanza) {
    const nick = from.resource;
    const { codes, item } = readUser(stanza);
    const ours = codes.has("110") || nick === room.nick;
    if (!ours && !room.occupants.has(nick) && room.occupants.size >= LIMITS.OCCUPANTS) return;
    const occupant = readOccupant(nick, stanza, item);
    room.occupants.set(nick, occupant);
    this.#avatars.learn(from, stanza);
    if (ours && !room.joined) this.#entered(room, nick, codes);
    // Who is there already when we come is told with the room.
    else if (room.joined) this.#wire.emit("occupant", { room, occupant });
  }

  async #entered(room, nick, codes) {
    // The service may have changed the nick to its liking (210).
    room.nick = nick;
    room.joined = true;
    room.created = codes.has("201");
    clearTimeout(room.inner.timer);
    this.#wire.emit("room", { room });
    // Nobody else can come in before it is unlocked: until then we are not in either.
    if (room.created && !(await this.#unlock(room))) return;
    const { entering } = room.inner;
    room.inner.entering = null;
    entering?.done(room);
    this.#messages.release(room);
  }

  /** A new room is locked until its owner says how it is to be: as the service has it (10.1.2). */
  async #unlock(room) {
    const form = xml("query", { xmlns: NS.MUC_OWNER }, xml("x", { xmlns: NS.DATA, type: "submit" }));
    try {
      await this.#wire.iq("set", room.jid, form);
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#refused(room, error);
      return false;
    }
  }

  #gone(room, nick, stanza) {
    const user = readUser(stanza);
    const occupant = room.occupants.get(nick);
    const ours = user.codes.has("110") || nick === room.nick;
    room.occupants.delete(nick);
    if (user.codes.has("303")) {
      const renamed = jidOrNull(`${room.jid}/${attribute(user.item, "nick")}`)?.resource;
      if (ours && renamed) {
        room.nick = renamed;
        this.#renamed(room, null);
      }
      if (occupant) this.#wire.emit("occupant", { room, occupant, left: true, nick: renamed });
      return;
    }
    const condition = departure(user);
    if (ours && room.inner.entering) {
      const why = condition === "banned" ? "forbidden" : "not-allowed";
      this.#entryFailed(room, new ClientError(why, user.reason));
    } else if (ours && room.joined && PASSING.has(condition)) {
      this.#away(room);
      this.#later(room);
    } else if (ours && room.joined) {
      this.#over(room, condition, user.reason);
    } else if (occupant && room.joined) {
      this.#wire.emit("occupant", { room, occupant, left: true, reason: user.reason, condition });
    }
  }

  #refused(room, error) {
    const { entering, renaming } = room.inner;
    if (renaming) {
      this.#renamed(room, error);
    } else if (entering) {
      this.#entryFailed(room, error);
    } else if (!room.joined && error.condition === "conflict" && room.inner.tries < OTHER_NICKS) {
      room.inner.tries += 1;
      room.nick = `${room.nick}_`;
      this.#enter(room);
    } else if (!room.joined && LOST.has(error.condition) && room.inner.waits < WAITS) {
      this.#later(room);
    } else if (!room.joined || LOST.has(error.condition)) {
      this.#over(room, "lost", error.text);
    }
  }

  #entryFailed(room, error) {
    const { entering } = room.inner;
    room.inner.entering = null;
    room.joined = false;
    this.rooms.delete(room.jid);
    entering.failed(error);
  }

  #renamed(room, error) {
    const { renaming } = room.inner;
    room.inner.renaming = null;
    if (error) renaming?.failed(error);
    else renaming?.done();
  }

  #over(room, condition, reason = "") {
    this.rooms.delete(room.jid);
    room.joined = false;
    room.occupants.clear();
    clearTimeout(room.inner.timer);
    room.inner.renaming?.failed(new ClientError("offline"));
    this.#messages.drop(room);
    this.#wire.emit("room", { room, left: true, condition, reason });
  }
}

/** What puts everyone out, and is nobody's will: we come back. */
const PASSING = new Set(["lost", "shutdown"]);

/** Errors that say that the room, or the way to it, is no more. */
const LOST = new Set([
  "gone", "item-not-found", "remote-server-not-found", "remote-server-timeout", "service-unavailable",
]);

/** A promise that someone else settles, or the time does. */
function wait(late) {
  const waiting = {};
  waiting.promise = new Promise((done, failed) => {
    const timer = setTimeout(late, LIMITS.IQ_SECONDS * 1000);
    const settle = (call) => (value) => {
      clearTimeout(timer);
      call(value);
    };
    waiting.done = settle(done);
    waiting.failed = settle(failed);
  });
  return waiting;
}
