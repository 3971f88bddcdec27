/**
 * The session: from the first login to the last word, over as many connections as it takes.
 *
 * A lost connection is made again, with growing pauses; the session resumes where the server
 * still has it (XEP-0198 5), and begins anew where not. No password is kept for that: the
 * SCRAM keys derived from it are, in memory, until logout. Those of a new password can't be
 * derived before the server tells its salt: until the next connection the browser holds it
 * sealed, where nothing can read it.
 */
import { Acks } from "./acks.js";
import { randomId } from "./bytes.js";
import { ClientError } from "./errors.js";
import { parseJid } from "./jid.js";
import { LIMITS } from "./limits.js";
import { Liveness } from "./liveness.js";
import { loginName } from "./names.js";
import { NS } from "./ns.js";
import { Pause } from "./pause.js";
import { authenticate, requireCryptography } from "./sasl.js";
import { seal } from "./scram.js";
import { Stream } from "./stream.js";
import { child, errorOf, is, xml } from "./xml.js";

/** After these no new attempt would end better. */
const FINAL = new Set([
  "account-disabled", "conflict", "credentials-expired", "host-unknown", "insecure-context",
  "no-mechanism", "not-authorized", "password-needed", "server-unverified",
]);
const SETTLED = 30_000; // milliseconds after which a connection counts as a good one

export class Session {
  /** Called with the stream's features when a new session begins; a resumed one has its state. */
  onstart = async (_features) => {};
  #wire;
  #options;
  #state = "offline";
  #account = null; // {username, mechanism, keys, password}: the last sealed, and null but after a change
  #resource = `web-${randomId().slice(0, 8)}`;
  #stream = null; // while it runs
  #acks = new Acks();
  #outbox = []; // messages for the session to come
  #pause = new Pause();
  #live;
  #attempt = 0; // counts logins and logouts: what an older one does, it does for nothing

  constructor(wire, options) {
    this.#wire = wire;
    this.#options = options;
    this.#live = new Liveness(() => this.#probe(), () => this.#stream?.abort());
    wire.deliver = (stanza) => this.#deliver(stanza);
    globalThis.addEventListener?.("online", () => {
      this.#pause.end();
      this.#stream?.nudge();
      this.#doubt();
    });
    // The network is gone, which need not be the one that leads to the server.
    globalThis.addEventListener?.("offline", () => this.#doubt());
    // A page that goes says so, or its contacts would wait for it to time out.
    globalThis.addEventListener?.("pagehide", (event) => {
      if (event.persisted) return;
      this.#acknowledge();
      this.#stream?.close();
    });
  }

  get state() {
    return this.#state;
  }

  get transport() {
    return this.#stream?.kind ?? null;
  }

  async login(username, password) {
    if (this.#state !== "offline") throw new ClientError("conflict", "Already logged in, or about to be.");
    const account = { username: loginName(username, this.#options.domain), password };
    const attempt = ++this.#attempt;
    this.#acks = new Acks();
    this.#change("connecting");
    try {
      requireCryptography();
      await this.#connect(account, attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#forget();
      throw error;
    }
  }

  async logout() {
    this.#attempt += 1;
    const stream = this.#stream;
    this.#acknowledge();
    this.#forget();
    stream?.close();
    await stream?.ended;
  }

  /** Say what has come, or the server would keep it for the next time (XEP-0198 4). */
  #acknowledge() {
    if (this.#acks.on) this.#stream?.send(this.#acks.answer());
  }

  /**
   * Have the account's password changed; the next connection needs the new one.
   * @param {string} password
   * @param {() => Promise<void>} change
   */
  async renew(password, change) {
    const attempt = this.#attempt;
    const sealed = await seal(password);
    await change();
    // What no keys were kept of is asked for as before.
    if (attempt !== this.#attempt || !this.#account?.mechanism) return;
    this.#account = { ...this.#account, keys: undefined, password: sealed };
  }

  async #connect(account, attempt) {
    const stream = await Stream.open(this.#options);
    try {
      const keys = await authenticate(stream, await stream.features(), account);
      this.#check(attempt);
      this.#account = { username: account.username, mechanism: keys?.mechanism, keys };
      const features = await stream.restart();
      this.#check(attempt);
      if (!(await this.#resume(stream, features))) await this.#begin(stream, features, attempt);
      this.#check(attempt);
    } catch (error) {
      if (this.#stream === stream) this.#stream = null;
      stream.close();
      throw error;
    }
    this.#change("online");
    this.#watch(stream, Date.now(), attempt);
  }

  /** Whoever has logged out meanwhile is not logged in by what had begun before. */
  #check(attempt) {
    if (attempt !== this.#attempt) throw new ClientError("offline");
  }

  /** @returns {Promise<boolean>} does the session go on? */
  async #resume(stream, features) {
    if (!this.#acks.id || !child(features, "sm", NS.SM)) return false;
    stream.send(this.#acks.resumption());
    const answer = await stream.next();
    this.#acks.acknowledge(answer);
    if (!is(answer, "resumed", NS.SM)) return false;
    this.#run(stream);
    for (const stanza of this.#acks.again()) stream.send(stanza);
    if (this.#acks.waiting) stream.send(this.#acks.ask());
    return true;
  }

  async #begin(stream, features, attempt) {
    this.#wire.forget();
    // Kept here until they are sent: this connection may be lost as well.
    this.#outbox.unshift(...this.#acks.leave());
    this.#acks = new Acks();
    const me = await this.#bind(stream, features);
    this.#check(attempt);
    this.#wire.me = me;
    const early = child(features, "sm", NS.SM) ? await this.#enable(stream) : [];
    this.#check(attempt);
    this.#run(stream, early);
    // The connection may go while the session is begun, and nothing would answer then.
    const lost = stream.ended.then((error) => {
      throw error ?? new ClientError("connection-lost");
    });
    await Promise.race([this.onstart(features), lost]);
    for (const stanza of this.#outbox.splice(0)) this.#deliver(stanza);
  }

  async #bind(stream, features) {
    const ask = async (payload) => {
      const id = randomId();
      stream.send(xml("iq", { xmlns: NS.CLIENT, type: "set", id }, payload));
      const answer = await stream.next();
      if (answer.getAttribute("type") !== "result") throw errorOf(child(answer, "error"), NS.STANZA_ERROR);
      return answer;
    };
    const bound = await ask(xml("bind", { xmlns: NS.BIND }, xml("resource", null, this.#resource)));
    // RFC 3921 3 asked for a session; RFC 6121 lets servers say that it is not needed.
    const session = child(features, "session", NS.SESSION);
    if (session && !child(session, "optional")) await ask(xml("session", { xmlns: NS.SESSION }));
    return parseJid(child(child(bound, "bind", NS.BIND), "jid", NS.BIND)?.textContent ?? "");
  }

  /** @returns {Promise<Element[]>} what came before the server began to count */
  async #enable(stream) {
    stream.send(this.#acks.request());
    const early = [];
    for (;;) {
      const element = await stream.next();
      if (this.#acks.enabled(element)) return early;
      early.push(element);
    }
  }

  #run(stream, early = []) {
    this.#stream = stream;
    const acks = this.#acks;
    for (const element of early) this.#wire.receive(element);
    stream.run((element) => {
      this.#live.heard();
      try {
        if (acks.receive(element, (answer) => stream.send(answer))) return;
      } catch (error) {
        stream.abort(error);
        return;
      }
      this.#wire.receive(element);
    });
  }

  async #watch(stream, since, attempt) {
    this.#live.start();
    const error = await stream.ended;
    if (attempt !== this.#attempt) return;
    this.#live.stop();
    this.#stream = null;
    if (Date.now() - since > SETTLED) this.#pause.reset();
    // What the server's rules refuse they refuse again: it must not be sent for ever.
    if (error?.condition === "policy-violation") this.#refused(error);
    if (error && FINAL.has(error.condition)) this.#forget(error);
    else await this.#reconnect(attempt);
  }

  #refused(error) {
    for (const stanza of [...this.#acks.leave(), ...this.#outbox.splice(0)]) {
      this.#wire.emit("unsent", { stanza, error });
    }
  }

  async #reconnect(attempt) {
    this.#change("reconnecting");
    while (attempt === this.#attempt) {
      await this.#pause.wait();
      if (attempt !== this.#attempt) return;
      try {
        await this.#connect({ ...this.#account }, attempt);
        return;
      } catch (error) {
        if (attempt !== this.#attempt) return;
        if (!(error instanceof ClientError) || FINAL.has(error.condition)) {
          this.#forget(error);
          return;
        }
      }
    }
  }

  #deliver(stanza) {
    if (this.#stream) {
      if (this.#acks.on) this.#acks.hold(stanza);
      this.#stream.send(stanza);
      if (this.#acks.on) this.#live.sent();
    } else if (this.#state === "offline") {
      throw new ClientError("offline");
    } else if (this.#acks.id) {
      // The session may go on, and the stanza with it.
      this.#acks.hold(stanza);
    } else if (stanza.name === "message" && this.#outbox.length < LIMITS.UNACKED) {
      this.#outbox.push(stanza);
    } else {
      throw new ClientError(stanza.name === "message" ? "queue-full" : "connection-lost");
    }
  }

  #doubt() {
    if (this.#state === "online") this.#live.doubt();
  }

  /** Make the server say something. */
  #probe() {
    if (this.#acks.on) this.#stream?.send(this.#acks.ask());
    else this.#wire.iq("get", this.#wire.me.domain, xml("ping", { xmlns: NS.PING })).catch(() => {});
  }

  #forget(error) {
    this.#account = null;
    this.#stream = null;
    this.#live.stop();
    this.#pause.reset();
    this.#pause.end();
    if (error) this.#refused(error);
    else this.#acks.leave();
    this.#outbox = [];
    this.#wire.forget();
    this.#change("offline", error);
  }

  #change(state, error) {
    if (state === this.#state) return;
    this.#state = state;
    this.#wire.emit("state", error ? { state, error } : { state });
  }
}
