/** Logging in on a stream (RFC 6120 6): which mechanism, and its exchange. */
import { fromBase64, toBase64, utf8 } from "./bytes.js";
import { ClientError } from "./errors.js";
import { NS } from "./ns.js";
import { HASHES, Scram, plainMessage } from "./scram.js";
import { child, children, errorOf, is, xml } from "./xml.js";

/**
 * Log in.
 * @param {import("./stream.js").Stream} stream
 * @param {Element} features the stream's features
 * @param {{username: string, password?: string|CryptoKey, mechanism?: string,
 *   keys?: import("./scram.js").ScramKeys}} account `mechanism` is the only one that will do
 * @returns {Promise<import("./scram.js").ScramKeys|null>} keys to log in with again; null after PLAIN
 * @throws {ClientError}
 */
export async function authenticate(stream, features, account) {
  requireCryptography();
  const mechanism = choose(offered(features), stream.secure, account.mechanism);
  return mechanism === "PLAIN" ? plain(stream, account) : scram(stream, mechanism, account);
}

/** WebCrypto is there for pages by https and on localhost only, and without it there is no SCRAM. */
export function requireCryptography() {
  if (!globalThis.crypto?.subtle) throw new ClientError("insecure-context");
}

function offered(features) {
  const mechanisms = child(features, "mechanisms", NS.SASL);
  return new Set(children(mechanisms, "mechanism", NS.SASL).map((one) => one.textContent.trim()));
}

/**
 * The mechanism to use. Keys of before bind to theirs: nobody on the way can talk a client
 * that has used SCRAM into anything weaker.
 */
export function choose(names, secure, bound) {
  if (bound) {
    if (names.has(bound)) return bound;
    throw new ClientError("password-needed");
  }
  for (const name of HASHES.keys()) if (names.has(name)) return name;
  if (names.has("PLAIN") && secure) return "PLAIN";
  throw new ClientError("no-mechanism");
}

async function plain(stream, { username, password }) {
  if (typeof password !== "string") throw new ClientError("password-needed");
  stream.send(xml("auth", { xmlns: NS.SASL, mechanism: "PLAIN" },
    toBase64(plainMessage(username, password))));
  await outcome(stream, "success");
  return null;
}

async function scram(stream, mechanism, account) {
  const exchange = new Scram(mechanism, account.username, account);
  stream.send(xml("auth", { xmlns: NS.SASL, mechanism }, toBase64(utf8(exchange.first()))));
  const challenge = await outcome(stream, "challenge");
  stream.send(xml("response", { xmlns: NS.SASL },
    toBase64(utf8(await exchange.final(data(challenge))))));
  let last = await stream.next();
  if (is(last, "challenge", NS.SASL)) {
    // The server's proof may come by itself, before success (6.4.6 lets it come with it).
    exchange.verify(data(last));
    stream.send(xml("response", { xmlns: NS.SASL }));
    await outcome(stream, "success");
    return exchange.keys;
  }
  last = expected(last, "success");
  exchange.verify(data(last));
  return exchange.keys;
}

async function outcome(stream, name) {
  return expected(await stream.next(), name);
}

function expected(element, name) {
  if (is(element, "failure", NS.SASL)) {
    const error = errorOf(element, NS.SASL);
    // What servers say of a wrong password speaks to programmers.
    throw error.condition === "not-authorized" ? new ClientError(error.condition) : error;
  }
  if (!is(element, name, NS.SASL)) throw new ClientError("server-unverified");
  return element;
}

function data(element) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(element.textContent.trim()));
  } catch {
    throw new ClientError("server-unverified", "The server's challenge is malformed.");
  }
}
