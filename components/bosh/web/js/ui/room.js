/** The right pane of a room: who is in it, and what one can do with it. */

import { arrange, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { PRESENCES, rank, ranked } from "./people.js";
import { inviteDialog, leaveDialog, nickDialog, subjectDialog } from "./room_dialogs.js";

/** Occupants shown; a room of thousands would stall the page. */
const SHOWN = 300;

const wide = window.matchMedia("(min-width: 1100px)");

export class Occupants {
  #app;
  #chat;
  #mention;
  #count = h("h2", { class: "people-title", tabindex: "-1" });
  #subject = h("p", { class: "people-subject", dir: "auto" });
  #list = h("ul", { class: "occupants" });
  #more = h("p", { class: "hint", hidden: true });
  #rows = new Map();

  /**
   * @param {import("./app.js").App} app
   * @param {import("./chat.js").Chat} chat
   * @param {(nick: string) => void} mention
   */
  constructor(app, chat, mention) {
    this.#app = app;
    this.#chat = chat;
    this.#mention = mention;
    /** Called when it is closed by its own button. */
    this.onclose = () => {};
    this.element = this.#make();
    this.element.hidden = !wide.matches;
  }

  /** @returns {boolean} whether it is in sight */
  get shown() {
    return !this.element.hidden;
  }

  /** Show it, or hide it. @returns {boolean} whether it is shown now */
  toggle() {
    this.element.hidden = !this.element.hidden;
    if (this.shown && !wide.matches) this.#count.focus();
    return this.shown;
  }

  #make() {
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close the list of people" }, icon("close"));
    close.addEventListener("click", () => this.#hide());
    const room = () => this.#app.client.rooms.get(this.#chat.jid) ?? { jid: this.#chat.jid, subject: "", nick: "" };
    const deed = (name, text, click) => h("button", { type: "button", class: "deed", on: { click } }, icon(name), text);
    const aside = h("aside", { class: "people", "aria-label": "People in the room" },
      h("header", { class: "pane-head" }, this.#count, close),
      h("div", { class: "people-body" },
        this.#subject,
        this.#list,
        this.#more,
        h("div", { class: "deeds" },
          deed("addPerson", "Invite somebody", () => inviteDialog(this.#app, room())),
          deed("edit", "Change the subject", () => subjectDialog(this.#app, room())),
          deed("person", "Change your nickname", () => nickDialog(this.#app, room())),
          deed("leave", "Leave the room", () => leaveDialog(this.#app, this.#chat.jid)),
        ),
      ),
    );
    aside.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !wide.matches) this.#hide();
    });
    return aside;
  }

  #hide() {
    this.element.hidden = true;
    this.onclose();
  }

  /** @param {object|undefined} room as the core has it */
  draw(room) {
    const occupants = ranked(room?.occupants.values() ?? []);
    setText(this.#count, occupants.length === 1 ? "1 person here" : `${occupants.length} people here`);
    setText(this.#subject, room?.subject ?? "");
    this.#subject.hidden = !room?.subject;
    const rows = new Map(occupants.slice(0, SHOWN).map((one) => [one.nick, this.#row(one, room)]));
    this.#rows = rows;
    arrange(this.#list, [...rows.values()].map(({ element }) => element));
    this.#more.hidden = occupants.length <= SHOWN;
    this.#more.textContent = `and ${occupants.length - SHOWN} more`;
  }

  /** As it was, where nothing about the occupant has changed. */
  #row(occupant, room) {
    const looks = JSON.stringify([occupant.show, occupant.status, rank(occupant), occupant.nick === room.nick]);
    const known = this.#rows.get(occupant.nick);
    return known?.looks === looks ? known : { looks, element: h("li", {}, this.#button(occupant, room)) };
  }

  #button(occupant, room) {
    const presence = PRESENCES[occupant.show] ?? PRESENCES[""];
    const own = occupant.nick === room.nick;
    return h("button", {
      type: "button", class: "row plain", disabled: own,
      title: own ? null : `Speak to ${occupant.nick}`,
      on: { click: () => this.#speak(occupant.nick) },
    },
      h("span", { class: "face" }, this.#app.avatars.element(occupant.nick), h("span", { class: `dot ${presence.looks}`, "aria-hidden": "true" })),
      h("span", { class: "row-text" },
        h("span", { class: "row-top" },
          h("span", { class: "row-name", dir: "auto", text: occupant.nick }),
          h("span", { class: "rank", text: own ? ["you", rank(occupant)].filter(Boolean).join(", ") : rank(occupant) }),
        ),
        h("span", { class: "row-line", dir: "auto", text: occupant.status || presence.name }),
      ),
    );
  }

  #speak(nick) {
    if (!wide.matches) this.#hide();
    this.#mention(nick);
  }
}
