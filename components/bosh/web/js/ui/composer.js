/** Where one writes. Enter sends, Shift+Enter begins a new line. */

import { Completion } from "./completion.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { displayName } from "./people.js";

/** Who stops typing for this long pauses (XEP-0085 5.1 leaves the time to the client). */
const PAUSE = 5000;
/** Height of the field, in pixels, beyond which it scrolls. */
const TALL = 180;
const LONGEST = 20000;

export class Composer {
  #app;
  #chat;
  #input;
  #send;
  #state = "active";
  #timer = 0;
  #placeholder;
  #completion;

  /**
   * @param {import("./app.js").App} app
   * @param {import("./chat.js").Chat} chat
   */
  constructor(app, chat) {
    this.#app = app;
    this.#chat = chat;
    const name = displayName(app.client, chat.jid);
    this.#placeholder = `Write to ${name}`;
    this.#input = h("textarea", {
      rows: "1", "aria-label": this.#placeholder, placeholder: this.#placeholder, maxlength: String(LONGEST),
      value: chat.draft, dir: "auto", enterkeyhint: "send", autocomplete: "off",
      on: { keydown: (event) => this.#key(event), input: () => this.#typed() },
    });
    this.#completion = new Completion(this.#input, () => this.#others());
    this.#send = h("button", { type: "submit", class: "icon-button send", "aria-label": "Send", title: "Send" }, icon("send"));
    this.element = h("form", { class: "composer", "aria-label": "New message" }, this.#input, this.#send);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    requestAnimationFrame(() => this.#fit());
  }

  /** @returns {boolean} whether nothing can be written now */
  get closed() {
    return this.#input.disabled;
  }

  /** Put the cursor here. */
  focus() {
    this.#input.focus();
  }

  /**
   * Let write, or not.
   * @param {boolean} allowed
   * @param {string} why what stands in the field where it is closed
   */
  allow(allowed, why) {
    if (this.#input.disabled === !allowed) return;
    this.#input.disabled = !allowed;
    this.#send.disabled = !allowed;
    this.#input.placeholder = allowed ? this.#placeholder : why;
  }

  /**
   * Begin to speak to somebody in a room.
   * @param {string} nick
   */
  mention(nick) {
    if (this.closed) return;
    const { value } = this.#input;
    const text = value === "" ? `${nick}: ` : `${value.replace(/\s*$/u, " ")}${nick} `;
    this.#input.value = text;
    this.#typed();
    this.focus();
  }

  /** Another chat is shown: keep the draft, and write here no more. */
  leave() {
    clearTimeout(this.#timer);
    this.#chat.draft = this.#input.value;
    this.#tell(this.#state === "composing" ? "paused" : this.#state);
  }

  /** Who else is in the room. */
  #others() {
    const room = this.#app.client.rooms.get(this.#chat.jid);
    return [...(room?.occupants.keys() ?? [])].filter((nick) => nick !== room.nick);
  }

  #key(event) {
    if (this.#completion.key(event)) {
      this.#typed();
      return;
    }
    // Enter that ends the composition of a character (as in Japanese) is no Enter.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #typed() {
    this.#fit();
    clearTimeout(this.#timer);
    if (this.#input.value === "") {
      this.#tell("active");
      return;
    }
    this.#tell("composing");
    this.#timer = setTimeout(() => this.#tell("paused"), PAUSE);
  }

  #tell(state) {
    if (state === this.#state || this.#chat.kind === "room") return;
    this.#state = state;
    try {
      this.#app.client.chatState(this.#chat.jid, state);
    } catch (error) {
      // Nobody is served by hearing that it was not told that they write.
      console.debug("chat state:", error);
    }
  }

  async #submit() {
    const body = this.#input.value.trim();
    if (body === "" || this.closed) return;
    clearTimeout(this.#timer);
    this.#state = "active";
    this.#input.value = "";
    this.#fit();
    const { client, store } = this.#app;
    const { jid, kind } = this.#chat;
    let sent = false;
    await this.#app.attempt("message", async () => {
      const message = kind === "room" ? await client.sendToRoom(jid, body) : await client.send(jid, body);
      sent = true;
      if (kind !== "room" && message) store.addMessage(message);
    });
    if (!sent && this.#input.value === "") {
      this.#input.value = body;
      this.#fit();
    }
  }

  /** As high as the text, up to a point. */
  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, TALL)}px`;
  }
}
