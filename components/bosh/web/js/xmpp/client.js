/**
 * The client as the page sees it: one object that logs in, stays connected, and
 * tells by events what comes from the network.
 *
 * Nothing here works on the page. Each subject has its file; this one puts them
 * together and is the only one that js/ui imports.
 */
import { answerQuestions } from "./answers.js";
import { Bookmarks } from "./bookmarks.js";
import { Caps } from "./caps.js";
import { Disco } from "./disco.js";
import { ClientError } from "./errors.js";
import { typedJid } from "./escaping.js";
import { bareOf, parseJid } from "./jid.js";
import { Messages } from "./messages.js";
import { Presence } from "./presence.js";
import { changePassword, offersAccounts, registerAccount } from "./registration.js";
import { Roster } from "./roster.js";
import { Rooms } from "./rooms.js";
import { Session } from "./session.js";
import { openTransport } from "./transport.js";
import { Avatars } from "./vcard.js";
import { Wire } from "./wire.js";

export { ClientError };

/**
 * @typedef {object} ClientOptions
 * @property {string} domain the XMPP domain of the accounts
 * @property {string|null} [websocket] address of the WebSocket end point; may be relative
 * @property {string|null} [bosh] address of the BOSH end point; may be relative
 * @property {(options: ClientOptions) => Promise<object>} [open] opens a transport; for tests
 */

export class Client {
  #wire = new Wire();
  #options;
  #session;
  #disco;
  #caps;
  #roster;
  #presence;
  #messages;
  #rooms;
  #bookmarks;
  #avatars;

  /** @param {ClientOptions} options */
  constructor(options) {
    this.#options = { open: openTransport, ...options };
    const wire = this.#wire;
    this.#session = new Session(wire, this.#options);
    this.#disco = new Disco(wire);
    this.#caps = new Caps(this.#disco);
    this.#roster = new Roster(wire);
    this.#avatars = new Avatars(wire);
    // Rooms come before people: what is from a room we are in is never a contact's.
    this.#rooms = new Rooms(wire, this.#avatars);
    this.#bookmarks = new Bookmarks(wire, this.#rooms);
    const parts = {
      roster: this.#roster,
      rooms: this.#rooms,
      caps: this.#caps,
      avatars: this.#avatars,
      disco: this.#disco,
    };
    this.#presence = new Presence(wire, parts);
    this.#messages = new Messages(wire, parts);
    answerQuestions(wire);
    this.#rooms.presenceTo = (to, ...extra) => this.#presence.stanza(to, ...extra);
    this.#avatars.onown = () => this.#announce();
    this.#session.onstart = (features) => this.#start(features);
    wire.on("state", ({ state }) => state === "offline" && this.#clear());
  }

  /** The session is over, however it has ended: somebody else may log in next. */
  #clear() {
    for (const part of [this.#roster, this.#presence, this.#rooms, this.#bookmarks, this.#messages, this.#avatars]) {
      part.clear();
    }
  }

  /** What a new session begins with; a resumed one has all this already. */
  async #start(features) {
    await this.#disco.ready();
    this.#messages.enableCarbons();
    // The roster before presence (RFC 6121 2.2): whoever is told of has to be known.
    await this.#roster.fetch(features);
    this.#presence.announce();
    this.#rooms.rejoin();
    this.#bookmarks.restore();
    this.#avatars.begin();
  }

  #announce() {
    this.#presence.announce();
    this.#rooms.announce();
  }

  /**
   * Call back on each event of that name; what is returned takes the callback off again.
   * @param {string} name
   * @param {(event: any) => void} callback
   * @returns {() => void}
   */
  on(name, callback) {
    return this.#wire.on(name, callback);
  }

  /** @returns {"offline"|"connecting"|"online"|"reconnecting"} */
  get state() {
    return this.#session.state;
  }

  /** @returns {import("./jid.js").Jid|null} */
  get jid() {
    return this.#wire.me;
  }

  /** @returns {"websocket"|"bosh"|null} what carries the stream just now */
  get transport() {
    return this.#session.transport;
  }

  /** Log in; the password is used here and not kept. */
  async login(username, password) {
    await this.#session.login(username, password);
  }

  /** Does the server let people make accounts (XEP-0077), from where we are? */
  async offersAccounts() {
    return offersAccounts(this.#options);
  }

  /** Make an account (XEP-0077); the caller logs in afterwards. */
  async register({ username, password }) {
    await registerAccount(this.#options, username, password);
  }

  /** Sign off and forget everything that could sign on again. */
  async logout() {
    if (this.state === "online") this.#presence.leave();
    await this.#session.logout();
  }

  async changePassword(password) {
    await this.#session.renew(password, () => changePassword(this.#wire, password));
  }

  // People.

  get contacts() {
    return this.#roster.contacts;
  }

  /** Requests for our presence that wait for approve() or deny(): Map bare -> {jid, nick, text}. */
  get requests() {
    return this.#presence.requests;
  }

  /** Put someone on the roster and ask for their presence. */
  async addContact(jid, name = "") {
    const { bare } = typedJid(jid);
    await this.#roster.set(bare, name);
    this.#presence.subscribe(bare);
  }

  async removeContact(bare) {
    await this.#roster.remove(bare);
  }

  async renameContact(bare, name) {
    await this.#roster.set(bare, name);
  }

  approve(bare) {
    this.#presence.approve(bare);
  }

  deny(bare) {
    this.#presence.deny(bare);
  }

  /** @param {""|"away"|"chat"|"dnd"|"xa"} show */
  setPresence(show, status = "") {
    this.#presence.set(show, status);
    // Before the login there is nobody to tell; it is said with the first presence.
    if (this.state === "online") this.#announce();
  }

  // One to one.

  send(to, body) {
    return this.#messages.send(to, body);
  }

  /** Are chat states told (XEP-0085)? Yes, until somebody says no, and again after the logout. */
  get tellsWriting() {
    return this.#messages.tellsWriting;
  }

  set tellsWriting(on) {
    this.#messages.tellsWriting = on;
  }

  chatState(to, state) {
    this.#messages.chatState(to, state);
  }

  // Rooms.

  get rooms() {
    return this.#rooms.rooms;
  }

  async join(jid, nick, password) {
    return this.#rooms.join(bareOf(jid), nick, password);
  }

  leave(jid) {
    this.#rooms.leave(bareOf(jid));
  }

  sendToRoom(jid, body) {
    return this.#rooms.send(bareOf(jid), body);
  }

  setSubject(jid, subject) {
    this.#rooms.setSubject(bareOf(jid), subject);
  }

  async changeNick(jid, nick) {
    await this.#rooms.changeNick(bareOf(jid), nick);
    const room = this.rooms.get(bareOf(jid));
    if (room) this.#bookmarks.renamed(room);
  }

  /** Ask someone into a room, by way of the room (XEP-0045 7.8.2). */
  invite(jid, to, reason = "") {
    this.#rooms.invite(bareOf(jid), bareOf(to), reason);
  }

  async publicRooms(service) {
    return this.#disco.items(parseJid(service).full);
  }

  /** The address of the domain's room service, or null (XEP-0045 6.1). */
  async roomService() {
    return this.#disco.roomService(this.#options.domain);
  }

  // Who they are.

  /** Of those we know: whom we ask learns that we are here, and a stranger is to learn nothing. */
  async avatar(jid) {
    const bare = bareOf(jid);
    const known = this.contacts.has(bare) || this.rooms.has(bare) || bare === this.jid?.bare;
    return known ? this.#avatars.url(jid) : null;
  }

  async vcard(bare) {
    return this.#avatars.vcard(bareOf(bare));
  }

  /** @param {Blob|null} blob the picture, null for none */
  async setAvatar(blob) {
    await this.#avatars.set(blob);
  }
}
