/** Dialogs about rooms: join one, its subject, ask somebody in, leave. */

import { h } from "./dom.js";
import { Complaint, confirm, field, form, openDialog } from "./dialogs.js";
import { announce } from "./announce.js";
import { plainly } from "./errors.js";
import { displayName } from "./people.js";
import { addressOf, localpart } from "./text.js";

/** Rooms of a service that are shown; more can be found by typing. */
const SHOWN = 100;

/**
 * Join by address, or choose from the public rooms.
 * @param {import("./app.js").App} app
 * @param {{room?: string, password?: boolean}} [given]
 */
export function joinDialog(app, { room: address = "", password: locked = false } = {}) {
  const { client } = app;
  const room = h("input", { type: "text", value: address, autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false" });
  const nick = h("input", { type: "text", autocomplete: "nickname", maxlength: "100", value: client.rooms.get(address)?.nick ?? app.nick });
  const password = h("input", { type: "password", autocomplete: "off" });
  const secret = h("details", { open: locked }, h("summary", { text: "The room has a password" }), field("Password of the room", password));
  const list = h("div", { class: "public-rooms" });
  const dialog = openDialog({
    title: "Join a room",
    body: [
      form({
        tried: "room",
        action: "Join",
        busy: "Joining…",
        fields: [
          field("Room", room, "Like verona@conference.example.org. One that does not exist yet is opened for you."),
          field("Your nickname in the room", nick),
          secret,
        ],
        submit: async () => {
          const jid = addressOf(room.value, (await app.roomService()) ?? "");
          if (jid === null) throw new Complaint("Type the address of a room, like verona@conference.example.org.", room);
          if (!nick.value.trim()) throw new Complaint("Type a nickname.", nick);
          try {
            await app.join(jid, nick.value.trim(), password.value || undefined);
          } catch (error) {
            if (error.condition === "not-authorized") secret.open = true;
            throw error;
          }
          password.value = "";
          dialog.close();
        },
      }),
      list,
    ],
  });
  fill(app, room, list);
}

async function fill(app, room, list) {
  const service = await app.roomService();
  if (service === null) return;
  document.getElementById(`${room.id}-hint`).textContent = `A name alone is a room at ${service}. One that does not exist yet is opened for you.`;
  const heading = h("h3", { text: "Public rooms" });
  const state = h("p", { class: "hint", role: "status", text: "Looking for rooms…" });
  list.append(heading, state);
  let rooms;
  try {
    rooms = await app.client.publicRooms(service);
  } catch (error) {
    state.textContent = plainly("any", error);
    return;
  }
  const items = h("ul", {});
  list.append(items);
  const draw = () => {
    const wanted = room.value.trim().toLowerCase();
    const found = rooms.filter(({ jid, name }) => `${jid} ${name ?? ""}`.toLowerCase().includes(wanted));
    items.replaceChildren(...found.slice(0, SHOWN).map((one) => h("li", {}, choice(one, room))));
    state.textContent = summary(rooms.length, found.length);
  };
  room.addEventListener("input", draw);
  draw();
}

function summary(all, found) {
  if (all === 0) return "There are no public rooms here yet. Type a name to open one.";
  if (found === 0) return "No public room has this name. Join to open it.";
  if (found > SHOWN) return `${found} rooms; type to find the others.`;
  const rooms = all === 1 ? "1 room" : `${all} rooms`;
  return found === all ? `${rooms}.` : `${found} of ${rooms}.`;
}

function choice({ jid, name }, room) {
  const pick = () => {
    room.value = jid;
    room.form.requestSubmit();
  };
  return h("button", { type: "button", class: "row plain", on: { click: pick } },
    h("span", { class: "row-text" },
      h("span", { class: "row-name", dir: "auto", text: name || localpart(jid) }),
      h("span", { class: "row-line", text: jid }),
    ),
  );
}

/**
 * @param {import("./app.js").App} app
 * @param {object} room
 */
export function subjectDialog(app, room) {
  const subject = h("textarea", { rows: "3", maxlength: "1000", value: room.subject ?? "", dir: "auto" });
  const dialog = openDialog({
    title: "Subject of the room",
    body: [form({
      tried: "subject",
      action: "Set subject",
      fields: [field("Subject", subject, "Everybody in the room sees it. In some rooms only moderators may change it.")],
      submit: async () => {
        await app.client.setSubject(room.jid, subject.value.trim());
        dialog.close();
      },
    })],
  });
}

/**
 * @param {import("./app.js").App} app
 * @param {object} room
 */
export function inviteDialog(app, room) {
  const { client } = app;
  const who = h("input", { type: "text", list: "invitees", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const reason = h("input", { type: "text", autocomplete: "off", maxlength: "300" });
  const options = [...client.contacts.values()].slice(0, 200).map((contact) => h("option", { value: contact.jid, text: displayName(client, contact.jid) }));
  const dialog = openDialog({
    title: "Invite somebody",
    body: [form({
      tried: "room",
      action: "Invite",
      fields: [
        field("Address", who, "One of your contacts, or anybody’s address."),
        field("What you want to say (may be empty)", reason),
        h("datalist", { id: "invitees" }, ...options),
      ],
      submit: async () => {
        const jid = addressOf(who.value, client.jid.domain);
        if (jid === null) throw new Complaint("Type an address, like juliet@example.org.", who);
        await client.invite(room.jid, jid, reason.value.trim());
        dialog.close();
        app.store.addNotice(room.jid, `You have invited ${jid}`);
        announce(`${jid} is invited.`);
      },
    })],
  });
}

/**
 * @param {import("./app.js").App} app
 * @param {object} room
 */
export function nickDialog(app, room) {
  const nick = h("input", { type: "text", autocomplete: "nickname", maxlength: "100", value: room.nick });
  const dialog = openDialog({
    title: "Your nickname in the room",
    body: [form({
      tried: "room",
      action: "Change",
      fields: [field("Nickname", nick)],
      submit: async () => {
        if (!nick.value.trim()) throw new Complaint("Type a nickname.", nick);
        await app.client.changeNick(room.jid, nick.value.trim());
        dialog.close();
      },
    })],
  });
}

/**
 * @param {import("./app.js").App} app
 * @param {string} jid
 */
export function leaveDialog(app, jid) {
  confirm({
    title: `Leave ${localpart(jid)}?`,
    text: "You can come back as long as the room is there.",
    action: "Leave",
    tried: "room",
    submit: async () => {
      if (app.client.rooms.has(jid)) await app.client.leave(jid);
      app.store.close(jid);
      announce(`You have left ${localpart(jid)}.`);
    },
  });
}
