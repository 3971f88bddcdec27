/**
 * SCRAM (RFC 5802, RFC 7677) by WebCrypto.
 *
 * The password goes in once. What comes out and may be kept is the pair of keys derived
 * from it: good for this account on this server only, and no use for finding the password
 * other than by trying.
 */
import { concat, equal, fromBase64, randomBytes, toBase64, utf8 } from "./bytes.js";
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { saslprep } from "./saslprep.js";

/** The mechanisms and their hashes, the best first. */
export const HASHES = new Map([
  ["SCRAM-SHA-256", { hash: "SHA-256", bits: 256 }],
  ["SCRAM-SHA-1", { hash: "SHA-1", bits: 160 }],
]);

// No channel binding: a browser does not let a page see its TLS connection.
const GS2 = "n,,";

/**
 * @typedef {object} ScramKeys
 * @property {string} mechanism
 * @property {string} salt as the server wrote it
 * @property {number} iterations
 * @property {Uint8Array} clientKey
 * @property {Uint8Array} serverKey
 */

/** One authentication. */
export class Scram {
  #mechanism;
  #username;
  #password;
  #kept;
  #nonce;
  #firstBare;
  #keys = null;
  #signature = null;

  /**
   * @param {string} mechanism a key of HASHES
   * @param {string} username
   * @param {{password?: string|CryptoKey, keys?: ScramKeys, nonce?: string}} secret the password, or
   *   keys of before
   */
  constructor(mechanism, username, { password, keys, nonce }) {
    this.#mechanism = mechanism;
    this.#username = username;
    this.#password = password;
    this.#kept = keys;
    this.#nonce = nonce ?? toBase64(randomBytes(24));
  }

  /** The keys, once the server has proved itself; null before. */
  get keys() {
    return this.#keys;
  }

  /** The client's first message (RFC 5802 5). */
  first() {
    const name = saslprep(this.#username).replaceAll("=", "=3D").replaceAll(",", "=2C");
    this.#firstBare = `n=${name},r=${this.#nonce}`;
    return GS2 + this.#firstBare;
  }

  /** The client's final message, for the server's first. */
  async final(serverFirst) {
    const { nonce, salt, iterations } = this.#readFirst(serverFirst);
    const keys = await this.#derive(salt, iterations);
    const withoutProof = `c=${toBase64(utf8(GS2))},r=${nonce}`;
    const authMessage = utf8(`${this.#firstBare},${serverFirst},${withoutProof}`);
    const { hash } = HASHES.get(this.#mechanism);
    const storedKey = new Uint8Array(await crypto.subtle.digest(hash, keys.clientKey));
    const clientSignature = await hmac(hash, storedKey, authMessage);
    const proof = keys.clientKey.map((byte, i) => byte ^ clientSignature[i]);
    this.#signature = await hmac(hash, keys.serverKey, authMessage);
    this.#kept = keys;
    return `${withoutProof},p=${toBase64(proof)}`;
  }

  /**
   * Check the server's final message: does it know this account's keys?
   * @throws {ClientError} server-unverified
   */
  verify(serverFinal) {
    const value = /^v=([^,]+)/.exec(serverFinal)?.[1];
    if (!this.#signature || !value || !equal(decoded(value), this.#signature)) {
      throw new ClientError("server-unverified");
    }
    this.#keys = this.#kept;
  }

  #readFirst(message) {
    // A mandatory extension ("m=") comes first and is a failure where it is not known (5.1).
    const parts = /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([1-9][0-9]{0,9})(?:,|$)/.exec(message);
    if (!parts) throw new ClientError("server-unverified", "The server's challenge is malformed.");
    const [, nonce, salt, digits] = parts;
    const iterations = Number(digits);
    // The server's nonce has to go on from ours, or this is an answer to someone else (5).
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) {
      throw new ClientError("server-unverified", "The server's challenge is not for this login.");
    }
    if (iterations < LIMITS.MIN_ITERATIONS || iterations > LIMITS.ITERATIONS) {
      throw new ClientError("server-unverified", "The server asks for too little or too much hashing.");
    }
    return { nonce, salt, iterations };
  }

  async #derive(salt, iterations) {
    const kept = this.#kept;
    if (kept && kept.salt === salt && kept.iterations === iterations) return kept;
    // Keys of before are for that salt only; a new one needs the password.
    if (this.#password === undefined) throw new ClientError("password-needed");
    return deriveKeys(this.#mechanism, this.#password, salt, iterations);
  }
}

/** @returns {Promise<CryptoKey>} the password, to derive keys from; nobody can read it any more */
export async function seal(password) {
  return crypto.subtle.importKey("raw", utf8(saslprep(password)), "PBKDF2", false, ["deriveBits"]);
}

/** @returns {Promise<ScramKeys>} the keys of a password, which may be a sealed one */
export async function deriveKeys(mechanism, password, salt, iterations) {
  const { hash, bits } = HASHES.get(mechanism);
  const material = typeof password === "string" ? await seal(password) : password;
  const salted = new Uint8Array(await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash, salt: decoded(salt), iterations }, material, bits));
  return Object.freeze({
    mechanism,
    salt,
    iterations,
    clientKey: await hmac(hash, salted, utf8("Client Key")),
    serverKey: await hmac(hash, salted, utf8("Server Key")),
  });
}

async function hmac(hash, key, message) {
  const imported = await crypto.subtle.importKey(
    "raw", key, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

function decoded(text) {
  try {
    return fromBase64(text);
  } catch {
    throw new ClientError("server-unverified", "The server's challenge is malformed.");
  }
}

/** PLAIN's one message (RFC 4616). */
export function plainMessage(username, password) {
  return concat(utf8("\0"), utf8(saslprep(username)), utf8("\0"), utf8(saslprep(password)));
}
