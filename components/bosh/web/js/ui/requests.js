/** Who asks for something: to be added as a contact, to come into a room. */

import { h } from "./dom.js";
import { localpart } from "./text.js";

/** Cards shown at once: anybody can ask, and the chats are to stay in sight. */
const SHOWN = 3;

/** The cards over the list of chats. */
export class Requests {
  #app;
  #leave;

  /**
   * @param {import("./app.js").App} app
   * @param {() => void} leave has the focus go elsewhere: what had it is gone
   */
  constructor(app, leave) {
    this.#app = app;
    this.#leave = leave;
    this.element = h("section", { class: "requests", "aria-label": "Requests", hidden: true });
  }

  /** Draw what waits now. */
  draw() {
    const { store } = this.#app;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
    const cards = [
      ...[...store.requests.values()].map((request) => this.#subscription(request)),
      ...[...store.invitations.values()].map((invitation) => this.#invitation(invitation)),
    ];
    this.element.replaceChildren(...cards.slice(0, SHOWN));
    if (cards.length > SHOWN) this.element.append(h("p", { class: "hint", text: `${cards.length - SHOWN} more when these are answered` }));
    this.element.hidden = cards.length === 0;
    if (focused !== null) this.#refocus(focused);
  }

  /** To the button that had the focus, or on to the chats: never to another's "Accept". */
  #refocus(label) {
    const button = [...this.element.querySelectorAll("button")].find((one) => one.ariaLabel === label);
    if (button) button.focus();
    else this.#leave();
  }

  #subscription({ jid, nick, text }) {
    const { client, store, avatars } = this.#app;
    const name = nick || localpart(jid);
    const accept = () => this.#app.attempt("contact", async () => {
      await client.approve(jid);
      // To see each other is what people expect of it.
      if (!["to", "both"].includes(client.contacts.get(jid)?.subscription)) await client.addContact(jid, nick ?? "");
      store.settled(jid);
    });
    const deny = () => this.#app.attempt("contact", async () => {
      await client.deny(jid);
      store.settled(jid);
    });
    return card(avatars.element(name, { jid }), name, `${jid} wants to add you`, text, [
      answer("Accept", `Accept ${name}`, accept, true),
      answer("Deny", `Deny ${name}`, deny),
    ]);
  }

  #invitation({ room, from, reason, password }) {
    const { store, avatars } = this.#app;
    const name = localpart(room);
    const join = () => this.#app.attempt("room", () => this.#app.join(room, this.#app.nick, password));
    return card(avatars.element(name, { square: true }), name, `${localpart(from ?? "")} invites you to ${room}`, reason, [
      answer("Join", `Join ${name}`, join, true),
      answer("Decline", `Decline to join ${name}`, () => store.settled(room)),
    ]);
  }
}

function card(face, name, line, text, buttons) {
  return h("article", { class: "card" },
    face,
    h("div", { class: "card-text" },
      h("p", { class: "card-name", dir: "auto", text: name }),
      h("p", { class: "card-line", dir: "auto", text: line }),
      text && h("p", { class: "card-quote", dir: "auto", text: text.slice(0, 300) }),
      h("div", { class: "buttons start" }, ...buttons),
    ),
  );
}

function answer(text, label, click, primary = false) {
  return h("button", { type: "button", class: primary ? "primary small" : "small", text, "aria-label": label, on: { click } });
}
