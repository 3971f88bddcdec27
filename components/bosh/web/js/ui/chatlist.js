/** The left pane: oneself, who asks for something, and all chats. */

import { addContactDialog } from "./contact_dialogs.js";
import { groups } from "./chatgroups.js";
import { ChatRow } from "./chatrow.js";
import { arrange, h, perFrame, setText, unseen } from "./dom.js";
import { icon } from "./icons.js";
import { presenceDialog, settingsDialog } from "./own_dialogs.js";
import { PRESENCES } from "./people.js";
import { Requests } from "./requests.js";
import { joinDialog } from "./room_dialogs.js";

const KEYS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class ChatList {
  #app;
  #parts;
  #rows = new Map();
  #sections = new Map();
  #nothing = h("p", { class: "hint empty", text: "No chat of that name." });
  #welcome;
  #requests;
  #off;

  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#requests = new Requests(app, () => this.focus(null));
    this.#welcome = welcome(app);
    this.element = this.#make();
    const draw = perFrame(() => this.#draw());
    const { store } = app;
    this.#off = [
      store.on("chats", draw),
      store.on("active", draw),
      store.on("room", draw),
      store.on("presence", () => this.#drawOwn()),
      store.on("requests", () => this.#requests.draw()),
    ];
    this.#drawOwn();
    this.#draw();
  }

  /** Follow the store no more. */
  close() {
    for (const off of this.#off) off();
  }

  /**
   * Put the focus on a chat, or where it begins.
   * @param {string|null} jid
   */
  focus(jid) {
    const row = this.#rows.get(jid)?.button ?? this.#buttons()[0] ?? this.#parts.own;
    row.focus();
  }

  #make() {
    const app = this.#app;
    const name = h("span", { class: "own-name", dir: "auto" });
    const line = h("span", { class: "own-line", dir: "auto" });
    const dot = h("span", { class: "dot", "aria-hidden": "true" });
    const more = unseen("");
    const own = h("button", { type: "button", class: "own", on: { click: () => presenceDialog(app) } },
      app.avatars.element(app.nick, { jid: app.client.jid.bare }),
      h("span", { class: "own-text" }, name, " ", h("span", { class: "own-state" }, dot, line)),
      " ",
      more,
    );
    const find = h("input", { type: "search", class: "find", placeholder: "Find", "aria-label": "Find a chat", autocomplete: "off", spellcheck: "false" });
    find.addEventListener("input", () => this.#draw());
    find.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") this.#move(event, 0);
    });
    const list = h("div", { class: "groups", on: { keydown: (event) => this.#key(event) } });
    this.#parts = { own, name, line, dot, more, find, list };
    return h("nav", { class: "sidebar", "aria-label": "Chats" },
      // A phone shows no other title beside the list.
      h("h1", { class: "list-title unseen", text: "Chats" }),
      h("header", { class: "pane-head" }, own,
        tool("settings", "Settings", () => settingsDialog(app)),
      ),
      h("div", { class: "tools" }, find,
        tool("addPerson", "Add a contact", () => addContactDialog(app)),
        tool("room", "Join a room", () => joinDialog(app)),
      ),
      h("div", { class: "sidebar-body" }, this.#requests.element, list),
    );
  }

  #drawOwn() {
    const { name, line, dot, more } = this.#parts;
    const { show, status } = this.#app.store.presence;
    setText(name, `${this.#app.nick}@${this.#app.client.jid.domain}`);
    setText(line, status || PRESENCES[show].name);
    dot.className = `dot ${PRESENCES[show].looks}`;
    // What is seen comes first: who speaks to the page says that (WCAG 2.5.3).
    setText(more, `${status ? `${PRESENCES[show].name}. ` : ""}Your status: change it`);
  }

  #draw() {
    const { list, find } = this.#parts;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.jid : null;
    const shown = groups(this.#app.store, find.value);
    const rows = new Map();
    const sections = shown.map((group) => this.#section(group, rows));
    this.#rows = rows;
    if (sections.length === 0) sections.push(find.value ? this.#nothing : this.#welcome);
    arrange(list, sections);
    this.#rove(focused);
    if (focused !== null && !list.contains(document.activeElement)) {
      this.#rows.get(focused)?.button.focus({ preventScroll: true });
    }
  }

  #section({ title, chats, more }, rows) {
    let section = this.#sections.get(title);
    if (section === undefined) {
      const list = h("ul", {});
      const hint = h("p", { class: "hint", hidden: true });
      section = { list, hint, element: h("section", {}, h("h2", { class: "group-title", text: title }), list, hint) };
      this.#sections.set(title, section);
    }
    arrange(section.list, chats.map((chat) => this.#row(chat, rows)));
    section.hint.hidden = more === 0;
    setText(section.hint, `${more} more; find them by name.`);
    return section.element;
  }

  #row(chat, rows) {
    const row = this.#rows.get(chat.jid) ?? new ChatRow(this.#app, chat);
    row.draw(chat);
    rows.set(chat.jid, row);
    return row.element;
  }

  /** One stop for the tab key, arrows within. */
  #rove(wanted) {
    const stop = this.#rows.get(wanted) ?? this.#rows.get(this.#app.store.active) ?? this.#rows.values().next().value;
    for (const row of this.#rows.values()) row.button.tabIndex = row === stop ? 0 : -1;
  }

  #buttons() {
    return [...this.#rows.values()].map((row) => row.button);
  }

  #key(event) {
    const step = KEYS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#buttons().indexOf(document.activeElement);
    if (at === -1) return;
    this.#move(event, at + step);
  }

  #move(event, wanted) {
    const buttons = this.#buttons();
    if (buttons.length === 0) return;
    event.preventDefault();
    const button = buttons[Math.min(Math.max(wanted, 0), buttons.length - 1)];
    this.#rove(button.dataset.jid);
    button.focus();
  }
}

function tool(name, label, click) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click } }, icon(name));
}

function welcome(app) {
  return h("div", { class: "welcome" },
    h("p", { text: "Nobody here yet. Add somebody by address, or join a room." }),
    h("div", { class: "buttons start" },
      h("button", { type: "button", class: "primary small", text: "Add a contact", on: { click: () => addContactDialog(app) } }),
      h("button", { type: "button", class: "small", text: "Join a room", on: { click: () => joinDialog(app) } }),
    ),
  );
}
