/**
 * A Client without a network, for tests of what is seen. It has the surface of
 * js/xmpp/client.js; what it is asked to do is written down in `calls`, and what comes from the
 * network is told by scene.js or the test itself (`window.client.tell(...)`).
 */

import { scenes } from "./scene.js";

export class ClientError extends Error {
  constructor(condition, text = "") {
    super(text || condition);
    this.condition = condition;
    this.text = text;
  }
}

/** What fails, by method name: each call takes one error. Set by tests. */
const failures = {};

export class Client {
  #listeners = new Map();
  #ids = 0;

  constructor(options) {
    this.options = options;
    this.state = "offline";
    this.jid = null;
    this.contacts = new Map();
    this.rooms = new Map();
    this.requests = new Map();
    this.pictures = new Map();
    this.tellsWriting = true;
    this.calls = [];
    this.failures = failures;
    window.client = this;
  }

  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  tell(name, event = {}) {
    for (const listener of this.#listeners.get(name) ?? []) listener(event);
  }

  go(state, error) {
    this.state = state;
    this.tell("state", { state, error });
  }

  async #do(name, ...args) {
    this.calls.push([name, ...args]);
    const condition = failures[name];
    if (condition) throw new ClientError(condition);
  }

  async login(username) {
    this.go("connecting");
    await this.#do("login", username).catch((error) => {
      this.go("offline", error);
      throw error;
    });
    const local = username.split("@")[0];
    const bare = `${local}@${this.options.domain}`;
    this.jid = { local, domain: this.options.domain, resource: "web", bare, full: `${bare}/web` };
    this.go("online");
    scenes[new URLSearchParams(location.search).get("scene") ?? "empty"](this);
  }

  async offersAccounts() {
    const scene = new URLSearchParams(location.search).get("scene");
    if (scene === "unreachable") throw new ClientError("connection-failed");
    return scene !== "closed";
  }

  async register({ username }) {
    await this.#do("register", username);
  }

  async logout() {
    await this.#do("logout");
    this.contacts.clear();
    this.rooms.clear();
    this.go("offline");
  }

  contact(jid, fields = {}) {
    const contact = { jid, name: "", groups: [], subscription: "both", ask: false, resources: new Map(), show: "", status: "", ...fields };
    if (fields.here ?? true) contact.resources.set("phone", { show: contact.show, status: contact.status, priority: 0 });
    this.contacts.set(jid, contact);
    this.tell("contact", { contact });
    return contact;
  }

  async addContact(jid, name) {
    await this.#do("addContact", jid, name);
    this.contact(jid, { name, subscription: "none", ask: true, here: false });
  }

  async removeContact(jid) {
    await this.#do("removeContact", jid);
    const contact = this.contacts.get(jid);
    this.contacts.delete(jid);
    this.tell("contact", { contact, removed: true });
  }

  async renameContact(jid, name) {
    await this.#do("renameContact", jid, name);
    this.contacts.get(jid).name = name;
    this.tell("contact", { contact: this.contacts.get(jid) });
  }

  approve(jid) {
    this.calls.push(["approve", jid]);
  }

  deny(jid) {
    this.calls.push(["deny", jid]);
  }

  setPresence(show, status) {
    this.calls.push(["setPresence", show, status]);
  }

  message(fields) {
    this.#ids += 1;
    return { id: `m${this.#ids}`, mine: false, body: "", time: new Date(), delayed: false, carbon: false, receipt: "none", type: "chat", ...fields };
  }

  /** Somebody writes. */
  hear(fields) {
    const message = this.message(fields);
    this.tell("message", { message });
    return message;
  }

  send(to, body) {
    this.calls.push(["send", to, body]);
    const message = this.message({ chat: to, body, mine: true, receipt: "asked" });
    this.tell("message", { message });
    return message;
  }

  chatState(to, state) {
    this.calls.push(["chatState", to, state]);
  }

  room(jid, fields = {}) {
    const room = { jid, nick: this.jid.local, subject: "", occupants: new Map(), joined: true, ...fields };
    room.occupants.set(room.nick, { nick: room.nick, affiliation: "member", role: "participant", show: "", status: "" });
    this.rooms.set(jid, room);
    this.tell("room", { room });
    return room;
  }

  occupant(room, nick, fields = {}) {
    const occupant = { nick, affiliation: "none", role: "participant", show: "", status: "", ...fields };
    room.occupants.set(nick, occupant);
    this.tell("occupant", { room, occupant });
  }

  async join(jid, nick, password) {
    await this.#do("join", jid, nick, password);
    return this.room(jid, { nick });
  }

  leave(jid) {
    this.calls.push(["leave", jid]);
    const room = this.rooms.get(jid);
    this.rooms.delete(jid);
    room.joined = false;
    this.tell("room", { room });
  }

  sendToRoom(jid, body) {
    this.calls.push(["sendToRoom", jid, body]);
    const message = this.message({ chat: jid, nick: this.rooms.get(jid).nick, body, mine: true, type: "groupchat" });
    this.tell("message", { message });
    return message;
  }

  setSubject(jid, subject) {
    this.calls.push(["setSubject", jid, subject]);
    const room = this.rooms.get(jid);
    room.subject = subject;
    this.tell("subject", { room, subject, by: room.nick });
  }

  async changeNick(jid, nick) {
    await this.#do("changeNick", jid, nick);
  }

  invite(jid, to, reason) {
    this.calls.push(["invite", jid, to, reason]);
  }

  async publicRooms(service) {
    await this.#do("publicRooms", service);
    return [
      { jid: `verona@${service}`, name: "Verona, the public place" },
      { jid: `orchard@${service}`, name: "Capulet’s orchard" },
      { jid: `cell@${service}`, name: "" },
    ];
  }

  async roomService() {
    return `conference.${this.options.domain}`;
  }

  async avatar(jid) {
    return this.pictures.get(jid) ?? null;
  }

  async vcard() {
    return {};
  }

  async setAvatar(blob) {
    await this.#do("setAvatar", blob.type, blob.size);
    this.pictures.set(this.jid.bare, URL.createObjectURL(blob));
    this.tell("avatar", { jid: this.jid.bare });
  }

  async changePassword() {
    await this.#do("changePassword");
  }
}
