/** The first page: log in, or make an account. */

import { h, setText } from "./dom.js";
import { plainly } from "./errors.js";

const MODES = {
  login: {
    title: "Log in",
    action: "Log in",
    busy: "Logging in…",
    password: "current-password",
    other: "New here? Create an account",
    lead: "Chat with people here and on every other XMPP server.",
  },
  register: {
    title: "Create an account",
    action: "Create account",
    busy: "Creating your account…",
    password: "new-password",
    other: "Have an account? Log in",
    lead: "Choose a username and a password; that is all it takes.",
  },
};

/** The form, and what it says when something is wrong. */
export class Login {
  #client;
  #config;
  #done;
  #mode = "login";
  #parts;

  /**
   * @param {import("../xmpp/client.js").Client} client
   * @param {object} config what config.json says
   * @param {() => void} done called when somebody is logged in
   */
  constructor(client, config, done) {
    this.#client = client;
    this.#config = config;
    this.#done = done;
    this.element = this.#make();
    this.#show("login");
    this.#offer();
  }

  /** Put the cursor where typing begins. */
  focus() {
    this.#parts.username.focus();
  }

  /**
   * Say what is wrong.
   * @param {string} text
   */
  tell(text) {
    setText(this.#parts.error, text);
    this.#parts.error.hidden = text === "";
  }

  #make() {
    const username = h("input", {
      id: "username", name: "username", type: "text", autocomplete: "username", autocapitalize: "none",
      autocorrect: "off", spellcheck: "false", required: true, "aria-describedby": "username-hint",
    });
    const password = h("input", { id: "password", name: "password", type: "password", required: true });
    const show = h("button", { type: "button", class: "link reveal", "aria-pressed": "false", "aria-label": "Show password", text: "Show" });
    show.addEventListener("click", () => this.#reveal(password.type === "password"));
    const error = h("p", { class: "error", role: "alert", hidden: true });
    const submit = h("button", { type: "submit", class: "primary wide" });
    const title = h("h1", {});
    const lead = h("p", { class: "lead" });
    const other = h("button", { type: "button", class: "link" });
    other.addEventListener("click", () => this.#show(this.#mode === "login" ? "register" : "login", true));
    // It has its place before it is known what stands there.
    const way = h("p", { class: "other unknown" }, other);
    const form = h("form", { novalidate: true, on: { submit: (event) => this.#submit(event) } },
      error,
      h("div", { class: "field" },
        h("label", { for: "username", text: "Username" }),
        username,
        h("p", { class: "hint", id: "username-hint", text: `Your address is username@${this.#config.domain}` }),
      ),
      h("div", { class: "field" },
        h("label", { for: "password", text: "Password" }),
        h("div", { class: "with-button" }, password, show),
      ),
      submit,
    );
    username.addEventListener("input", () => this.#hint());
    this.#parts = { username, password, show, error, submit, title, lead, other, way, form };
    return h("main", { class: "login" },
      h("div", { class: "login-card" },
        h("img", { class: "mark", src: "icon.svg", alt: "", width: "52", height: "52" }),
        title,
        h("p", { class: "domain" }, h("bdi", { text: this.#config.domain })),
        lead,
        form,
        way,
      ),
    );
  }

  /** Nobody is to fill in a form that the server does not take. */
  async #offer() {
    const { way } = this.#parts;
    if (await this.#takesAccounts()) way.classList.remove("unknown");
    else way.replaceWith(h("p", { class: "hint", text: "Accounts on this server are made by the people who run it." }));
  }

  async #takesAccounts() {
    if (typeof this.#config.register === "boolean") return this.#config.register;
    try {
      return await this.#client.offersAccounts();
    } catch (error) {
      // What is wrong is told to who tries.
      console.warn("offersAccounts:", error);
      return true;
    }
  }

  #hint() {
    const { username } = this.#parts;
    const typed = username.value.trim();
    const hint = this.element.querySelector("#username-hint");
    if (typed.includes("@")) hint.textContent = `Your address is ${typed}`;
    else hint.textContent = `Your address is ${typed || "username"}@${this.#config.domain}`;
  }

  #reveal(shown) {
    const { password, show } = this.#parts;
    password.type = shown ? "text" : "password";
    show.textContent = shown ? "Hide" : "Show";
    show.setAttribute("aria-label", shown ? "Hide password" : "Show password");
    show.setAttribute("aria-pressed", String(shown));
  }

  #show(mode, byHand = false) {
    this.#mode = mode;
    const { title, lead, submit, other, password } = this.#parts;
    const words = MODES[mode];
    title.textContent = words.title;
    lead.textContent = words.lead;
    submit.textContent = words.action;
    other.textContent = words.other;
    password.autocomplete = words.password;
    password.setAttribute("autocomplete", words.password);
    this.tell("");
    if (byHand) this.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const { username, password } = this.#parts;
    const name = username.value.trim();
    const missing = name === "" ? username : password.value === "" ? password : null;
    username.setAttribute("aria-invalid", String(missing === username));
    password.setAttribute("aria-invalid", String(missing === password));
    if (missing !== null) {
      this.tell(missing === username ? "Type your username." : "Type your password.");
      missing.focus();
      return;
    }
    await this.#try(name, password.value);
  }

  async #try(name, secret) {
    const mode = this.#mode;
    this.tell("");
    this.#busy(true);
    let tried = mode;
    try {
      if (mode === "register") {
        await this.#client.register({ username: this.#own(name), password: secret });
        tried = "login";
      }
      await this.#client.login(name, secret);
    } catch (error) {
      if (tried !== mode) this.#show("login");
      this.#busy(false);
      this.#failed(tried, error);
      return;
    }
    this.#parts.password.value = "";
    this.#reveal(false);
    this.#busy(false);
    this.#done();
  }

  /** Who makes an account may type the whole address; the form asks for its first half. */
  #own(name) {
    const end = `@${this.#config.domain}`;
    return name.endsWith(end) ? name.slice(0, -end.length) : name;
  }

  #failed(tried, error) {
    const { username, password } = this.#parts;
    console.warn(`${tried}:`, error);
    this.tell(plainly(tried, error));
    const whose = error.condition === "conflict" || error.condition === "jid-malformed" ? username : password;
    // A wrong password is typed anew; one that met a dead server is kept to try again.
    if (error.condition === "not-authorized") password.value = "";
    whose.focus();
    whose.select();
  }

  #busy(busy) {
    const { submit, form, other } = this.#parts;
    submit.textContent = busy ? MODES[this.#mode].busy : MODES[this.#mode].action;
    form.setAttribute("aria-busy", String(busy));
    submit.disabled = busy;
    other.disabled = busy;
  }
}
