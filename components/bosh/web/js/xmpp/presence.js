/** Presence (RFC 6121 3 and 4): ours, our contacts', and who asks to see whose. */
import { jidOrNull } from "./jid.js";
import { BoundedMap, LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, childText, errorOf, xml } from "./xml.js";

const SHOWS = new Set(["away", "chat", "dnd", "xa"]);

/** What a presence says of its sender. */
export function readPresence(stanza) {
  const show = childText(stanza, "show")?.trim() ?? "";
  const priority = Number.parseInt(childText(stanza, "priority") ?? "0", 10);
  return {
    show: SHOWS.has(show) ? show : "",
    status: clip(childText(stanza, "status") ?? ""),
    priority: Number.isNaN(priority) ? 0 : Math.min(Math.max(priority, -128), 127),
  };
}

export class Presence {
  /** Who asks for our presence and waits: Map bare -> {jid, nick, text}. */
  requests = new BoundedMap(LIMITS.REQUESTS);
  #wire;
  #roster;
  #caps;
  #avatars;
  #disco;
  #show = "";
  #status = "";

  constructor(wire, { roster, caps, avatars, disco }) {
    this.#wire = wire;
    this.#roster = roster;
    this.#caps = caps;
    this.#avatars = avatars;
    this.#disco = disco;
    wire.take("presence", (stanza) => this.#receive(stanza));
  }

  /** Our presence to `to`, or to everyone: what rooms are sent as well. */
  stanza(to = null, ...extra) {
    return xml("presence", { to },
      this.#show && xml("show", null, this.#show),
      this.#status && xml("status", null, this.#status),
      this.#disco.caps(),
      this.#avatars.update(),
      extra);
  }

  announce() {
    this.#wire.send(this.stanza());
  }

  set(show, status) {
    this.#show = SHOWS.has(show) ? show : "";
    this.#status = status;
  }

  subscribe(bare) {
    this.#wire.send(xml("presence", { to: bare, type: "subscribe" }));
  }

  approve(bare) {
    this.requests.delete(bare);
    this.#wire.send(xml("presence", { to: bare, type: "subscribed" }));
  }

  deny(bare) {
    this.requests.delete(bare);
    this.#wire.send(xml("presence", { to: bare, type: "unsubscribed" }));
  }

  leave() {
    this.#wire.send(xml("presence", { type: "unavailable" }));
  }

  clear() {
    this.requests.clear();
    this.#show = "";
    this.#status = "";
  }

  #receive(stanza) {
    const from = jidOrNull(attribute(stanza, "from")) ?? this.#wire.me;
    const type = attribute(stanza, "type");
    if (type === "") this.#available(from, stanza);
    else if (type === "unavailable") this.#gone(from);
    else if (type === "error") this.#failed(from, stanza);
    else if (type === "subscribe") this.#asked(from, stanza);
    return true;
  }

  #available(from, stanza) {
    this.#caps.learn(from.full, stanza);
    this.#avatars.learn(from, stanza);
    if (from.resource) this.#roster.setResource(from.bare, from.resource, readPresence(stanza));
  }

  /** Who can't be reached is not there; where we have asked to see them, they have not heard of it. */
  #failed(from, stanza) {
    this.#gone(from);
    if (!this.#roster.contacts.get(from.bare)?.ask) return;
    this.#wire.emit("unasked", { jid: from.bare, error: errorOf(child(stanza, "error"), NS.STANZA_ERROR) });
  }

  #gone(from) {
    this.#caps.forget(from.full);
    this.#avatars.gone(from);
    if (from.resource) this.#roster.setResource(from.bare, from.resource, null);
    else this.#roster.setOffline(from.bare);
  }

  #asked(from, stanza) {
    const { bare } = from;
    const nick = clip(child(stanza, "nick", NS.NICK)?.textContent ?? "", 200);
    const request = { jid: bare, nick, text: clip(childText(stanza, "status") ?? "") };
    this.requests.set(bare, request);
    this.#wire.emit("subscription", request);
  }
}
