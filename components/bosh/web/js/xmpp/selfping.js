/** Are we still in our rooms (XEP-0410)? A room that has lost us, or is gone, says nothing of it. */
import { ClientError } from "./errors.js";
import { parseJid } from "./jid.js";
import { NS } from "./ns.js";
import { xml } from "./xml.js";

const LOOK = 60_000; // milliseconds between two looks at who is silent
const SILENCE = 15 * 60_000; // after which a room is asked (3.2)
const SERVICE_SILENCE = 2 * 60_000; // of all rooms of a service, after which one of them is

/** Errors of our own client, asked by a room that answers nothing itself: we are in (3.2). Or of our
 * server, while the service is away: it is asked again soon. */
const INSIDE = new Set(["service-unavailable", "feature-not-implemented"]);
/** The room can't be reached, for now. */
const UNKNOWN = new Set(["connection-lost", "queue-full", "offline", "remote-server-not-found",
  "remote-server-timeout", "timeout"]);

export class SelfPing {
  #wire;
  #rooms;
  #onforgotten;
  #timer = null;
  #asked = new Set(); // rooms whose answer is awaited

  /**
   * @param {import("./wire.js").Wire} wire
   * @param {Map<string, import("./room.js").Room>} rooms
   * @param {(room: import("./room.js").Room) => void} onforgotten
   */
  constructor(wire, rooms, onforgotten) {
    this.#wire = wire;
    this.#rooms = rooms;
    this.#onforgotten = onforgotten;
    wire.on("state", ({ state }) => this.#state(state));
  }

  #state(state) {
    clearInterval(this.#timer);
    this.#timer = null;
    // A session that hibernates asks nothing (4).
    if (state !== "online") return;
    this.#timer = setInterval(() => this.look(Date.now()), LOOK);
    // A session that was resumed may have missed how a room ended.
    this.look(Infinity);
  }

  /** Ask the rooms that have said nothing for long. */
  look(now) {
    for (const rooms of this.#services().values()) {
      const silent = (room, limit) => now - room.inner.heard > limit;
      const due = rooms.filter((room) => silent(room, SILENCE));
      if (!due.length && rooms.every((room) => silent(room, SERVICE_SILENCE))) due.push(rooms[0]);
      for (const room of due) this.#ask(room);
    }
  }

  /** The rooms we believe to be in, by their service. */
  #services() {
    const services = new Map();
    for (const room of this.#rooms.values()) {
      if (!room.joined) continue;
      const { domain } = parseJid(room.jid);
      services.set(domain, [...(services.get(domain) ?? []), room]);
    }
    return services;
  }

  async #ask(room) {
    // A name that is about to change is no good address (4).
    if (this.#asked.has(room) || room.inner.renaming) return;
    this.#asked.add(room);
    const { nick } = room;
    const since = Date.now();
    try {
      await this.#wire.iq("get", `${room.jid}/${nick}`, xml("ping", { xmlns: NS.PING }));
      room.inner.heard = Date.now();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (!UNKNOWN.has(error.condition)) this.#told(room, nick, error.condition, since);
    } finally {
      this.#asked.delete(room);
    }
  }

  #told(room, nick, condition, since) {
    // Another of our clients may have changed the name while we asked.
    if (this.#rooms.get(room.jid) !== room || !room.joined || room.nick !== nick) return;
    if (INSIDE.has(condition)) return;
    const others = this.#services().get(parseJid(room.jid).domain);
    this.#onforgotten(room);
    // A service that began anew has forgotten everybody everywhere.
    for (const other of others) if (other !== room && other.inner.heard < since) this.#ask(other);
  }
}
