/**
 * What the page knows beyond what the core keeps: conversations, what is unread, who asks for
 * something. It changes by its methods only, and tells the views what has changed by topics:
 *
 * `chats` the list looks different · `entry` {chat, entry} appended · `changed` {chat, entry} ·
 * `active` {before} another chat is shown · `writing` {chat} · `room` {chat} · `requests` ·
 * `presence` our own · `unread` {chat, entry} a message that nobody has seen, and to us
 */

import { Emitter } from "../xmpp/emitter.js";
import { Chat } from "./chat.js";
import { mentions } from "./text.js";

/** Conversations with people who are no contacts: anybody can begin one. */
const STRANGERS = 100;
/** Requests and invitations waiting; the rest come again with the next log-in. */
const WAITING = 50;

export class Store extends Emitter {
  /** @param {import("../xmpp/client.js").Client} client */
  constructor(client) {
    super();
    this.client = client;
    /** @type {Map<string, Chat>} */
    this.chats = new Map();
    /** @type {Map<string, {jid: string, nick?: string, text?: string}>} who wants to see our presence */
    this.requests = new Map();
    /** @type {Map<string, {room: string, from: string, reason?: string}>} */
    this.invitations = new Map();
    /** @type {string|null} the chat that is shown */
    this.active = null;
    this.presence = { show: "", status: "" };
  }

  /** @returns {Chat|null} */
  get activeChat() {
    return this.active === null ? null : (this.chats.get(this.active) ?? null);
  }

  /** @returns {number} what is unread in all chats */
  get unread() {
    let sum = 0;
    for (const chat of this.chats.values()) sum += chat.unread;
    return sum;
  }

  /**
   * The conversation with an address, made if there is none yet.
   * @param {string} jid
   * @returns {Chat}
   */
  chat(jid) {
    let chat = this.chats.get(jid);
    if (chat === undefined) {
      chat = new Chat(jid, this.client.rooms.has(jid) ? "room" : "person");
      this.chats.set(jid, chat);
      if (chat.kind === "person" && !this.client.contacts.has(jid)) this.#boundStrangers();
    }
    return chat;
  }

  #boundStrangers() {
    const strangers = [...this.chats.values()].filter(
      (chat) => chat.kind === "person" && chat.jid !== this.active && !this.client.contacts.has(chat.jid),
    );
    // Whom we have answered stays longest: anybody may come by a hundred names.
    strangers.sort((one, other) => Number(answered(one)) - Number(answered(other)));
    for (const chat of strangers.slice(0, Math.max(0, strangers.length - STRANGERS))) {
      this.chats.delete(chat.jid);
    }
  }

  /**
   * Show a conversation, or none.
   * @param {string|null} jid
   */
  open(jid) {
    const before = this.active;
    if (jid !== null) this.chat(jid);
    this.active = jid;
    this.emit("active", { before });
    this.read();
  }

  /** What is shown to somebody who looks is read. */
  read() {
    const chat = this.activeChat;
    if (chat === null || !attentive() || chat.unread === 0) return;
    chat.markRead();
    this.emit("chats");
  }

  /**
   * Take a conversation off the list.
   * @param {string} jid
   */
  close(jid) {
    this.chats.delete(jid);
    if (this.active === jid) this.open(null);
    this.emit("chats");
  }

  /** @param {object} message as the core tells it */
  addMessage(message) {
    const chat = this.chat(message.chat);
    if (!chat.add(message)) return;
    if (message.mine) {
      message.waiting = this.client.state !== "online";
      // Who answers, here or on another device, has read what was before.
      if (!message.delayed) chat.markRead();
    } else {
      this.setWriting(chat.jid, "", chat.kind === "room" ? message.nick : "");
      this.#count(chat, message);
    }
    this.emit("entry", { chat, entry: message });
    this.emit("chats");
  }

  #count(chat, message) {
    if (chat.jid === this.active && attentive()) return;
    // What a room tells of its past is no news.
    if (chat.kind === "room" && message.delayed) return;
    chat.unread += 1;
    if (chat.kind === "room") {
      if (!mentions(message.body, this.client.rooms.get(chat.jid)?.nick)) return;
      chat.mentioned = true;
    }
    this.emit("unread", { chat, entry: message });
  }

  /**
   * A line between the messages: what happened in a room.
   * @param {string} jid
   * @param {string} notice
   */
  addNotice(jid, notice) {
    const chat = this.chats.get(jid);
    if (chat === undefined) return;
    const entry = { notice, time: new Date() };
    chat.add(entry);
    this.emit("entry", { chat, entry });
  }

  /**
   * One of our messages has arrived, or has not.
   * @param {string} jid
   * @param {string} id
   * @param {{receipt?: string, error?: object}} what
   */
  settle(jid, id, what) {
    const chat = this.chats.get(jid);
    const entry = chat?.mine(id);
    if (entry === undefined) return;
    Object.assign(entry, what);
    this.emit("changed", { chat, entry });
  }

  /** The connection is there: what waited for it has gone out. */
  sent() {
    for (const chat of this.chats.values()) {
      for (const entry of chat.entries.filter((one) => one.waiting)) {
        entry.waiting = false;
        this.emit("changed", { chat, entry });
      }
    }
  }

  /**
   * @param {string} jid
   * @param {string} state a chat state (XEP-0085)
   * @param {string} [nick] of who it is, in a room
   */
  setWriting(jid, state, nick = "") {
    const chat = this.chats.get(jid);
    const writes = state === "composing";
    if (chat === undefined || chat.writers.has(nick) === writes) return;
    if (writes) chat.writers.add(nick);
    else chat.writers.delete(nick);
    this.emit("writing", { chat });
    this.emit("chats");
  }

  /** @param {{jid: string, nick?: string, text?: string}} request */
  addRequest(request) {
    if (this.requests.size < WAITING) this.requests.set(request.jid, request);
    this.emit("requests", { said: `${request.jid} wants to add you.` });
  }

  /** @param {{room: string, from: string, reason?: string}} invitation */
  addInvitation(invitation) {
    if (this.client.rooms.get(invitation.room)?.joined) return;
    if (this.invitations.size < WAITING) this.invitations.set(invitation.room, invitation);
    this.emit("requests", { said: `You are invited to ${invitation.room}.` });
  }

  /** @param {string} jid a person or a room that waits no more */
  settled(jid) {
    this.requests.delete(jid);
    this.invitations.delete(jid);
    this.emit("requests", {});
  }

  /** @param {{show: string, status: string}} presence */
  setPresence(presence) {
    this.presence = presence;
    this.client.setPresence(presence.show, presence.status);
    this.emit("presence");
  }

  /** Somebody else may log in next: forget everything. */
  clear() {
    this.chats.clear();
    this.requests.clear();
    this.invitations.clear();
    this.active = null;
    this.presence = { show: "", status: "" };
    this.emit("chats");
  }
}

const answered = (chat) => chat.entries.some((entry) => entry.mine);

/** Whether somebody looks at the page. */
export const attentive = () => !document.hidden && document.hasFocus();
