/**
 * Between the session and what the client does with it: stanzas go out here, questions
 * find their answers, and what comes in finds who takes it.
 */
import { randomId } from "./bytes.js";
import { Emitter } from "./emitter.js";
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, child, errorOf, xml } from "./xml.js";

export class Wire extends Emitter {
  /** @type {import("./jid.js").Jid|null} ours, once the server has bound it */
  me = null;
  /** @type {(stanza: import("./xml.js").Node) => void} set by the session */
  deliver = () => {
    throw new ClientError("offline");
  };
  #asked = new Map(); // id -> {to, done, failed, timer}
  #questions = new Map(); // "get namespace" -> answer
  #takers = { message: [], presence: [] };

  /**
   * Send a stanza.
   * @param {import("./xml.js").Node} stanza
   */
  send(stanza) {
    // Each stanza names its namespace: a WebSocket frame and a BOSH body have another (RFC 7395 3.3.3).
    this.deliver(stanza.with({ xmlns: NS.CLIENT }));
  }

  /**
   * Ask a question, and wait for the answer.
   * @param {"get"|"set"} type
   * @param {string|null} to null for our own account
   * @param {import("./xml.js").Node} payload
   * @returns {Promise<Element>} the answering iq
   */
  iq(type, to, payload) {
    const id = randomId();
    return new Promise((done, failed) => {
      if (this.#asked.size >= LIMITS.IQS) throw new ClientError("queue-full");
      this.send(xml("iq", { type, id, to }, payload));
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        failed(new ClientError("timeout"));
      }, LIMITS.IQ_SECONDS * 1000);
      this.#asked.set(id, { to, done, failed, timer });
    });
  }

  /** Answer questions about a namespace with what `answer(iq, payload)` gives or throws. */
  answer(type, namespace, answer) {
    this.#questions.set(`${type} ${namespace}`, answer);
  }

  /** Ask `take(stanza)` about each message or presence; the first to return true has it. */
  take(kind, take) {
    this.#takers[kind].push(take);
  }

  /** No answer will come any more: the session has ended. */
  forget() {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { failed, timer } of asked) {
      clearTimeout(timer);
      failed(new ClientError("connection-lost"));
    }
  }

  /** @param {Element} stanza one that came */
  receive(stanza) {
    const kind = stanza.localName;
    try {
      if (kind === "iq") this.#receiveIq(stanza);
      else if (kind === "message" || kind === "presence") {
        this.#takers[kind].some((take) => take(stanza) === true);
      }
    } catch (error) {
      // A stanza nobody foresaw is not worth the stream.
      reportError(error);
    }
  }

  #receiveIq(iq) {
    const type = attribute(iq, "type");
    if (type === "get" || type === "set") {
      this.#reply(iq, type);
      return;
    }
    const id = attribute(iq, "id");
    const asked = this.#asked.get(id);
    // Ids can be guessed by nobody, but an answer is one only from whom was asked.
    if (!asked || !this.#isFrom(iq, asked.to)) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (type === "result") asked.done(iq);
    else asked.failed(errorOf(child(iq, "error"), NS.STANZA_ERROR));
  }

  #isFrom(iq, to) {
    const from = attribute(iq, "from");
    if (to === null) return this.isOurAccount(from);
    return from === to || (from === "" && to === this.me?.domain);
  }

  /** Is it our own account that speaks (RFC 6120 8.1.2.1): no sender, or our own address? */
  isOurAccount(from) {
    return from === "" || from === this.me?.bare || from === this.me?.full || from === this.me?.domain;
  }

  #reply(iq, type) {
    const [payload] = iq.children;
    const answer = this.#questions.get(`${type} ${payload?.namespaceURI}`);
    const reply = { id: attribute(iq, "id"), to: attribute(iq, "from") || null };
    let content;
    try {
      // RFC 6120 8.2.3: a question has one thing in it.
      if (iq.children.length !== 1) throw new ClientError("bad-request");
      if (!answer) throw new ClientError("service-unavailable");
      content = answer(iq, payload);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.send(xml("iq", { ...reply, type: "error" },
        xml("error", { type: error.condition === "bad-request" ? "modify" : "cancel" }, xml(error.condition, { xmlns: NS.STANZA_ERROR }))));
      return;
    }
    this.send(xml("iq", { ...reply, type: "result" }, content));
  }
}
