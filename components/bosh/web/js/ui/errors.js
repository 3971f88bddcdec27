/**
 * What went wrong, in plain words, and what to do about it. One table by what was tried and the
 * condition that came back; what stands under `any` holds wherever there is nothing closer.
 */

import { ClientError } from "../xmpp/client.js";

const PLAIN = {
  login: {
    "not-authorized": "The username or the password is wrong. Check both, and mind capital letters in the password.",
    "account-disabled": "This account is switched off. Ask the people who run this server.",
    "credentials-expired": "The password has expired. Ask the people who run this server for a new one.",
    "temporary-auth-failure": "The server can’t check passwords right now. Wait a minute and try again.",
    "no-mechanism": "The server and this page share no safe way to log in. Open this page by https://; if it was, tell the people who run this server.",
    "password-needed": "The password is needed again to go on. Log in once more.",
    "password-invalid": "The password holds a sign that passwords can’t have. Check how it is typed.",
    "encryption-required": "The server wants an encrypted connection. Open this page by https:// and try again.",
    "invalid-authzid": "That is not an address of this server. Use your username here.",
    "jid-malformed": "That can be no username. Leave out spaces and the signs \" & ' / : < > @.",
    "server-unverified": "The answer did not prove that the server knows your password, so the connection was dropped. Do not try again before you know why; ask the people who run this server.",
    conflict: "You have logged in from another place that took over this connection. Log in again to go on here.",
  },
  register: {
    conflict: "Somebody has that username already. Choose another one.",
    "not-acceptable": "The server does not accept that username or password. A longer password may do, and a username of letters and digits.",
    "not-allowed": "This server makes no accounts from here. Ask the people who run it for one.",
    "service-unavailable": "This server makes no accounts from here. Ask the people who run it for one.",
    "feature-not-implemented": "This server makes no accounts from here. Ask the people who run it for one.",
    forbidden: "This server makes no accounts from here. Ask the people who run it for one.",
    "resource-constraint": "Too many accounts were made from your network in a short time. Try again later.",
    "policy-violation": "Too many accounts were made from your network in a short time. Try again later.",
    "form-unsupported": "This server asks new people for more than a name and a password. Make the account with another chat program, or ask the people who run the server.",
    "password-invalid": "The password holds a sign that passwords can’t have. Choose another one.",
    "jid-malformed": "That can be no username. Leave out spaces and the signs \" & ' / : < > @.",
    "bad-request": "The server did not understand the request. Try a username of letters and digits.",
  },
  contact: {
    "item-not-found": "There is nobody of that address. Check how it is written.",
    "not-allowed": "Your server does not let you add that address.",
    "resource-constraint": "Your list of contacts is full. Remove somebody first.",
    "not-acceptable": "That name is too long. Choose a shorter one.",
  },
  room: {
    "not-authorized": "This room asks for a password. Type it above and try again.",
    forbidden: "You are banned from this room. Only its owners can change that.",
    "item-not-found": "There is no such room, or it is not open yet. Check the address.",
    "not-allowed": "You may not open a new room here. Join one that is there already.",
    "not-acceptable": "Your nickname is not accepted in this room. Use the one that is registered for you.",
    "registration-required": "Only members may come into this room. Ask one of its owners to let you in.",
    conflict: "Somebody in the room has that nickname. Choose another one.",
    "service-unavailable": "The room is full. Try again when somebody has left.",
    "remote-server-not-found": "The server of that room can’t be found. Check what stands behind the @.",
    "jid-malformed": "That can be no address of a room. It looks like room@conference.example.org.",
    gone: "That room is closed.",
  },
  subject: {
    forbidden: "You may not change the subject of this room. Its moderators can.",
    "not-acceptable": "You have to be in the room to change its subject.",
  },
  message: {
    "queue-full": "Too much waits to be sent. Send it again when the connection is back.",
    "remote-server-not-found": "The other person’s server can’t be found.",
    "service-unavailable": "There is nobody of that address, or the person can’t be reached now.",
    "item-not-found": "There is nobody of that address.",
    "recipient-unavailable": "The person can’t be reached now.",
    "not-acceptable": "You have blocked this person, or are not in the room.",
    forbidden: "You may not write here. In a moderated room, ask for voice first.",
    "policy-violation": "The server refused this message. It may be too long, or was sent too fast.",
    "subscription-required": "This person takes messages from contacts only.",
    gone: "This person has moved to another address.",
  },
  password: {
    "not-authorized": "The server wants you to log in again before you change the password.",
    "not-allowed": "This server does not let you change the password from here. Ask the people who run it.",
    "not-acceptable": "The server does not accept that password. Choose a longer one.",
    "bad-request": "The server does not accept that password. Choose another one.",
    "password-invalid": "The password holds a sign that passwords can’t have. Choose another one.",
  },
  avatar: {
    "image-too-large": "The picture is too large for this server. Choose a smaller one.",
    "image-unsupported": "This file can’t be read as a picture. Choose a PNG, JPEG, GIF or WebP file.",
    "resource-constraint": "The picture is too large for this server. Choose a smaller one.",
    "policy-violation": "The picture is too large for this server. Choose a smaller one.",
  },
  any: {
    "connection-failed": "The server can’t be reached. Check that you are online and try again.",
    "connection-lost": "The connection to the server was lost. Check that you are online and try again.",
    "bad-xml": "The server sent something that makes no sense. Load the page again, and tell the people who run the server if it stays.",
    timeout: "The server does not answer. Check that you are online and try again.",
    "remote-server-timeout": "The other server does not answer. Try again later.",
    "remote-server-not-found": "The server of that address can’t be found. Check what stands behind the @.",
    "remote-connection-failed": "The server can’t be reached. Try again later.",
    "insecure-context": "This page was not opened by https://, so the browser keeps back what logging in safely needs. Open it by https://, or on the server’s own machine by http://localhost.",
    "host-unknown": "This server does not serve that address. Use a username here, without what stands behind the @.",
    "system-shutdown": "The server is being restarted. Try again in a minute.",
    "see-other-host": "The server has moved. Load the page again.",
    "internal-server-error": "The server made a mistake. Try again, and tell the people who run it if it stays.",
    "resource-constraint": "The server is too busy now. Try again later.",
    "policy-violation": "The server refused this because of its rules. It may have been too much or too fast; try again later.",
    "service-unavailable": "The server has no such service.",
    "feature-not-implemented": "The server can’t do that.",
    forbidden: "You may not do that.",
    "not-allowed": "You may not do that.",
    "jid-malformed": "That can be no address. An address looks like name@example.org.",
    offline: "You are not connected just now. Try again when the connection is back.",
  },
};

/** Where the server's own words tell more than ours can: what it wants of a password, why a ban. */
const SAYING = new Set(["register", "password", "room"]);

/** Where there is no more to tell. */
const TOLD = new Set(["conflict"]);

/**
 * @param {keyof PLAIN} tried what was tried
 * @param {{condition?: string, text?: string, message?: string}} error what came of it
 * @returns {string} whole sentences for people
 */
export function plainly(tried, error) {
  const condition = error?.condition ?? "";
  const words = wordsOf(PLAIN[tried], condition) ?? wordsOf(PLAIN.any, condition);
  const said = saidBy(error, condition);
  if (words !== undefined) return said && SAYING.has(tried) && !TOLD.has(condition) ? `${words} The server says: “${said}”` : words;
  const detail = [condition, said].filter(Boolean).join(": ");
  return `That did not work${detail ? ` (${detail})` : ""}. Try again, and tell the people who run this server if it stays.`;
}

/** A condition is anybody's word, "constructor" for one. */
const wordsOf = (table, condition) => (Object.hasOwn(table ?? {}, condition) ? table[condition] : undefined);

/** What the server said; an error without a word from it has words of the core's, which say less. */
function saidBy(error, condition) {
  if (condition === "") return error?.message ?? "";
  const text = error.text ?? "";
  return text === new ClientError(condition).text ? "" : text.slice(0, 300);
}
