/** Service discovery (XEP-0030): what we are, and what others are. */
import { verification } from "./caps.js";
import { ClientError } from "./errors.js";
import { LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, children, xml } from "./xml.js";

/** Names the software in our capabilities (XEP-0115 4); an address, and nothing is there. */
export const NODE = "urn:xmppd:web";
export const NAME = "xmppd web client";

const IDENTITY = { category: "client", type: "web", lang: "", name: NAME };
const FEATURES = [
  NS.CAPS, NS.CARBONS, NS.CHATSTATES, NS.CONFERENCE, NS.DELAY, NS.DISCO_INFO, NS.DISCO_ITEMS, NS.MUC,
  NS.NICK, NS.PING, NS.RECEIPTS, NS.TIME, NS.VCARD_UPDATE, NS.VERSION,
];

export class Disco {
  #wire;
  #ver = null;

  constructor(wire) {
    this.#wire = wire;
    wire.answer("get", NS.DISCO_INFO, (_iq, query) => this.#describe(attribute(query, "node")));
    wire.answer("get", NS.DISCO_ITEMS, (_iq, query) => {
      if (attribute(query, "node")) throw new ClientError("item-not-found");
      return xml("query", { xmlns: NS.DISCO_ITEMS });
    });
  }

  /** Compute our verification string: WebCrypto takes its time. */
  async ready() {
    this.#ver ??= await verification("sha-1", { identities: [IDENTITY], features: FEATURES, forms: [] });
  }

  /** Our capabilities, for presence (XEP-0115 6); null before ready(). */
  caps() {
    return this.#ver && xml("c", { xmlns: NS.CAPS, hash: "sha-1", node: NODE, ver: this.#ver });
  }

  /** @returns {Promise<Element>} the answer's query element */
  async info(jid, node) {
    const iq = await this.#wire.iq("get", jid, xml("query", { xmlns: NS.DISCO_INFO, node }));
    const query = child(iq, "query", NS.DISCO_INFO);
    if (!query) throw new ClientError("service-unavailable");
    return query;
  }

  /** @returns {Promise<{jid: string, name: string}[]>} */
  async items(jid) {
    const iq = await this.#wire.iq("get", jid, xml("query", { xmlns: NS.DISCO_ITEMS }));
    return children(child(iq, "query", NS.DISCO_ITEMS), "item")
      .slice(0, LIMITS.ITEMS)
      .map((item) => ({ jid: attribute(item, "jid"), name: clip(attribute(item, "name")) }))
      .filter(({ jid }) => jid);
  }

  /** The first of the domain's services that is one for text conferences (XEP-0045 6.1), or null. */
  async roomService(domain) {
    const items = await this.items(domain);
    const found = await Promise.all(items.slice(0, 20).map(async ({ jid }) => {
      try {
        const info = await this.info(jid);
        const has = (name, key, value) =>
          children(info, name).some((one) => attribute(one, key) === value);
        return has("identity", "category", "conference") && has("feature", "var", NS.MUC) ? jid : null;
      } catch {
        // One service that does not answer is none of the others' business.
        return null;
      }
    }));
    return found.find((jid) => jid) ?? null;
  }

  #describe(node) {
    if (node && node !== `${NODE}#${this.#ver}`) throw new ClientError("item-not-found");
    const { category, type, name } = IDENTITY;
    return xml("query", { xmlns: NS.DISCO_INFO, node: node || null },
      xml("identity", { category, type, name }),
      FEATURES.map((feature) => xml("feature", { var: feature })));
  }
}
