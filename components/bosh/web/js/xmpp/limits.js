/** How far the network may make things grow. Past a limit the oldest go, or the newcomer is refused. */
export const LIMITS = {
  STANZA: 4 * 1024 * 1024, // characters in one frame or one BOSH response
  BODY: 64 * 1024, // characters of a message that are kept
  TEXT: 4 * 1024, // characters of a name, status, subject, or reason
  CONTACTS: 10_000,
  RESOURCES: 100, // of one contact
  REQUESTS: 200, // subscription requests that wait
  ROOMS: 200,
  BOOKMARKS: 1_000, // rooms our server knows of; ROOMS of them are entered
  OCCUPANTS: 5_000, // of one room
  SEEN: 500, // messages of one room remembered, to know them again
  AWAITED: 500, // sent messages whose receipt or error may still come
  UNACKED: 1_000, // stanzas the server has not acknowledged
  IQS: 500, // questions without an answer yet
  CAPS: 1_000, // verification strings known
  FEATURES: 1_000, // in one disco#info answer
  ITEMS: 1_000, // in one disco#items answer
  AVATARS: 500, // pictures held
  AVATAR_BYTES: 1024 * 1024, // of someone else's
  OWN_AVATAR_BYTES: 256 * 1024,
  ITERATIONS: 10_000_000, // rounds of PBKDF2 a server may ask for
  MIN_ITERATIONS: 4_096, // RFC 7677 4
  IQ_SECONDS: 30,
  CONNECT_SECONDS: 15,
  HISTORY: 50, // messages of a room asked for when joining
};

/** The text, or its beginning where it is too long. */
export function clip(text, limit = LIMITS.TEXT) {
  return text.length > limit ? text.slice(0, limit) : text;
}

/** A Map that forgets its oldest entries; `forgotten` is told of each that went. */
export class BoundedMap extends Map {
  #limit;
  #forgotten;

  constructor(limit, forgotten = () => {}) {
    super();
    this.#limit = limit;
    this.#forgotten = forgotten;
  }

  set(key, value) {
    // A key set again is young again.
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) {
      const [oldest, gone] = this.entries().next().value;
      this.delete(oldest);
      this.#forgotten(gone, oldest);
    }
    return this;
  }
}
