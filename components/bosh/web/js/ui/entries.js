/** The lines of a log: messages, notices, days. */

import { h, unseen } from "./dom.js";
import { plainly } from "./errors.js";
import { icon } from "./icons.js";
import { displayName } from "./people.js";
import { bodyNodes, mentions } from "./text.js";
import { day, exactly, hour, sameDay } from "./times.js";

/** Messages of one person this close together are shown as one turn. */
const TURN = 5 * 60 * 1000;

/**
 * Whether an entry goes on with what the one before began.
 * @param {object|null} before
 * @param {object} entry
 * @returns {boolean}
 */
export function follows(before, entry) {
  return (
    before !== null && !before.notice && !entry.notice && !action(before.body) && !action(entry.body) &&
    before.mine === entry.mine && before.nick === entry.nick &&
    entry.time - before.time < TURN && sameDay(before.time, entry.time)
  );
}

/** @param {Date} time @returns {HTMLElement} */
export const dayRow = (time) => h("li", { class: "day" }, h("span", { text: day(time) }));

/** @returns {HTMLElement} the line over what is unread */
export const newRow = () => h("li", { class: "news" }, h("span", { text: "New" }));

/**
 * @param {import("./app.js").App} app
 * @param {import("./chat.js").Chat} chat
 * @param {object} entry
 * @param {boolean} goesOn
 * @returns {HTMLElement}
 */
export function entryRow(app, chat, entry, goesOn) {
  if (entry.notice) return h("li", { class: "notice", dir: "auto", text: entry.notice });
  const room = chat.kind === "room";
  const own = room ? app.client.rooms.get(chat.jid)?.nick : null;
  const who = entry.mine ? "You" : room ? (entry.nick ?? "The room") : displayName(app.client, chat.jid);
  const acts = action(entry.body);
  const actor = entry.mine ? (own ?? app.nick) : who;
  const classes = [
    "message", entry.mine && "mine", goesOn && "goes-on", acts && "acts",
    room && !entry.mine && mentions(entry.body, own) && "mentioned",
  ];
  const face = room && !entry.mine && !acts;
  const row = h("li", { class: classes.filter(Boolean).join(" ") },
    face && (goesOn ? h("span", { class: "face-gap" }) : app.avatars.element(who)),
    h("div", { class: "bubble" },
      face && !goesOn ? h("p", { class: "who", dir: "auto", text: who }) : unseen(`${who}: `),
      h("div", { class: "body", dir: "auto" }, ...(acts ? acted(actor, entry) : bodyNodes(entry.body))),
      h("div", { class: "meta" }, stamp(entry), h("span", { class: "state" })),
      h("p", { class: "fault", hidden: true }),
    ),
  );
  markState(row, entry);
  return row;
}

/** "/me waves" is told as a deed (XEP-0245). */
const action = (body) => body.startsWith("/me ");

const acted = (who, entry) => [
  h("span", { "aria-hidden": "true" }, "✻ ", h("bdi", { text: who })), " ", ...bodyNodes(entry.body.slice(4)),
];

function stamp({ time, delayed }) {
  const title = delayed ? `Sent ${exactly(time)}; arrived later` : exactly(time);
  return h("time", { datetime: time.toISOString(), title, class: delayed ? "delayed" : null }, hour(time), delayed && unseen(" (arrived later)"));
}

/**
 * Show how far one of our messages has come.
 * @param {HTMLElement} row
 * @param {object} entry
 */
export function markState(row, entry) {
  if (!entry.mine) return;
  const state = row.querySelector(".state");
  const fault = row.querySelector(".fault");
  row.classList.toggle("failed", Boolean(entry.error));
  fault.hidden = !entry.error;
  if (entry.error) {
    state.replaceChildren(icon("warning"));
    fault.textContent = `Not delivered. ${plainly("message", entry.error)}`;
    return;
  }
  const look = entry.waiting ? WAITING : STATES[entry.type === "groupchat" ? "room" : "person"][entry.receipt];
  if (look === undefined) return;
  state.title = look.title;
  state.classList.toggle("received", look.done);
  state.replaceChildren(icon(look.icon), unseen(look.title));
}

/** Of what is said while there is no connection. */
const WAITING = { title: "Waits for the connection", icon: "waiting", done: false };

/** How far a message has come. A room that has told it to everybody knows no more. */
const STATES = {
  person: {
    asked: { title: "Sent", icon: "sent", done: false },
    received: { title: "Delivered", icon: "received", done: true },
  },
  room: {
    received: { title: "In the room", icon: "sent", done: true },
  },
};
