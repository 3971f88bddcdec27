/** The line over everything that tells when the connection is gone, and when it is back. */

import { h } from "./dom.js";

const STAYS = 3000;

export class Banner {
  #timer = 0;

  /** @param {import("../xmpp/client.js").Client} client */
  constructor(client) {
    this.element = h("div", { class: "banner", role: "status" });
    this.element.dataset.state = "online";
    client.on("state", ({ state }) => this.#show(state));
  }

  #show(state) {
    clearTimeout(this.#timer);
    const was = this.element.dataset.state;
    if (state === "online") {
      if (was === "online") return;
      this.element.dataset.state = "back";
      this.element.textContent = "Online again";
      this.#timer = setTimeout(() => {
        this.element.dataset.state = "online";
        this.element.textContent = "";
      }, STAYS);
      return;
    }
    this.element.dataset.state = "away";
    this.element.textContent = "Connection lost. Reconnecting…";
  }
}
