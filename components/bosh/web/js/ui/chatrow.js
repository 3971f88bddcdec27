/** One chat in the list. */

import { h, setText, unseen } from "./dom.js";
import { PRESENCES, displayName, presenceOf, relation, waiting } from "./people.js";
import { preview, writersIn } from "./text.js";
import { brief } from "./times.js";

export class ChatRow {
  #app;
  #kind;
  #called;
  #parts;

  /**
   * @param {import("./app.js").App} app
   * @param {object} chat
   */
  constructor(app, chat) {
    this.#app = app;
    this.#make(chat);
  }

  #make(chat) {
    const app = this.#app;
    const room = chat.kind === "room";
    this.#kind = chat.kind;
    this.#called = displayName(app.client, chat.jid);
    const face = app.avatars.element(this.#called, { jid: room ? null : chat.jid, square: room });
    const parts = {
      name: h("span", { class: "row-name", dir: "auto" }),
      state: unseen(""),
      time: h("time", { class: "row-time" }),
      line: h("span", { class: "row-line", dir: "auto" }),
      badge: h("span", { class: "badge", hidden: true }),
      dot: h("span", { class: "dot", "aria-hidden": "true" }),
    };
    this.#parts = parts;
    this.button = h("button", { type: "button", class: "row", on: { click: () => app.open(chat.jid) } },
      h("span", { class: "face" }, face, parts.dot),
      h("span", { class: "row-text" },
        h("span", { class: "row-top" }, parts.name, parts.state, parts.time),
        h("span", { class: "row-bottom" }, parts.line, parts.badge),
      ),
    );
    this.button.dataset.jid = chat.jid;
    this.element = h("li", {}, this.button);
  }

  /**
   * Show how the chat is now.
   * @param {object} chat
   */
  draw(chat) {
    const { client, store } = this.#app;
    const contact = client.contacts.get(chat.jid);
    // A stranger may turn out to be a room, and a contact may be called otherwise now.
    if (chat.kind !== this.#kind || displayName(client, chat.jid) !== this.#called) this.#make(chat);
    const { name, state, time, line, badge, dot } = this.#parts;
    const presence = PRESENCES[presenceOf(contact)];
    setText(name, this.#called);
    // Of some it is not known whether they are there.
    const known = contact !== undefined && !waiting(contact);
    setText(state, `, ${known ? presence.name : unknown(chat, contact)}`);
    dot.className = `dot ${presence.looks}`;
    dot.hidden = !known;
    setText(time, chat.last ? brief(chat.last.time) : "");
    if (chat.last) time.dateTime = chat.last.time.toISOString();
    this.#line(line, chat, contact);
    badge.hidden = chat.unread === 0;
    badge.classList.toggle("mentioned", Boolean(chat.mentioned));
    badge.replaceChildren(chat.unread > 99 ? "99+" : String(chat.unread), unseen(chat.mentioned ? " unread, you are mentioned" : " unread"));
    if (chat.jid === store.active) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
  }

  #line(line, chat, contact) {
    line.classList.toggle("writing", chat.writers.size > 0);
    const writing = writersIn([...chat.writers]);
    setText(line, writing.trim() || lineOf(this.#app.client, chat, contact));
  }
}

function unknown(chat, contact) {
  if (chat.kind === "room") return "room";
  if (contact !== undefined) return relation(contact);
  return chat.jid.includes("/") ? "private, from a room" : "not in your contacts";
}

function lineOf(client, chat, contact) {
  const { last } = chat;
  if (last) return `${last.mine ? "You: " : last.nick ? `${last.nick}: ` : ""}${preview(last.body)}`;
  if (chat.kind === "room") return client.rooms.get(chat.jid)?.subject ? preview(client.rooms.get(chat.jid).subject) : chat.jid;
  if (contact?.ask) return relation(contact);
  return contact?.status ? preview(contact.status) : chat.jid;
}
