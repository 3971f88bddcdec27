/** Dialogs about people: add somebody, see who it is, rename, remove. */

import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { Complaint, confirm, field, form, openDialog } from "./dialogs.js";
import { announce } from "./announce.js";
import { PRESENCES, displayName, presenceOf, relation } from "./people.js";
import { addressOf } from "./text.js";

const ADDRESS = { type: "text", inputmode: "email", autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false" };

/**
 * @param {import("./app.js").App} app
 * @param {string} [address] filled in already
 */
export function addContactDialog(app, address = "") {
  const { client } = app;
  const jid = h("input", { ...ADDRESS, value: address, required: true });
  const name = h("input", { type: "text", autocomplete: "off", maxlength: "200" });
  const dialog = openDialog({
    title: "Add a contact",
    body: [form({
      tried: "contact",
      action: "Add contact",
      fields: [
        field("Address", jid, `Like juliet@example.org; a name alone is one at ${client.jid.domain}.`),
        field("Name (only you see it)", name),
      ],
      submit: async () => {
        const bare = addressOf(jid.value, client.jid.domain);
        if (bare === null) throw new Complaint("Type an address, like juliet@example.org.", jid);
        if (bare === client.jid.bare) throw new Complaint("That is your own address. Type somebody else’s.", jid);
        await client.addContact(bare, name.value.trim());
        dialog.close();
        app.open(bare);
        announce(`${bare} is asked to let you see when they are there.`);
      },
    })],
  });
}

/**
 * @param {import("./app.js").App} app
 * @param {string} jid
 */
export function contactDialog(app, jid) {
  const { client } = app;
  const contact = client.contacts.get(jid);
  const shown = displayName(client, jid);
  const body = [
    h("div", { class: "person" },
      app.avatars.element(shown, { jid, large: true }),
      h("div", {},
        h("p", { class: "person-name" }, h("bdi", { text: shown })),
        h("p", { class: "address" }, h("bdi", { text: jid })),
        jid.includes("/") ? null : copyButton(app, jid),
      ),
    ),
  ];
  if (contact === undefined && jid.includes("/")) body.push(h("p", { class: "hint", text: "What you write here is seen by this one person in the room only." }));
  else if (contact === undefined) body.push(stranger(app, jid, () => dialog.close()));
  else body.push(facts(contact), rename(app, contact, () => dialog.close()));
  const dialog = openDialog({ title: contact ? "Contact" : jid.includes("/") ? "Private chat" : "Not in your contacts", body });
}

function stranger(app, jid, close) {
  return h("div", { class: "buttons" }, h("button", {
    type: "button", class: "primary", text: "Add to contacts",
    on: { click: () => (close(), addContactDialog(app, jid)) },
  }));
}

function facts(contact) {
  const presence = PRESENCES[presenceOf(contact)].name;
  const words = [contact.status ? `${presence}: ${contact.status}` : presence, relation(contact)];
  return h("ul", { class: "facts" }, ...words.filter(Boolean).map((text) => h("li", { dir: "auto", text })));
}

function rename(app, contact, close) {
  const name = h("input", { type: "text", autocomplete: "off", maxlength: "200", value: contact.name });
  const again = !contact.ask && ["none", "from"].includes(contact.subscription);
  return form({
    tried: "contact",
    action: "Save",
    fields: [field("Name (only you see it)", name)],
    more: [
      h("button", { type: "button", class: "danger", text: "Remove", on: { click: () => (close(), remove(app, contact)) } }),
      again && h("button", {
        type: "button", text: "Ask again",
        on: { click: async () => (close(), await app.attempt("contact", () => app.client.addContact(contact.jid, contact.name))) },
      }),
    ].filter(Boolean),
    submit: async () => {
      await app.client.renameContact(contact.jid, name.value.trim());
      close();
    },
  });
}

function remove(app, contact) {
  const shown = displayName(app.client, contact.jid);
  confirm({
    title: `Remove ${shown}?`,
    text: "You will no longer see each other’s status. Messages on this page go, too.",
    action: "Remove",
    tried: "contact",
    submit: async () => {
      await app.client.removeContact(contact.jid);
      app.store.close(contact.jid);
      announce(`${shown} is removed.`);
    },
  });
}
