/** Bytes, and the texts that stand for them. */

const encoder = new TextEncoder();

/** @returns {Uint8Array} the UTF-8 of a text */
export function utf8(text) {
  return encoder.encode(text);
}

export function toBase64(bytes) {
  let binary = "";
  // In pieces: a call takes only so many arguments.
  for (let i = 0; i < bytes.length; i += 0x2000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x2000));
  }
  return btoa(binary);
}

/** @throws {DOMException} where it is no base64 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function toHex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Are they the same? Takes as long for any two of one length. */
export function equal(one, other) {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i += 1) difference |= one[i] ^ other[i];
  return difference === 0;
}

export function randomBytes(count) {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A fresh identifier. crypto.randomUUID is for secure pages only; this is for all. */
export function randomId() {
  return toHex(randomBytes(12));
}
