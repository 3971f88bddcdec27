/** The page as a whole: the login before, the chats after, and the way between them. */

import { announce } from "./announce.js";
import { Avatars } from "./avatar.js";
import { Banner } from "./banner.js";
import { ChatList } from "./chatlist.js";
import { Conversation } from "./conversation.js";
import { h, onePane } from "./dom.js";
import { plainly } from "./errors.js";
import { feed } from "./feed.js";
import { Login } from "./login.js";
import { Notifications } from "./notifications.js";
import { localpart } from "./text.js";
import { Store } from "./store.js";
import { followTitle } from "./title.js";
import { Toast } from "./toast.js";

/** What views share, and what they may ask of each other. */
export class App {
  #root;
  #config;
  #login;
  #shell = null;
  #list;
  #conversation;
  #toast = new Toast();
  #rooms = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../xmpp/client.js").Client} client
   * @param {object} config what config.json says
   */
  constructor(root, client, config) {
    this.#root = root;
    this.#config = config;
    this.client = client;
    this.store = new Store(client);
    this.avatars = new Avatars(client);
    this.notifications = new Notifications(this);
    feed(client, this.store, this.avatars);
    followTitle(this.store, config.domain, () => this.#shell !== null);
    client.on("state", (event) => this.#state(event));
    this.store.on("active", () => this.#panes());
    window.addEventListener("popstate", (event) => this.#shell && this.store.open(event.state?.chat ?? null));
    for (const name of ["focus", "visibilitychange"]) {
      (name === "focus" ? window : document).addEventListener(name, () => this.store.read());
    }
  }

  /** Show the login. */
  start() {
    history.replaceState(null, "");
    this.#login = new Login(this.client, this.#config, () => this.#enter());
    this.#root.replaceChildren(this.#login.element);
    this.#login.focus();
    // Who is going to be refused had better know before typing a password.
    if (!window.isSecureContext) this.#login.tell(plainly("login", { condition: "insecure-context" }));
  }

  /** @returns {string} what we are called in rooms, unless we say otherwise */
  get nick() {
    return localpart(this.client.jid.bare);
  }

  /**
   * Where the rooms of this server are; asked for once.
   * @returns {Promise<string|null>}
   */
  roomService() {
    this.#rooms ??= this.#findRooms();
    return this.#rooms;
  }

  async #findRooms() {
    if (this.#config.rooms) return this.#config.rooms;
    try {
      return await this.client.roomService();
    } catch (error) {
      // Rooms can still be joined by their whole address; the next who asks may have an answer.
      console.warn("rooms:", error);
      this.#rooms = null;
      return null;
    }
  }

  /**
   * Show a conversation.
   * @param {string} jid
   */
  open(jid) {
    if (this.store.active === jid) {
      this.#conversation.focus();
      return;
    }
    // The phone's own way back leads to the list.
    history[history.state?.chat ? "replaceState" : "pushState"]({ chat: jid }, "");
    this.store.open(jid);
    this.#conversation.focus();
  }

  /** Show the list of chats, where one pane is all there is. */
  back() {
    const jid = this.store.active;
    if (history.state?.chat) history.back();
    else this.store.open(null);
    if (jid !== null) this.#list.focus(jid);
  }

  /**
   * Come into a room and show it.
   * @param {string} jid
   * @param {string} nick
   * @param {string} [password]
   */
  async join(jid, nick, password) {
    await this.client.join(jid, nick, password);
    this.store.settled(jid);
    this.store.chat(jid).kind = "room";
    this.open(jid);
  }

  /**
   * Try something; what goes wrong is told.
   * @param {string} tried
   * @param {() => any} action
   */
  async attempt(tried, action) {
    try {
      return await action();
    } catch (error) {
      console.warn(`${tried}:`, error);
      this.#toast.tell(plainly(tried, error));
      return undefined;
    }
  }

  /** Log out and begin anew. */
  async logout() {
    await this.attempt("any", () => this.client.logout());
    this.#leave("");
  }

  #enter() {
    this.#list = new ChatList(this);
    this.#conversation = new Conversation(this);
    this.#shell = h("div", { class: "shell" },
      new Banner(this.client).element,
      this.#list.element,
      this.#conversation.element,
    );
    this.#root.replaceChildren(this.#shell);
    this.#panes();
    this.store.emit("active", { before: null });
    this.store.emit("requests", {});
    this.#list.focus(null);
    announce(`You are logged in as ${this.client.jid.bare}.`);
    this.roomService();
  }

  #leave(reason) {
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    this.#conversation?.close();
    this.#list?.close();
    this.#shell = null;
    this.#rooms = null;
    this.notifications.turnOff();
    this.store.clear();
    this.avatars.clear();
    this.start();
    this.#login.tell(reason);
    announce("You are logged out.");
  }

  #state({ state, error }) {
    // What comes while the login still goes on is the new session's.
    if (state === "connecting" && this.#shell === null) this.store.clear();
    if (state !== "offline" || this.#shell === null) return;
    this.#leave(error ? plainly("login", error) : "");
  }

  #panes() {
    if (this.#shell === null) return;
    this.#shell.dataset.pane = this.store.active === null ? "list" : "chat";
    if (onePane()) window.scrollTo(0, 0);
  }
}
