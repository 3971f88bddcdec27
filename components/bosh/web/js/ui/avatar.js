/**
 * Faces: the picture that somebody has published, and before it (or without one) initials on a
 * disc whose colour follows from the name, so that the same person has the same colour everywhere
 * (the thought of XEP-0392).
 */

import { h } from "./dom.js";

/** How many answers are remembered; who has hundreds of contacts sees most of them by initials. */
const KNOWN = 500;

/**
 * Angle of a name's colour, in degrees. FNV-1a, since SHA-1 is asynchronous in browsers and
 * not there at all on plain HTTP.
 * @param {string} name
 * @returns {number}
 */
export function hue(name) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name.toLowerCase())) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  hash ^= hash >>> 15;
  return (hash >>> 0) % 360;
}

/**
 * One or two letters to stand for a name.
 * @param {string} name
 * @returns {string}
 */
export function initials(name) {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = (words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1)).map(
    (word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)),
  );
  return letters.join("").toUpperCase() || "?";
}

/** Pictures by address, asked for once and again when somebody has changed theirs. */
export class Avatars {
  #client;
  #known = new Map();
  /** Whose face is out of sight is not asked for: a list may be of hundreds. */
  #sight = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      this.#sight.unobserve(target);
      this.#fill(target);
    }
  });

  /** @param {import("../xmpp/client.js").Client} client */
  constructor(client) {
    this.#client = client;
  }

  /** Somebody else may log in next. */
  clear() {
    this.#known.clear();
    this.#sight.disconnect();
  }

  /**
   * A face as an element. It is decoration: the name stands beside it.
   * @param {string} name what initials and colour are made of
   * @param {{jid?: string|null, large?: boolean, square?: boolean}} [how] jid: whose picture to
   *   look for, if any; square: a room
   * @returns {HTMLElement}
   */
  element(name, { jid = null, large = false, square = false } = {}) {
    const classes = ["avatar", large && "large", square && "square"].filter(Boolean).join(" ");
    const disc = h("span", { class: classes, "aria-hidden": "true", text: initials(name) });
    // Equal lightness in OKLCH keeps white letters readable on every hue.
    disc.style.backgroundColor = `oklch(0.5 0.095 ${hue(jid ?? name)})`;
    if (jid !== null) {
      disc.dataset.face = jid;
      disc.dataset.initials = disc.textContent;
      this.#sight.observe(disc);
    }
    return disc;
  }

  /**
   * Somebody has another picture now.
   * @param {string} jid
   */
  changed(jid) {
    this.#known.delete(jid);
    for (const disc of document.querySelectorAll(".avatar[data-face]")) {
      if (disc.dataset.face === jid) this.#sight.observe(disc);
    }
  }

  async #fill(disc) {
    const url = await this.#picture(disc.dataset.face);
    if (url === null) disc.replaceChildren(disc.dataset.initials);
    else disc.replaceChildren(picture(url, disc));
  }

  #picture(jid) {
    if (!this.#known.has(jid)) {
      if (this.#known.size >= KNOWN) this.#known.delete(this.#known.keys().next().value);
      // No picture, a contact's server that is down: initials do in either case.
      this.#known.set(jid, Promise.resolve(this.#client.avatar(jid)).catch(() => null));
    }
    return this.#known.get(jid);
  }
}

function picture(url, disc) {
  const image = h("img", { src: url, alt: "", draggable: "false" });
  image.addEventListener("error", () => disc.replaceChildren(disc.dataset.initials));
  return image;
}
