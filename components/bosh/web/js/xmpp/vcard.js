/** vCards (XEP-0054) and the pictures in them (XEP-0153). */
import { fromBase64, toBase64, toHex } from "./bytes.js";
import { ClientError } from "./errors.js";
import { imageType } from "./image.js";
import { jidOrNull } from "./jid.js";
import { BoundedMap, LIMITS, clip } from "./limits.js";
import { NS } from "./ns.js";
import { Raw, attribute, child, childText, children, xml } from "./xml.js";

const HASH = /^[0-9a-f]{40}$/;

export class Avatars {
  /** Called when what our own presence has to say of our picture has changed. */
  onown = () => {};
  #wire;
  #hashes = new BoundedMap(LIMITS.CONTACTS); // address -> hash, "" for none
  #pictures = new BoundedMap(LIMITS.AVATARS, revoke); // address -> Promise of an URL or null
  #own = null; // the hash of ours, "" for none, null while it is not known
  #silent = new BoundedMap(LIMITS.RESOURCES); // our other clients that know nothing of pictures

  constructor(wire) {
    this.#wire = wire;
  }

  /** What our presence says of our picture (XEP-0153 4.1): nothing yet, none, or its hash. */
  update() {
    const known = this.#own !== null && this.#silent.size === 0;
    return xml("x", { xmlns: NS.VCARD_UPDATE }, known ? xml("photo", null, this.#own) : null);
  }

  /** A new session: who else is there is told anew, and before a look nothing may be said (4.2). */
  async begin() {
    const silenced = this.#silent.size > 0;
    this.#silent.clear();
    await (silenced ? this.#reset() : this.#refresh());
  }

  /** Take back what we say of our picture, and look again (4.4). */
  async #reset() {
    this.#own = null;
    this.onown();
    await this.#refresh();
  }

  async #refresh() {
    try {
      const photo = photoOf(await this.#fetch(this.#wire.me.bare));
      this.#tell(photo ? await hash(photo.bytes) : "");
    } catch (error) {
      // Without a vCard service there are no pictures, and no word of them.
      if (!(error instanceof ClientError)) throw error;
    }
  }

  /** Learn from a presence which picture its sender has. */
  learn(from, presence) {
    const update = child(presence, "x", NS.VCARD_UPDATE);
    const ours = from.bare === this.#wire.me?.bare;
    if (ours && from.full === this.#wire.me.full) return;
    if (ours) this.#listen(from.resource, update !== null);
    const photo = child(update, "photo", NS.VCARD_UPDATE);
    if (!photo) return;
    const told = photo.textContent.trim().toLowerCase();
    if (told !== "" && !HASH.test(told)) return;
    if (ours) {
      // Another of our clients changed it (4.3).
      if (this.#own !== null && told !== this.#own) this.#reset();
      return;
    }
    // A room's occupant is known by room and nick, a contact by the bare address.
    const address = child(presence, "x", NS.MUC_USER) ? from.full : from.bare;
    if (this.#hashes.get(address) === told) return;
    this.#hashes.set(address, told);
    this.#changed(address);
  }

  /** Somebody's client is gone. */
  gone(from) {
    if (from.bare === this.#wire.me?.bare) this.#listen(from.resource, true);
  }

  /**
   * One of our other clients that says nothing of pictures may change ours unheard: while it is
   * there we say nothing of it either, and look again when it has gone (4.3).
   */
  #listen(resource, speaks) {
    const before = this.#silent.size;
    if (speaks) this.#silent.delete(resource);
    else this.#silent.set(resource, true);
    if (before === 0 && this.#silent.size > 0) this.onown();
    else if (before > 0 && this.#silent.size === 0) this.#reset();
  }

  /**
   * The picture of a bare address, or of an occupant.
   * @returns {Promise<string|null>} a blob URL, good until the event "avatar"
   */
  url(address) {
    const jid = jidOrNull(address)?.full;
    if (!jid || this.#hashes.get(jid) === "") return Promise.resolve(null);
    const held = this.#pictures.get(jid);
    const picture = held ?? this.#load(jid);
    // Used again, it is young again.
    this.#pictures.set(jid, picture);
    return picture;
  }

  /** @returns {Promise<{name: string, nick: string}>} */
  async vcard(bare) {
    const vcard = await this.#fetch(bare);
    return { name: clip(childText(vcard, "FN") ?? ""), nick: clip(childText(vcard, "NICKNAME") ?? "") };
  }

  /** Make a picture ours, or with null have none; the rest of our vCard stays as it is. */
  async set(blob) {
    const photo = blob && (await readPicture(blob));
    const rest = children(await this.#fetch(this.#wire.me.bare)).filter((one) => one.localName !== "PHOTO");
    await this.#wire.iq("set", null, xml("vCard", { xmlns: NS.VCARD },
      rest.map((one) => new Raw(one)),
      photo && xml("PHOTO", null,
        xml("TYPE", null, photo.type),
        xml("BINVAL", null, toBase64(photo.bytes)))));
    // What has just been made ours is told whoever else is there (4.2).
    this.#silent.clear();
    this.#tell(photo ? await hash(photo.bytes) : "");
  }

  clear() {
    for (const picture of this.#pictures.values()) revoke(picture);
    this.#pictures.clear();
    this.#hashes.clear();
    this.#silent.clear();
    this.#own = null;
  }

  #tell(own) {
    if (own === this.#own) return;
    this.#own = own;
    this.#changed(this.#wire.me.bare);
    this.onown();
  }

  #changed(address) {
    const old = this.#pictures.get(address);
    this.#pictures.delete(address);
    if (old) revoke(old);
    this.#wire.emit("avatar", { jid: address });
  }

  async #load(address) {
    try {
      const photo = photoOf(await this.#fetch(address));
      return photo && URL.createObjectURL(new Blob([photo.bytes], { type: photo.type }));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return null;
    }
  }

  /** @returns {Promise<Element|null>} null where there is none */
  async #fetch(address) {
    const to = address === this.#wire.me.bare ? null : address;
    try {
      return child(await this.#wire.iq("get", to, xml("vCard", { xmlns: NS.VCARD })), "vCard", NS.VCARD);
    } catch (error) {
      if (error.condition === "item-not-found") return null;
      throw error;
    }
  }
}

/** @throws {ClientError} image-too-large, image-unsupported */
async function readPicture(blob) {
  if (blob.size > LIMITS.OWN_AVATAR_BYTES) throw new ClientError("image-too-large");
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const type = imageType(bytes);
  if (!type) throw new ClientError("image-unsupported");
  return { bytes, type };
}

/** The picture in a vCard, where it is one that can be shown. */
function photoOf(vcard) {
  const text = childText(child(vcard, "PHOTO", NS.VCARD), "BINVAL")?.replace(/\s+/g, "");
  // Four characters for three bytes.
  if (!text || text.length > (LIMITS.AVATAR_BYTES * 4) / 3 + 4) return null;
  let bytes;
  try {
    bytes = fromBase64(text);
  } catch {
    return null;
  }
  const type = imageType(bytes);
  return type && { bytes, type };
}

async function hash(bytes) {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)));
}

async function revoke(picture) {
  const url = await picture;
  if (url) URL.revokeObjectURL(url);
}
