/** Dialogs: native ones, so that Esc, focus and what lies behind are the browser's care. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { plainly } from "./errors.js";

let count = 0;

/**
 * Open a dialog; it is gone from the page when it closes.
 * @param {{title: string, body: Node[], wide?: boolean, closed?: () => void}} what
 * @returns {HTMLDialogElement}
 */
export function openDialog({ title, body, wide = false, closed }) {
  const id = `dialog-${(count += 1)}`;
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close" }, icon("close"));
  const dialog = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : null },
    h("header", { class: "dialog-head" }, h("h2", { id, text: title }), close),
    h("div", { class: "dialog-body" }, ...body),
  );
  close.addEventListener("click", () => dialog.close());
  // A press that begins and ends on the backdrop is meant for it; one that began in a field is not.
  dialog.addEventListener("pointerdown", (event) => {
    dialog.dataset.outside = event.target === dialog ? "yes" : "";
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && dialog.dataset.outside === "yes") dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  const first = dialog.querySelector("[autofocus], .dialog-body input:not([readonly]), .dialog-body textarea, .dialog-body button");
  (first ?? close).focus();
  return dialog;
}

/**
 * A labelled field.
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 * @returns {HTMLElement}
 */
export function field(label, control, hint) {
  const id = control.id || `field-${(count += 1)}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" },
    h("label", { for: id, text: label }),
    control,
    hint && h("p", { class: "hint", id: `${id}-hint`, text: hint }),
  );
}

/**
 * A form with a place for what goes wrong, and buttons under it.
 * @param {{tried: string, action: string, busy?: string, danger?: boolean, fields: Node[],
 *   submit: () => (void|Promise<void>), more?: Node[]}} what submit throws where it fails: a
 *   Complaint in words of its own, or an error whose condition is explained
 * @returns {HTMLFormElement}
 */
export function form({ tried, action, busy = "One moment…", fields, submit, more = [] }) {
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "primary", text: action });
  const tell = (text) => {
    error.textContent = text;
    error.hidden = text === "";
  };
  const element = h("form", { novalidate: true }, error, ...fields, h("div", { class: "buttons" }, ...more, button));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    tell("");
    button.disabled = true;
    button.textContent = busy;
    try {
      await submit();
    } catch (problem) {
      tell(problem instanceof Complaint ? problem.message : plainly(tried, problem));
      if (!(problem instanceof Complaint)) console.warn(`${tried}:`, problem);
      else problem.control?.focus();
    } finally {
      button.disabled = false;
      button.textContent = action;
    }
  });
  return element;
}

/** What is wrong with what somebody typed, in words for them. */
export class Complaint extends Error {
  /**
   * @param {string} text
   * @param {HTMLElement} [control] where to mend it
   */
  constructor(text, control) {
    super(text);
    this.control = control;
  }
}

/**
 * Ask before something that can't be taken back.
 * @param {{title: string, text: string, action: string, tried: string, submit: () => (void|Promise<void>)}} what
 */
export function confirm({ title, text, action, tried, submit }) {
  const cancel = h("button", { type: "button", text: "Cancel", autofocus: true });
  const body = form({
    tried, action, fields: [h("p", { text })], more: [cancel],
    submit: async () => {
      await submit();
      dialog.close();
    },
  });
  body.classList.add("dangerous");
  const dialog = openDialog({ title, body: [body] });
  cancel.addEventListener("click", () => dialog.close());
}
