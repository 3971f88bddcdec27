/**
 * New messages told by the browser itself while nobody looks at the page: where somebody has asked
 * for it, and until he logs out. Of a room, what speaks of him alone.
 */

import { displayName } from "./people.js";
import { attentive } from "./store.js";
import { preview } from "./text.js";

export class Notifications {
  #app;
  #on = false;
  #turns = 0; // on and off; who has logged out meanwhile is not asked for any more
  #shown = new Map(); // chat -> the Notification of its newest message

  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.#app = app;
    app.store.on("unread", (event) => this.#tell(event));
    app.store.on("chats", () => this.#withdraw());
  }

  /** @returns {boolean} whether this browser has any */
  get possible() {
    return "Notification" in window;
  }

  /** @returns {boolean} */
  get on() {
    return this.#on;
  }

  /**
   * Begin to tell, if the browser lets us; it asks whoever sits there.
   * @returns {Promise<boolean>}
   */
  async turnOn() {
    const turn = (this.#turns += 1);
    const answer = await Notification.requestPermission();
    if (answer !== "granted" || turn !== this.#turns) return false;
    try {
      // Some browsers have notifications, and none for pages: what fails had better fail now.
      new Notification("New messages are told like this").onclick = () => window.focus();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return false;
    }
    this.#on = true;
    return true;
  }

  /** Tell no more. */
  turnOff() {
    this.#turns += 1;
    this.#on = false;
  }

  #tell({ chat, entry }) {
    if (!this.#on || attentive()) return;
    const { jid } = chat;
    const who = displayName(this.#app.client, jid);
    const title = chat.kind === "room" ? `${entry.nick} in ${who}` : who;
    // One for each chat, the newest: a hundred messages are no reason for a hundred.
    const told = new Notification(title, { body: preview(entry.body), tag: jid, renotify: true });
    told.onclick = () => {
      window.focus();
      this.#app.open(jid);
    };
    this.#shown.set(jid, told);
  }

  /** What has been read is no news. */
  #withdraw() {
    for (const [jid, told] of this.#shown) {
      if (this.#app.store.chats.get(jid)?.unread) continue;
      told.close();
      this.#shown.delete(jid);
    }
  }
}
