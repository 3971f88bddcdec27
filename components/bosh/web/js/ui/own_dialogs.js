/** Dialogs about oneself: status, picture, password, logging out. */

import { h } from "./dom.js";
import { Complaint, field, form, openDialog } from "./dialogs.js";
import { announce } from "./announce.js";
import { plainly } from "./errors.js";
import { PRESENCES } from "./people.js";
import { scaled } from "./picture.js";

const CHOICES = ["", "chat", "away", "dnd"];

/** @param {import("./app.js").App} app */
export function presenceDialog(app) {
  const { show, status } = app.store.presence;
  const radios = CHOICES.map((value) => h("input", { type: "radio", name: "show", value, checked: value === show }));
  const text = h("input", { type: "text", value: status, maxlength: "300", autocomplete: "off", dir: "auto" });
  const dialog = openDialog({
    title: "Your status",
    body: [form({
      tried: "any",
      action: "Set status",
      fields: [
        h("fieldset", { class: "choices" },
          h("legend", { class: "unseen", text: "Status" }),
          ...radios.map((radio) => h("label", {},
            radio,
            h("span", { class: `dot ${PRESENCES[radio.value].looks}`, "aria-hidden": "true" }),
            h("span", { text: PRESENCES[radio.value].name }),
          )),
        ),
        field("What you are doing (may be empty)", text, "Your contacts see it."),
      ],
      submit: () => {
        const chosen = radios.find((radio) => radio.checked)?.value ?? "";
        app.store.setPresence({ show: chosen, status: text.value.trim() });
        dialog.close();
        announce(`You are shown as ${PRESENCES[chosen].name}.`);
      },
    })],
  });
  (radios.find((radio) => radio.checked) ?? radios[0]).focus();
}

/** @param {import("./app.js").App} app */
export function settingsDialog(app) {
  const { client } = app;
  const dialog = openDialog({
    title: "Settings",
    body: [
      pictureSection(app),
      writingSection(app),
      app.notifications.possible && notificationsSection(app),
      passwordSection(app),
      h("section", { class: "setting" },
        h("h3", { text: "Log out" }),
        h("p", { class: "hint", text: `You are logged in as ${client.jid.bare}. Nothing is kept in this browser.` }),
        h("div", { class: "buttons" }, h("button", {
          type: "button", class: "danger", text: "Log out", on: { click: () => (dialog.close(), app.logout()) },
        })),
      ),
    ].filter(Boolean),
  });
}

function pictureSection(app) {
  const { client } = app;
  const face = app.avatars.element(app.nick, { jid: client.jid.bare, large: true });
  const state = h("p", { class: "hint", role: "status" });
  const file = h("input", { type: "file", id: "picture", accept: "image/png,image/jpeg,image/gif,image/webp", class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  const choose = h("button", { type: "button", text: "Choose a picture", on: { click: () => file.click() } });
  file.addEventListener("change", async () => {
    if (file.files.length === 0) return;
    state.className = "hint";
    state.textContent = "Uploading…";
    choose.disabled = true;
    try {
      await client.setAvatar(await scaled(file.files[0]));
      state.textContent = "Your picture is changed. Others see it now.";
    } catch (error) {
      console.warn("avatar:", error);
      state.className = "error";
      state.textContent = plainly("avatar", error);
    } finally {
      choose.disabled = false;
      file.value = "";
    }
  });
  return h("section", { class: "setting" },
    h("h3", { text: "Your picture" }),
    h("div", { class: "person" }, face, h("div", {}, choose, file, state)),
  );
}

/** @param {import("./app.js").App} app */
function writingSection({ client }) {
  const box = h("input", { type: "checkbox", checked: client.tellsWriting });
  box.addEventListener("change", () => {
    client.tellsWriting = box.checked;
  });
  return h("section", { class: "setting" },
    h("h3", { text: "Writing" }),
    h("div", { class: "choices" }, h("label", {}, box, h("span", { text: "Show people that I am writing to them" }))),
    h("p", { class: "hint", text: "When off, they see nothing until you send. It is on again after you log out." }),
  );
}

/** @param {import("./app.js").App} app */
function notificationsSection({ notifications }) {
  const box = h("input", { type: "checkbox", checked: notifications.on });
  const refused = h("p", { class: "error", role: "alert", hidden: true, text: "The browser shows no notifications of this page. Allow them in its settings, and try again." });
  box.addEventListener("change", async () => {
    refused.hidden = true;
    if (!box.checked) notifications.turnOff();
    else if (!(await notifications.turnOn())) {
      box.checked = false;
      refused.hidden = false;
    }
  });
  return h("section", { class: "setting" },
    h("h3", { text: "Notifications" }),
    h("div", { class: "choices" }, h("label", {}, box, h("span", { text: "Tell me of new messages while I look elsewhere" }))),
    refused,
    h("p", { class: "hint", text: "The browser shows them with their text; of a room, those that name you. Off again after you log out." }),
  );
}

function passwordSection(app) {
  const { client } = app;
  // Password managers file what is typed under the name beside it.
  const name = h("input", { type: "text", autocomplete: "username", value: client.jid.local, readonly: true, class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  const first = h("input", { type: "password", autocomplete: "new-password" });
  const second = h("input", { type: "password", autocomplete: "new-password" });
  const done = h("p", { class: "hint", role: "status" });
  return h("section", { class: "setting" },
    h("h3", { text: "Password" }),
    form({
      tried: "password",
      action: "Change password",
      fields: [name, field("New password", first), field("The same again", second), done],
      submit: async () => {
        done.textContent = "";
        if (first.value === "") throw new Complaint("Type a new password.", first);
        if (first.value !== second.value) throw new Complaint("The two passwords differ. Type the same twice.", second);
        await client.changePassword(first.value);
        first.value = "";
        second.value = "";
        done.textContent = "Your password is changed.";
      },
    }),
  );
}
