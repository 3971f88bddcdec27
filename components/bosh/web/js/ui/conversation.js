/** The middle pane: the chat that is shown, or what to do where none is. */

import { Composer } from "./composer.js";
import { contactDialog } from "./contact_dialogs.js";
import { byTouch, h, perFrame, setText } from "./dom.js";
import { icon } from "./icons.js";
import { Log } from "./log.js";
import { PRESENCES, displayName, presenceOf } from "./people.js";
import { Occupants } from "./room.js";
import { joinDialog } from "./room_dialogs.js";

export class Conversation {
  #app;
  #off;
  #chat = null;
  #parts = null;

  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.#app = app;
    this.element = h("div", { class: "conversation" });
    const { store } = app;
    const draw = perFrame(() => this.#drawHead());
    const mine = (listener) => (event) => event.chat === this.#chat && listener(event);
    this.#off = [
      store.on("active", () => this.#show(store.activeChat)),
      store.on("entry", mine(({ entry }) => this.#parts.log.append(entry))),
      store.on("changed", mine(({ entry }) => this.#parts.log.change(entry))),
      store.on("writing", mine(() => this.#drawWriting())),
      store.on("room", mine(draw)),
      store.on("chats", draw),
    ];
  }

  /** Follow the store no more. */
  close() {
    for (const off of this.#off) off();
    this.#parts?.composer.leave();
  }

  /** Put the cursor where writing begins; by touch that would hide half of the page. */
  focus() {
    if (this.#parts === null) return;
    if (byTouch() || this.#parts.composer.closed) this.#parts.title.focus();
    else this.#parts.composer.focus();
  }

  #show(chat) {
    this.#parts?.composer.leave();
    this.#chat = chat;
    if (chat === null) {
      this.#parts = null;
      this.element.replaceChildren(nobody(this.#app));
      return;
    }
    const app = this.#app;
    const room = chat.kind === "room";
    const parts = {
      face: app.avatars.element(displayName(app.client, chat.jid), { jid: room ? null : chat.jid, square: room }),
      title: h("h1", { class: "chat-name", tabindex: "-1", dir: "auto" }),
      line: h("p", { class: "chat-line", dir: "auto" }),
      writing: h("p", { class: "writing-line", dir: "auto" }),
      log: new Log(app, chat),
      composer: new Composer(app, chat),
      again: h("div", { class: "left-room", hidden: true }),
      occupants: room ? new Occupants(app, chat, (nick) => this.#parts.composer.mention(nick)) : null,
    };
    this.#parts = parts;
    const main = h("main", { class: "chat" },
      h("header", { class: "pane-head" },
        tool("back", "Back to the chats", () => app.back(), "back"),
        parts.face,
        h("div", { class: "chat-title" }, parts.title, parts.line),
        h("div", { class: "chat-tools" },
          room ? peopleTool(parts.occupants) : tool("info", "About this person", () => contactDialog(app, chat.jid)),
        ),
      ),
      parts.log.element,
      parts.writing,
      parts.again,
      parts.composer.element,
    );
    this.element.replaceChildren(main);
    if (parts.occupants) this.element.append(parts.occupants.element);
    this.#drawHead();
    this.#drawWriting();
    parts.log.toEnd();
  }

  #drawHead() {
    if (this.#chat === null) return;
    const { client } = this.#app;
    const { title, line, occupants, composer } = this.#parts;
    const { jid, kind } = this.#chat;
    setText(title, displayName(client, jid));
    if (kind === "room") {
      const room = client.rooms.get(jid);
      setText(line, room?.subject || jid);
      occupants?.draw(room);
      this.#drawAgain(room);
      const mute = occupantOf(room)?.role === "visitor";
      composer.allow(Boolean(room?.joined) && !mute, mute ? "You may read here, not write" : "You are not in this room");
    } else {
      const contact = client.contacts.get(jid);
      const presence = PRESENCES[presenceOf(contact)].name;
      setText(line, contact === undefined ? unknown(jid) : contact.status ? `${presence} · ${contact.status}` : presence);
    }
  }

  #drawAgain(room) {
    const { again } = this.#parts;
    again.hidden = room !== undefined;
    if (room !== undefined) return;
    again.replaceChildren(
      h("p", { text: this.#chat.left || "You are not in this room." }),
      h("button", { type: "button", class: "small primary", text: "Join again", on: { click: () => joinDialog(this.#app, { room: this.#chat.jid }) } }),
    );
  }

  #drawWriting() {
    const { writing } = this.#parts;
    setText(writing, this.#chat.writing ? `${displayName(this.#app.client, this.#chat.jid)} is writing…` : "");
  }
}

const unknown = (jid) => (jid.includes("/") ? "Private chat, from a room" : `${jid} · not in your contacts`);

const occupantOf = (room) => room?.occupants.get(room.nick);

function peopleTool(occupants) {
  const button = tool("people", "About the room", () => {
    button.setAttribute("aria-expanded", String(occupants.toggle()));
  });
  button.setAttribute("aria-expanded", String(occupants.shown));
  occupants.onclose = () => {
    button.setAttribute("aria-expanded", "false");
    button.focus();
  };
  return button;
}

function tool(name, label, click, extra = "") {
  return h("button", { type: "button", class: `icon-button ${extra}`.trim(), "aria-label": label, title: label, on: { click } }, icon(name));
}

function nobody(app) {
  return h("main", { class: "chat nobody" },
    h("img", { src: "icon.svg", alt: "", width: "72", height: "72" }),
    h("h1", { text: "Choose a chat" }),
    h("p", {}, "People reach you at ", h("strong", {}, h("bdi", { text: app.client.jid.bare })), "."),
    h("p", { class: "hint", text: "Give this address to those who want to chat with you." }),
  );
}
