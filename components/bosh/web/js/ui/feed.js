/** What the core tells, put into the store. */

import { announce } from "./announce.js";
import { displayName } from "./people.js";
import { plainly } from "./errors.js";

/**
 * @param {import("../xmpp/client.js").Client} client
 * @param {import("./store.js").Store} store
 * @param {import("./avatar.js").Avatars} avatars
 */
export function feed(client, store, avatars) {
  const on = {
    state: ({ state }) => state === "online" && store.sent(),
    message: ({ message }) => store.addMessage(message),
    receipt: ({ chat, id }) => store.settle(chat, id, { receipt: "received" }),
    failed: ({ chat, id, error }) => {
      store.settle(chat, id, { error });
      announce(`A message was not delivered. ${plainly("message", error)}`);
    },
    // In a room by the nick; a private chat with an occupant is with one alone.
    chatstate: ({ chat, nick, state }) => store.setWriting(chat, state, client.rooms.has(chat) ? nick : ""),
    contacts: () => store.emit("chats"),
    contact: ({ contact }) => {
      // Who is gone writes no more, and can't say so.
      if (contact.resources.size === 0) store.setWriting(contact.jid, "");
      store.emit("chats");
    },
    subscription: (request) => (wanted(client, request.jid) ? client.approve(request.jid) : store.addRequest(request)),
    unasked: ({ jid, error }) => {
      const said = `${jid} could not be asked. ${plainly("contact", error)}`;
      store.addNotice(jid, said);
      announce(said);
    },
    invitation: (invitation) => store.addInvitation(invitation),
    avatar: ({ jid }) => avatars.changed(jid),
    room: (event) => {
      changedRoom(store, event);
      store.emit("chats");
    },
    occupant: (event) => {
      noticeOccupant(store, event);
      store.emit("room", { chat: store.chats.get(event.room.jid) });
    },
    subject: (event) => {
      changedSubject(store, event);
      store.emit("chats");
    },
  };
  for (const [name, listener] of Object.entries(on)) client.on(name, listener);
  store.on("requests", ({ said }) => said && announce(said));
  store.on("entry", ({ chat, entry }) => {
    // The open chat's log speaks for itself.
    if (entry.mine || entry.notice || entry.delayed || chat.jid === store.active || chat.kind === "room") return;
    announce(`New message from ${displayName(client, chat.jid)}`);
  });
}

/** Whom we have added ourselves need not ask us: to see each other is what was meant. */
function wanted(client, jid) {
  const contact = client.contacts.get(jid);
  return contact !== undefined && (contact.ask || contact.subscription === "to");
}

/** How somebody has gone, where it was not of their own will. */
const DEPARTURES = {
  kicked: "has been put out of the room",
  banned: "has been banned from the room",
  removed: "has been removed, since the room is for members only",
};

/** The same, told to who it happened to. */
const OWN_DEPARTURES = {
  kicked: "You have been put out of the room.",
  banned: "You have been banned from the room.",
  removed: "You have been removed, since the room is for members only.",
  destroyed: "The room has been closed.",
  shutdown: "The room’s server is being restarted.",
  lost: "The way to the room was lost.",
};

function changedRoom(store, { room, left, condition, reason }) {
  const chat = room.joined ? store.chat(room.jid) : store.chats.get(room.jid);
  if (chat === undefined) return;
  chat.kind = "room";
  chat.left = "";
  if (!room.joined) for (const nick of [...chat.writers]) store.setWriting(chat.jid, "", nick);
  chat.subjectTold &&= room.joined;
  if (left) chat.left = [OWN_DEPARTURES[condition] ?? "You have left the room.", reason && `Reason: ${reason}`].filter(Boolean).join(" ");
  store.emit("room", { chat });
}

function changedSubject(store, { room, subject, by }) {
  const chat = store.chats.get(room.jid);
  if (chat === undefined) return;
  if (chat.subjectTold && by) store.addNotice(room.jid, subject ? `${by} has set the subject: ${subject}` : `${by} has removed the subject`);
  chat.subjectTold = true;
  store.emit("room", { chat });
}

/** Who comes and goes would drown what is said; what somebody did to somebody is told. */
function noticeOccupant(store, { room, occupant, left, reason, condition, nick }) {
  const words = DEPARTURES[condition];
  if (left) {
    store.setWriting(room.jid, "", occupant.nick);
    store.setWriting(`${room.jid}/${occupant.nick}`, "");
  }
  if (nick) store.addNotice(room.jid, `${occupant.nick} is now known as ${nick}`);
  else if (left && words) store.addNotice(room.jid, `${occupant.nick} ${words}${reason ? `: ${reason}` : ""}`);
}
