/** The messages of one chat. New ones are told to those who hear the page, as they come. */

import { KEPT } from "./chat.js";
import { h } from "./dom.js";
import { dayRow, entryRow, follows, markState, newRow } from "./entries.js";
import { icon } from "./icons.js";
import { displayName } from "./people.js";
import { sameDay } from "./times.js";

/** Pixels from the end within which a reader is taken to follow the chat. */
const NEAR = 80;

export class Log {
  #app;
  #chat;
  #list = h("ol", { class: "entries" });
  #nothing;
  #rows = new Map();
  #last = null;
  #down;
  #region;

  /**
   * @param {import("./app.js").App} app
   * @param {import("./chat.js").Chat} chat
   */
  constructor(app, chat) {
    this.#app = app;
    this.#chat = chat;
    this.#region = h("div", {
      class: "log", role: "log", "aria-live": "polite", tabindex: "0",
      "aria-label": `Messages with ${displayName(app.client, chat.jid)}`,
    }, this.#list);
    this.#down = h("button", { type: "button", class: "to-end", hidden: true, "aria-label": "New: to the newest message" }, icon("down"), "New");
    this.#down.addEventListener("click", () => this.toEnd());
    this.#region.addEventListener("scroll", () => {
      if (this.#atEnd()) this.#down.hidden = true;
    }, { passive: true });
    this.#nothing = h("p", { class: "nothing", text: chat.kind === "room" ? "No messages yet." : "No messages since you logged in." });
    this.element = h("div", { class: "log-frame" }, this.#nothing, this.#region, this.#down);
    // Where the page has less room (a keyboard, a longer draft), the end stays in sight.
    let following = true;
    this.#region.addEventListener("scroll", () => (following = this.#atEnd()), { passive: true });
    new ResizeObserver(() => following && this.toEnd()).observe(this.#region);
    this.#fill();
  }

  #fill() {
    const { entries, firstUnread } = this.#chat;
    for (const entry of entries) this.#append(entry, entry === firstUnread);
  }

  /** @param {object} entry a message or notice that has just come */
  append(entry) {
    const follow = entry.mine || this.#atEnd();
    this.#append(entry);
    if (follow) this.toEnd();
    else this.#down.hidden = false;
  }

  #append(entry, news = false) {
    this.#nothing.remove();
    if (this.#last === null || !sameDay(this.#last.time, entry.time)) this.#list.append(dayRow(entry.time));
    if (news) this.#list.append(newRow());
    const row = entryRow(this.#app, this.#chat, entry, follows(this.#last, entry));
    this.#rows.set(entry, row);
    this.#list.append(row);
    this.#last = entry;
    if (this.#rows.size > KEPT) this.#drop();
  }

  #drop() {
    const [oldest, row] = this.#rows.entries().next().value;
    while (row.previousSibling) row.previousSibling.remove();
    row.remove();
    this.#rows.delete(oldest);
  }

  /** @param {object} entry one of ours that has arrived, or has not */
  change(entry) {
    const row = this.#rows.get(entry);
    if (row) markState(row, entry);
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#region;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  /** Show the newest. */
  toEnd() {
    this.#region.scrollTop = this.#region.scrollHeight;
    this.#down.hidden = true;
  }
}
