/** Reads what this server offers, and puts the page together. */

import { Client } from "./xmpp/client.js";
import { App } from "./ui/app.js";
import { h } from "./ui/dom.js";

async function start(root) {
  let config;
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    if (!response.ok) throw new Error(`${response.status}`);
    config = await response.json();
  } catch (error) {
    console.error("config.json:", error);
    root.replaceChildren(unreachable(root));
    return;
  }
  const { domain, websocket = null, bosh = null } = config;
  new App(root, new Client({ domain, websocket, bosh }), config).start();
}

function unreachable(root) {
  const again = h("button", { type: "button", class: "primary", text: "Try again" });
  again.addEventListener("click", () => start(root));
  return h(
    "main",
    { class: "login" },
    h("div", { class: "login-card" },
      h("h1", { text: "The server can’t be reached" }),
      h("p", { class: "lead", role: "alert", text: "Check that you are online. If you are, the server may be starting: wait a moment." }),
      again,
    ),
  );
}

start(document.getElementById("app"));
