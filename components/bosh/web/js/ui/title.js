/** The title of the page: how much is unread, and who is talked to. */

import { perFrame } from "./dom.js";
import { displayName } from "./people.js";

/**
 * @param {import("./store.js").Store} store
 * @param {string} domain
 * @param {() => boolean} inside whether somebody is logged in
 */
export function followTitle(store, domain, inside) {
  const draw = perFrame(() => {
    const unread = inside() && store.unread > 0 ? `(${store.unread}) ` : "";
    const who = inside() && store.active !== null ? `${displayName(store.client, store.active)} · ` : "";
    document.title = `${unread}${who}${domain}`;
  });
  store.on("chats", draw);
  store.on("active", draw);
  draw();
}
