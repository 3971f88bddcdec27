/** Chat states (XEP-0085): who is writing, told to those only who want to know. */
import { BoundedMap, LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { xml } from "./xml.js";

/** The state that a message tells, "" where it tells none. */
export function stateOf(stanza) {
  const told = (one) => one.namespaceURI === NS.CHATSTATES && STATES.has(one.localName);
  return [...stanza.children].find(told)?.localName ?? "";
}

const STATES = new Set(["active", "composing", "gone", "inactive", "paused"]);

export class ChatStates {
  /** Are they told at all? For people to say (5.2). */
  on = true;
  #wire;
  #roster;
  #caps;
  #peers = new BoundedMap(LIMITS.CONTACTS); // chat -> {wants: boolean|null, told: last state sent, now: what holds}

  constructor(wire, roster, caps) {
    this.#wire = wire;
    this.#roster = roster;
    this.#caps = caps;
  }

  /** What goes with a message: it asks whether the other side takes chat states (5.1). */
  withMessage(chat) {
    const peer = this.#peer(chat);
    if (!this.on || peer.wants === false) return null;
    peer.told = peer.now = "active";
    return xml("active", { xmlns: NS.CHATSTATES });
  }

  /** Tell a state by itself, where the other side is known to take it and has not heard it. */
  async send(chat, state) {
    const peer = this.#peer(chat);
    peer.now = state;
    if (!this.on || !STATES.has(state) || peer.told === state) return;
    if (!(peer.wants ?? (await this.#promised(chat)))) return;
    // The answer takes its time: what was true before it need not be true any more.
    if (peer.now !== state || peer.told === state) return;
    peer.told = state;
    try {
      this.#wire.send(xml("message", { to: chat, type: "chat" }, xml(state, { xmlns: NS.CHATSTATES })));
    } catch {
      // Not connected: a state is not worth keeping.
      peer.told = null;
    }
  }

  /** Learn from a message whether its sender takes them, and tell what it says. */
  receive(stanza, { chat, nick }) {
    const state = stateOf(stanza);
    const peer = this.#peer(chat);
    if (state) peer.wants = true;
    else if ([...stanza.children].some((one) => one.localName === "body")) peer.wants = false;
    if (state) this.#wire.emit("chatstate", nick === undefined ? { chat, state } : { chat, nick, state });
  }

  clear() {
    this.on = true;
    this.#peers.clear();
  }

  #peer(chat) {
    const peer = this.#peers.get(chat) ?? { wants: null, told: null, now: null };
    this.#peers.set(chat, peer);
    return peer;
  }

  /** Does one of their resources say so in its capabilities? Only for whom we may tell that we are here. */
  async #promised(chat) {
    if (!this.#roster.isSeenBy(chat)) return false;
    const resources = [...this.#roster.contacts.get(chat).resources.keys()];
    const answers = await Promise.all(
      resources.map((resource) => this.#caps.can(`${chat}/${resource}`, NS.CHATSTATES)));
    return answers.includes(true);
  }
}
