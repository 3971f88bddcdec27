/** What went wrong outside of any form: a line that stays for a while. */

import { h } from "./dom.js";

const STAYS = 8000;

export class Toast {
  #element = h("div", { class: "toast", role: "alert", hidden: true });
  #timer = 0;

  constructor() {
    document.body.append(this.#element);
    this.#element.addEventListener("click", () => this.#hide());
  }

  /** @param {string} text */
  tell(text) {
    clearTimeout(this.#timer);
    this.#element.hidden = false;
    this.#element.textContent = text;
    this.#timer = setTimeout(() => this.#hide(), STAYS);
  }

  #hide() {
    this.#element.hidden = true;
  }
}
