/** A button that copies an address. */

import { announce } from "./announce.js";
import { h } from "./dom.js";

/** How long it tells that it has, in milliseconds. */
const TOLD = 3000;

/**
 * @param {string} address
 * @param {import("./app.js").App} app
 * @returns {HTMLElement|null} null where the browser lets no page copy
 */
export function copyButton(app, address) {
  if (!navigator.clipboard) return null;
  const button = h("button", { type: "button", class: "small", text: "Copy address" });
  button.addEventListener("click", async () => {
    const copied = await app.attempt("any", async () => {
      await navigator.clipboard.writeText(address);
      return true;
    });
    if (!copied) return;
    button.textContent = "Copied";
    announce("The address is copied.");
    setTimeout(() => (button.textContent = "Copy address"), TOLD);
  });
  return button;
}
