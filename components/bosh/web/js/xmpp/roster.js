/** The roster (RFC 6121 2) and who of it is there. */
import { ClientError } from "./errors.js";
import { jidOrNull } from "./jid.js";
import { LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, children, xml } from "./xml.js";

/**
 * @typedef {object} Contact
 * @property {string} jid bare
 * @property {string} name "" where none was given
 * @property {string[]} groups
 * @property {"none"|"to"|"from"|"both"} subscription
 * @property {boolean} ask our request waits for an answer
 * @property {Map<string, {show: string, status: string, priority: number}>} resources
 * @property {string|null} show of the resource that speaks for them; null when offline
 * @property {string} status
 */

const SUBSCRIPTIONS = new Set(["none", "to", "from", "both"]);
const SHOWS = ["chat", "", "away", "xa", "dnd"]; // the more inviting first

export class Roster {
  /** @type {Map<string, Contact>} */
  contacts = new Map();
  #wire;
  #version = ""; // of the roster that we have; "" for none (2.6)
  #changes = null; // pushes that have come while it is asked for

  constructor(wire) {
    this.#wire = wire;
    wire.answer("set", NS.ROSTER, (iq, query) => this.#push(iq, query));
  }

  /**
   * Ask for all of it, or for what has changed since we had it (2.6): the changes come as pushes.
   * Everyone is offline until heard of.
   * @param {Element} features of the stream
   */
  async fetch(features) {
    const versions = child(features, "ver", NS.ROSTER_VERSIONS);
    const ver = versions ? this.#version : null;
    let query = null;
    let unchanged = false;
    this.#changes = [];
    try {
      const answer = await this.#wire.iq("get", null, xml("query", { xmlns: NS.ROSTER, ver }));
      query = child(answer, "query", NS.ROSTER);
      unchanged = Boolean(ver) && !query;
    } catch (error) {
      // A server without rosters still carries messages; a lost connection is told elsewhere.
      if (error.condition === "connection-lost") throw error;
    }
    if (unchanged) this.#allOffline();
    else this.#replace(query, versions ? attribute(query, "ver") : "");
    this.#changes = null;
    this.#wire.emit("contacts", {});
  }

  #replace(query, version) {
    this.contacts.clear();
    this.#version = version;
    for (const item of children(query, "item", NS.ROSTER)) this.#store(item);
    // One answer of BOSH may have brought the roster, and what has changed since as well.
    for (const change of this.#changes) this.#change(change);
  }

  #allOffline() {
    for (const contact of this.contacts.values()) {
      contact.resources.clear();
      speakFor(contact);
    }
  }

  async set(bare, name) {
    const groups = this.contacts.get(bare)?.groups ?? [];
    await this.#ask(xml("item", { jid: bare, name: name || null },
      groups.map((group) => xml("group", null, group))));
  }

  async remove(bare) {
    await this.#ask(xml("item", { jid: bare, subscription: "remove" }));
  }

  /** May they see our presence, and so that we are here? */
  isSeenBy(bare) {
    return /^(?:from|both)$/.test(this.contacts.get(bare)?.subscription ?? "");
  }

  /** Set what one resource of a contact is doing; null takes it away. */
  setResource(bare, resource, presence) {
    const contact = this.contacts.get(bare);
    if (!contact) return;
    if (presence === null) contact.resources.delete(resource);
    else if (contact.resources.has(resource) || contact.resources.size < LIMITS.RESOURCES) {
      contact.resources.set(resource, presence);
    }
    speakFor(contact);
    this.#wire.emit("contact", { contact });
  }

  /** All of a contact's resources are gone (an error, or unavailable from the bare address). */
  setOffline(bare) {
    const contact = this.contacts.get(bare);
    if (!contact) return;
    contact.resources.clear();
    speakFor(contact);
    this.#wire.emit("contact", { contact });
  }

  clear() {
    this.#version = "";
    this.contacts.clear();
  }

  async #ask(item) {
    await this.#wire.iq("set", null, xml("query", { xmlns: NS.ROSTER }, item));
  }

  /** A push: from our own account or not at all (2.1.6), or anyone could write our roster. */
  #push(iq, query) {
    const from = attribute(iq, "from");
    if (from !== "" && from !== this.#wire.me?.bare) throw new ClientError("service-unavailable");
    if (children(query, "item", NS.ROSTER).length !== 1) throw new ClientError("bad-request");
    if (this.#changes?.length < LIMITS.CONTACTS) this.#changes.push(query);
    this.#change(query);
    return null;
  }

  #change(query) {
    this.#version &&= attribute(query, "ver");
    const [item] = children(query, "item", NS.ROSTER);
    if (attribute(item, "subscription") === "remove") {
      this.#removed(attribute(item, "jid"));
      return;
    }
    const before = this.contacts.size;
    const contact = this.#store(item);
    if (!contact) return;
    this.#wire.emit("contact", { contact });
    // Of a stranger there was no picture.
    if (this.contacts.size > before) this.#wire.emit("avatar", { jid: contact.jid });
  }

  #removed(bare) {
    const contact = this.contacts.get(bare);
    if (!contact) return;
    this.contacts.delete(bare);
    this.#wire.emit("contact", { contact, removed: true });
  }

  #store(item) {
    const bare = jidOrNull(attribute(item, "jid"))?.bare;
    const known = this.contacts.get(bare);
    if (!bare || (!known && this.contacts.size >= LIMITS.CONTACTS)) return null;
    const subscription = attribute(item, "subscription");
    const contact = known ?? { jid: bare, resources: new Map(), show: null, status: "" };
    contact.name = clip(attribute(item, "name"));
    contact.groups = children(item, "group", NS.ROSTER).slice(0, 100).map((one) => clip(one.textContent));
    contact.subscription = SUBSCRIPTIONS.has(subscription) ? subscription : "none";
    contact.ask = attribute(item, "ask") === "subscribe";
    this.contacts.set(bare, contact);
    return contact;
  }
}

/** Which resource speaks for a contact: the highest priority, then the most inviting. */
function speakFor(contact) {
  const [best] = [...contact.resources.values()].sort(
    (a, b) => b.priority - a.priority || SHOWS.indexOf(a.show) - SHOWS.indexOf(b.show));
  contact.show = best ? best.show : null;
  contact.status = best ? best.status : "";
}
