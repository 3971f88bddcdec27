/** One conversation, with a person or in a room, as far as the page remembers it. */

/** Messages kept of one conversation; older ones go. */
export const KEPT = 500;

export class Chat {
  /**
   * @param {string} jid bare address of the person or the room
   * @param {"person"|"room"} kind
   */
  constructor(jid, kind) {
    this.jid = jid;
    this.kind = kind;
    /** @type {Array<object>} messages, and notices ({notice, time}) between them */
    this.entries = [];
    this.unread = 0;
    /** Whether one of what is unread speaks of us. */
    this.mentioned = false;
    /** What the person does just now: "composing", or "". */
    this.writing = "";
    this.draft = "";
    /** Why we are in the room no more, if somebody said so. */
    this.left = "";
    /** Whether the room has told its subject since we came in; another one is news. */
    this.subjectTold = false;
    this.#keys = new Set();
  }

  #keys;

  /**
   * Append a message or notice.
   * @param {object} entry
   * @returns {boolean} false where it is here already: a room tells its history at each join
   */
  add(entry) {
    const key = keyOf(entry);
    if (key !== null && this.#keys.has(key)) return false;
    if (key !== null) this.#keys.add(key);
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.#keys.delete(keyOf(this.entries.shift()));
    return true;
  }

  /** All of it is read. */
  markRead() {
    this.unread = 0;
    this.mentioned = false;
  }

  /** @returns {object|null} the first message that is not read */
  get firstUnread() {
    let left = this.unread;
    if (left === 0) return null;
    return this.entries.findLast((entry) => !entry.mine && !entry.notice && (left -= 1) === 0) ?? null;
  }

  /** @returns {object|undefined} the last message */
  get last() {
    return this.entries.findLast((entry) => !entry.notice);
  }

  /**
   * @param {string} id
   * @returns {object|undefined} one of our own messages
   */
  mine(id) {
    return this.entries.findLast((entry) => entry.mine && entry.id === id);
  }
}

/** Others choose their ids, so an id is good only together with who it is from. */
function keyOf(entry) {
  if (entry.notice || !entry.id) return null;
  return JSON.stringify([entry.id, entry.mine ? "" : (entry.nick ?? entry.chat), entry.mine]);
}
