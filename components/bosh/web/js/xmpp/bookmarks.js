/**
 * Rooms to come back to (XEP-0402), kept by our own server where it has a place for that.
 *
 * A room we come into is marked, and one we leave is not any more, here or with another client
 * of ours. Where the server keeps nothing, rooms last as long as the page.
 */
import { ClientError } from "./errors.js";
import { jidOrNull } from "./jid.js";
import { BoundedMap, LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { Raw, attribute, child, childText, children, xml } from "./xml.js";

/** How the node has to be: nobody else's business (XEP-0223 3, XEP-0402 3.3). */
const OPTIONS = {
  "pubsub#persist_items": "true",
  "pubsub#max_items": "max",
  "pubsub#send_last_published_item": "never",
  "pubsub#access_model": "whitelist",
};

/** Ends that are nobody's will: the room is still one of ours. */
const PASSING = new Set(["lost", "shutdown"]);

/**
 * @typedef {object} Mark
 * @property {boolean} autojoin
 * @property {string} nick "" where none was given
 * @property {string} name as a person has called the room; "" where nobody has
 * @property {string} password of the room, as another client has kept it
 * @property {Raw[]} rest what we do not know, and have to keep (3.4)
 */

export class Bookmarks {
  #wire;
  #rooms;
  /** @type {Map<string, Mark>|null} by bare address; null while it is not known */
  #marks = null;
  #unanswered = new Map(); // bare -> how many changes of ours are under way

  /**
   * @param {import("./wire.js").Wire} wire
   * @param {import("./rooms.js").Rooms} rooms
   */
  constructor(wire, rooms) {
    this.#wire = wire;
    this.#rooms = rooms;
    wire.on("room", (event) => this.#changed(event));
    wire.take("message", (stanza) => this.#told(stanza));
  }

  /** Come back to all rooms that are to be entered at login (3.2). */
  async restore() {
    this.#marks = null;
    let found;
    try {
      const iq = await this.#wire.iq("get", null,
        xml("pubsub", { xmlns: NS.PUBSUB }, xml("items", { node: NS.BOOKMARKS })));
      found = children(child(child(iq, "pubsub", NS.PUBSUB), "items", NS.PUBSUB), "item", NS.PUBSUB);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // No such node: the first bookmark makes it. Any other answer means that there is no place.
      if (error.condition !== "item-not-found") return;
      found = [];
    }
    this.#marks = new BoundedMap(LIMITS.BOOKMARKS);
    for (const item of found.slice(0, LIMITS.BOOKMARKS)) {
      const read = readItem(item);
      if (!read) continue;
      this.#marks.set(read.bare, read.mark);
      if (read.mark.autojoin) this.#come(read.bare, read.mark);
    }
    // Rooms that were entered meanwhile.
    for (const room of this.#rooms.rooms.values()) this.#changed({ room });
  }

  /** Our name in a room is another: that is the one to come back by. */
  renamed(room) {
    const mark = this.#marks?.get(room.jid);
    if (mark?.autojoin && mark.nick !== room.nick) this.#write(room.jid, { ...mark, nick: room.nick });
  }

  clear() {
    this.#marks = null;
    this.#unanswered.clear();
  }

  #come(bare, { nick, password }) {
    this.#rooms.comeBack(bare, nick, password || undefined);
  }

  #changed({ room, left, condition }) {
    const mark = this.#marks?.get(room.jid);
    if (!this.#marks) return;
    if (left) {
      if (mark?.autojoin && !PASSING.has(condition)) this.#remove(room.jid, mark);
    } else if (room.joined && !mark?.autojoin) {
      const { name = "", password = "", rest = [] } = mark ?? {};
      this.#write(room.jid, { autojoin: true, nick: room.nick, name, password, rest });
    }
  }

  #write(bare, mark) {
    this.#marks.set(bare, mark);
    const { autojoin, name, nick, password, rest } = mark;
    const item = xml("item", { id: bare },
      xml("conference", { xmlns: NS.BOOKMARKS, name: name || null, autojoin: String(autojoin) },
        nick && xml("nick", null, nick), password && xml("password", null, password), rest));
    this.#change(bare,
      xml("publish", { node: NS.BOOKMARKS }, item),
      xml("publish-options", null, form(OPTIONS)));
  }

  /** What somebody has called by a name, or another client knows more of, stays in the list. */
  #remove(bare, mark) {
    if (mark.name || mark.rest.length) {
      this.#write(bare, { ...mark, autojoin: false });
      return;
    }
    this.#marks.delete(bare);
    this.#change(bare, xml("retract", { node: NS.BOOKMARKS, notify: "true" }, xml("item", { id: bare })));
  }

  async #change(bare, ...content) {
    const unanswered = this.#unanswered;
    unanswered.set(bare, (unanswered.get(bare) ?? 0) + 1);
    try {
      await this.#wire.iq("set", null, xml("pubsub", { xmlns: NS.PUBSUB }, content));
    } catch (error) {
      // We are in the room all the same, and not after the next login.
      if (!(error instanceof ClientError)) throw error;
    } finally {
      const left = (unanswered.get(bare) ?? 1) - 1;
      if (left > 0) unanswered.set(bare, left);
      else unanswered.delete(bare);
    }
  }

  /** Another client of ours has come into a room, or left it (4); our own changes come back, too. */
  #told(stanza) {
    // The account's own node speaks by its address, and nobody else does.
    if (attribute(stanza, "from") !== this.#wire.me?.bare) return false;
    const items = child(child(stanza, "event", NS.PUBSUB_EVENT), "items", NS.PUBSUB_EVENT);
    if (!items || attribute(items, "node") !== NS.BOOKMARKS) return false;
    for (const item of children(items).slice(0, LIMITS.BOOKMARKS)) {
      const read = readItem(item);
      // What we have changed since is not to be undone.
      if (!read || !this.#marks || this.#unanswered.has(read.bare)) continue;
      const { bare, mark } = read;
      const before = this.#marks.get(bare)?.autojoin ?? false;
      if (item.localName === "retract") this.#marks.delete(bare);
      else this.#marks.set(bare, mark);
      if (mark.autojoin && !before) this.#come(bare, mark);
      else if (!mark.autojoin && before) this.#rooms.leave(bare);
    }
    return true;
  }
}

/** @returns {{bare: string, mark: Mark}|null} null where it is no room's */
function readItem(item) {
  const jid = jidOrNull(attribute(item, "id"));
  if (!jid?.local || jid.resource) return null;
  const conference = child(item, "conference", NS.BOOKMARKS);
  const known = (one) => one.namespaceURI === NS.BOOKMARKS && ["nick", "password"].includes(one.localName);
  return {
    bare: jid.bare,
    mark: {
      autojoin: ["true", "1"].includes(attribute(conference, "autojoin")),
      name: clip(attribute(conference, "name")),
      nick: clip(childText(conference, "nick") ?? ""),
      password: clip(childText(conference, "password") ?? ""),
      rest: children(conference).filter((one) => !known(one)).map((one) => new Raw(one)),
    },
  };
}

function form(fields) {
  const field = (name, value, type) => xml("field", { var: name, type }, xml("value", null, value));
  return xml("x", { xmlns: NS.DATA, type: "submit" },
    field("FORM_TYPE", `${NS.PUBSUB}#publish-options`, "hidden"),
    Object.entries(fields).map(([name, value]) => field(name, value)));
}
