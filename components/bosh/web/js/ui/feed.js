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
  const room = (given) => store.chat(given.jid);
  const on = {
    message: ({ message }) => store.addMessage(message),
    receipt: ({ chat, id }) => store.settle(chat, id, { receipt: "received" }),
    failed: ({ chat, id, error }) => {
      store.settle(chat, id, { error });
      announce(`A message was not delivered. ${plainly("message", error)}`);
    },
    chatstate: ({ chat, nick, state }) => nick === undefined && store.setWriting(chat, state),
    contacts: () => store.emit("chats"),
    contact: () => store.emit("chats"),
    subscription: (request) => store.addRequest(request),
    invitation: (invitation) => store.addInvitation(invitation),
    avatar: ({ jid }) => avatars.changed(jid),
    room: (event) => {
      const chat = room(event.room);
      if (event.room.joined) chat.left = "";
      store.emit("room", { chat });
      store.emit("chats");
    },
    occupant: (event) => {
      noticeOccupant(store, event);
      store.emit("room", { chat: room(event.room) });
    },
    subject: ({ room: changed, by }) => {
      if (by) store.addNotice(changed.jid, changed.subject ? `${by} has set the subject: ${changed.subject}` : `${by} has removed the subject`);
      store.emit("room", { chat: room(changed) });
      store.emit("chats");
    },
  };
  for (const [name, listener] of Object.entries(on)) client.on(name, listener);
  store.on("entry", ({ chat, entry }) => {
    // The open chat's log speaks for itself.
    if (entry.mine || entry.notice || entry.delayed || chat.jid === store.active || chat.kind === "room") return;
    announce(`New message from ${displayName(client, chat.jid)}`);
  });
}

/** Who comes and goes would drown what is said; what somebody did to somebody is told. */
function noticeOccupant(store, { room, occupant, left, reason, nick }) {
  if (nick) store.addNotice(room.jid, `${occupant.nick} is now known as ${nick}`);
  else if (left && reason) store.addNotice(room.jid, `${occupant.nick} has left (${reason})`);
}
