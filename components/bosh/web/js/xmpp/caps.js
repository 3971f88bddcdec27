/** Entity capabilities (XEP-0115): what others can do, told by a hash and asked once for all. */
import { toBase64, utf8 } from "./bytes.js";
import { BoundedMap, LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, children } from "./xml.js";

const HASHES = new Map([["sha-1", "SHA-1"], ["sha-256", "SHA-256"]]);
const XML = "http://www.w3.org/XML/1998/namespace";

/**
 * @typedef {object} DiscoInfo
 * @property {{category: string, type: string, lang: string, name: string}[]} identities
 * @property {string[]} features
 * @property {{type: string, fields: {name: string, values: string[]}[]}[]} forms
 */

/**
 * The verification string (5.1).
 * @param {string} hash as the protocol names it
 * @param {DiscoInfo} info
 * @returns {Promise<string>}
 */
export async function verification(hash, { identities, features, forms }) {
  const parts = [
    ...identities
      .map(({ category, type, lang, name }) => `${category}/${type}/${lang}/${name}`)
      .sort(byOctets),
    ...[...features].sort(byOctets),
  ];
  for (const form of [...forms].sort((a, b) => byOctets(a.type, b.type))) {
    parts.push(form.type);
    for (const field of [...form.fields].sort((a, b) => byOctets(a.name, b.name))) {
      parts.push(field.name, ...[...field.values].sort(byOctets));
    }
  }
  const text = parts.map((part) => `${part}<`).join("");
  return toBase64(new Uint8Array(await crypto.subtle.digest(HASHES.get(hash), utf8(text))));
}

/** i;octet, as UTF-8 has it: code points, where JavaScript compares UTF-16. */
function byOctets(one, other) {
  const a = utf8(one);
  const b = utf8(other);
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/**
 * A disco#info answer as its hash sees it.
 * @param {Element} query
 * @returns {DiscoInfo|null} null where it is one that no hash may vouch for (5.4, 3.3 to 3.6)
 */
export function readInfo(query) {
  const identities = children(query, "identity", NS.DISCO_INFO).map((one) => ({
    category: attribute(one, "category"),
    type: attribute(one, "type"),
    lang: one.getAttributeNS(XML, "lang") ?? "",
    name: attribute(one, "name"),
  }));
  const features = children(query, "feature", NS.DISCO_INFO).map((one) => attribute(one, "var"));
  const forms = [];
  for (const form of children(query, "x", NS.DATA)) {
    const fields = children(form, "field").map((field) => ({
      name: attribute(field, "var"),
      type: attribute(field, "type"),
      values: children(field, "value").map((value) => value.textContent),
    }));
    const kind = fields.find(({ name }) => name === "FORM_TYPE");
    // A form without a hidden FORM_TYPE is left out (3.6); one with two different is poison (3.5).
    if (!kind || kind.type !== "hidden") continue;
    if (new Set(kind.values).size !== 1) return null;
    forms.push({ type: kind.values[0], fields: fields.filter(({ name }) => name !== "FORM_TYPE") });
  }
  const ids = identities.map(({ category, type, lang }) => `${category}/${type}/${lang}`);
  const types = forms.map(({ type }) => type);
  const twice = [ids, features, types].some((all) => new Set(all).size !== all.length);
  return twice || features.length > LIMITS.FEATURES ? null : { identities, features, forms };
}

export class Caps {
  #disco;
  #features = new BoundedMap(LIMITS.CAPS); // "hash ver" -> Promise of a Set, or of null
  #entities = new BoundedMap(LIMITS.CONTACTS); // full JID -> "hash ver"

  constructor(disco) {
    this.#disco = disco;
  }

  /** Learn from a presence what its sender says it can do. */
  learn(from, presence) {
    const c = child(presence, "c", NS.CAPS);
    const [hash, node, ver] = ["hash", "node", "ver"].map((name) => attribute(c, name));
    if (!c || !HASHES.has(hash) || !ver || ver.length > 128) {
      this.#entities.delete(from);
      return;
    }
    const key = `${hash} ${ver}`;
    this.#entities.set(from, key);
    if (!this.#features.has(key)) this.#features.set(key, this.#ask(from, hash, node, ver, key));
  }

  forget(from) {
    this.#entities.delete(from);
  }

  /**
   * Can they do it?
   * @returns {Promise<boolean|null>} null where it is not known
   */
  async can(from, feature) {
    const features = await this.#features.get(this.#entities.get(from));
    return features ? features.has(feature) : null;
  }

  async #ask(from, hash, node, ver, key) {
    try {
      const info = readInfo(await this.#disco.info(from, `${node}#${ver}`));
      // A hash that does not fit would speak for others too (5.4): it is not believed.
      if (info && (await verification(hash, info)) === ver) return new Set(info.features);
    } catch {
      // No answer: nothing is known, and the next to say this hash is asked.
      this.#features.delete(key);
    }
    return null;
  }
}
