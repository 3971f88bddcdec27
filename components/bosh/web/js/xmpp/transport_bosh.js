/** XMPP over BOSH (XEP-0124, XEP-0206): the fallback where a WebSocket can't be opened. */
import { isSecure } from "./addresses.js";
import { randomBytes } from "./bytes.js";
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { Soon } from "./soon.js";
import { attribute, child, errorOf, is, parseElement, xml } from "./xml.js";

const WAIT = 60; // seconds the server may hold a request
const GRACE = 15; // seconds after those until a request counts as lost
const BODY = 16 * 1024; // characters after which no more stanzas are put in a request
const CLOSE_SECONDS = 3;
const SLOWEST_RETRY = 8; // seconds
// XEP-0124 17.1: what these say is final. Others come from what stands between, and pass.
const FINAL = new Map([[400, "bad-request"], [403, "policy-violation"], [404, "connection-lost"]]);

export class BoshTransport {
  kind = "bosh";
  onelement = () => {};
  onclose = () => {};
  #url;
  #domain;
  #rid = firstRid();
  #sid = null;
  #next; // the rid whose answer comes next
  #requests = 1; // how many may be open at once
  #hold = 1;
  #polling = 5; // seconds between empty requests of a session that holds none
  #inactivity = 30; // seconds without a request after which the session is gone
  #outgoing = [];
  #open = new Map(); // rid -> {body, keepalive, controller, tries, since, timer}
  #answers = new Map(); // rid -> answer that waits for those before it
  #soon = new Soon(() => this.#pump()); // what is sent in one go goes in one request
  #poll = null; // the timer of the next empty request
  #ended = false;
  #closing = false;
  #restarting = false;

  /**
   * @param {URL} url
   * @param {string} domain
   */
  constructor(url, domain) {
    this.#url = url;
    this.#domain = domain;
    this.#next = this.#rid;
  }

  get secure() {
    return isSecure(this.#url);
  }

  /** Make the session (7). */
  async open() {
    const body = this.#body({ content: "text/xml; charset=utf-8", hold: 1, to: this.#domain, wait: WAIT,
      ver: "1.11", "xml:lang": "en", "xmpp:version": "1.0", "xmlns:xmpp": NS.XBOSH });
    const rid = this.#rid++;
    let answer;
    try {
      answer = await this.#post(body.with({ rid }).toString(), LIMITS.CONNECT_SECONDS, new AbortController());
    } catch {
      throw new ClientError("connection-failed");
    }
    if (attribute(answer, "type") === "terminate") throw ending(answer);
    this.#sid = attribute(answer, "sid");
    if (!this.#sid) throw new ClientError("connection-failed");
    this.#requests = number(answer, "requests", 2, 1, 10);
    this.#hold = number(answer, "hold", 1, 0, 10);
    this.#polling = number(answer, "polling", 5, 1, 120);
    this.#inactivity = number(answer, "inactivity", 30, 5, 600);
    this.#next = rid + 1;
    for (const element of answer.children) this.#deliver(element);
    this.#soon.ask();
  }

  send(text) {
    this.#outgoing.push(text);
    this.#soon.ask();
  }

  /** Open the stream anew (XEP-0206 5): a request of its own, with nothing in it. */
  restart() {
    this.#restarting = true;
    this.#soon.ask();
  }

  /** End the session (13), with what still waits to be sent. */
  close() {
    if (this.#ended || this.#closing) return;
    this.#closing = true;
    if (!this.#sid) {
      this.#end(null);
      return;
    }
    // It may go over the number of requests at once (11), and has to outlive the page.
    this.#request({ type: "terminate" }, true);
    setTimeout(() => this.#end(null), CLOSE_SECONDS * 1000);
  }

  abort() {
    this.#closing = true;
    this.#end(null);
  }

  #pump() {
    if (!this.#sid || this.#ended || this.#closing) return;
    if (this.#restarting && this.#open.size < this.#requests) {
      this.#restarting = false;
      const restart = { to: this.#domain, "xml:lang": "en", "xmpp:restart": "true", "xmlns:xmpp": NS.XBOSH };
      this.#request(restart, false, []);
    }
    if (!this.#restarting && this.#outgoing.length && this.#open.size < this.#requests) this.#request({});
    // One request is always there for the server to answer. Where it has one an empty one is not
    // sent: it would be overactivity (11).
    if (this.#open.size === 0) this.#request({});
  }

  /** What goes in one request: a server takes bodies of a certain size only. */
  #take() {
    let size = 0;
    let count = 0;
    while (count < this.#outgoing.length && (count === 0 || size < BODY)) {
      size += this.#outgoing[count].length;
      count += 1;
    }
    return this.#outgoing.splice(0, count);
  }

  #request(attributes, keepalive = false, payload = this.#take()) {
    const rid = this.#rid++;
    const empty = this.#body({ ...attributes, sid: this.#sid, rid }).toString();
    // The payload is XML already.
    const body = payload.length ? `${empty.slice(0, -2)}>${payload.join("")}</body>` : empty;
    const request = { body, keepalive, controller: null, tries: 0, since: null, timer: null };
    this.#open.set(rid, request);
    this.#try(rid, request);
  }

  async #try(rid, request) {
    const controller = new AbortController();
    request.controller = controller;
    let answer;
    try {
      answer = await this.#post(request.body, WAIT + GRACE, controller, request.keepalive);
    } catch (error) {
      // One that was replaced by its own repetition has nothing to say.
      if (request.controller === controller) this.#failed(rid, request, error);
      return;
    }
    if (request.controller !== controller || this.#ended) return;
    if (attribute(answer, "type") === "error") this.#repeat(rid);
    else this.#answered(rid, answer);
  }

  /** The same body with the same rid (14.3): the server answers again what it answered. */
  #failed(rid, request, error) {
    if (this.#ended) return;
    request.since ??= Date.now();
    const late = Date.now() - request.since > this.#inactivity * 1000;
    if (error instanceof ClientError || late) {
      this.#end(error instanceof ClientError ? error : new ClientError("connection-lost"));
      return;
    }
    request.tries += 1;
    const delay = Math.min(2 ** (request.tries - 1), SLOWEST_RETRY) * (0.75 + Math.random() / 2);
    request.timer = setTimeout(() => this.#retry(rid, request), delay * 1000);
  }

  #retry(rid, request) {
    clearTimeout(request.timer);
    request.timer = null;
    if (!this.#ended && this.#open.get(rid) === request) this.#try(rid, request);
  }

  /** The network is back: what waits to be tried again is tried now. */
  nudge() {
    for (const [rid, request] of this.#open) if (request.timer !== null) this.#retry(rid, request);
  }

  /** 17.3: the request, and those before it that have no answer yet. */
  #repeat(rid) {
    for (const [other, request] of this.#open) {
      if (other > rid) continue;
      const controller = request.controller;
      request.controller = null;
      if (other !== rid) controller?.abort();
      this.#failed(other, request, null);
    }
  }

  /** Answers are taken in the order of their requests, whatever order they come in (14.2). */
  #answered(rid, answer) {
    this.#open.delete(rid);
    this.#answers.set(rid, answer);
    let empty = true;
    while (this.#answers.has(this.#next)) {
      const body = this.#answers.get(this.#next);
      this.#answers.delete(this.#next);
      this.#next += 1;
      empty = empty && body.children.length === 0;
      for (const element of body.children) this.#deliver(element);
      if (attribute(body, "type") === "terminate") {
        this.#end(this.#closing ? null : ending(body));
        return;
      }
    }
    if (this.#closing && this.#open.size === 0) {
      this.#end(null);
      return;
    }
    const polls = this.#hold === 0 || this.#requests === 1;
    if (polls && empty && !this.#outgoing.length && !this.#restarting) this.#pollLater();
    else this.#soon.ask();
  }

  /** A server that holds nothing answers at once, and is asked at its own pace (12). */
  #pollLater() {
    clearTimeout(this.#poll);
    this.#poll = setTimeout(() => this.#soon.ask(), this.#polling * 1000);
  }

  #deliver(element) {
    if (this.#ended) return;
    if (is(element, "error", NS.STREAM)) this.#end(errorOf(element, NS.STREAM_ERROR));
    else this.onelement(element);
  }

  #body(attributes) {
    return xml("body", { xmlns: NS.HTTPBIND, ...attributes });
  }

  async #post(body, seconds, controller, keepalive = false) {
    const timer = setTimeout(() => controller.abort(), seconds * 1000);
    try {
      const response = await fetch(this.#url, {
        method: "POST", body, keepalive, signal: controller.signal,
        headers: { "Content-Type": "text/xml; charset=utf-8" },
        cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      });
      const final = FINAL.get(response.status);
      if (final) throw new ClientError(final);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const answer = parseElement(await response.text());
      if (!is(answer, "body", NS.HTTPBIND)) throw new ClientError("bad-xml");
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#poll);
    this.#soon.close();
    // A request to terminate goes on by itself.
    for (const { controller, keepalive } of this.#open.values()) if (!keepalive) controller?.abort();
    this.#open.clear();
    this.onclose(error);
  }
}

/** 14.1: large and random, with room to count up to 2^53 - 1. */
function firstRid() {
  return randomBytes(6).reduce((number, byte) => number * 256 + byte, 0) + 1;
}

function number(element, name, otherwise, least, most) {
  const value = Number.parseInt(attribute(element, name), 10);
  return Number.isNaN(value) ? otherwise : Math.min(Math.max(value, least), most);
}

/** Conditions of 17.2 that say something to a person, or to whoever comes back. */
const TOLD = new Set(["host-unknown", "policy-violation"]);

/** Why the server ended the session (17.2). */
function ending(body) {
  const error = child(body, "error", NS.STREAM);
  if (error) return errorOf(error, NS.STREAM_ERROR);
  const condition = attribute(body, "condition");
  return new ClientError(TOLD.has(condition) ? condition : "connection-lost");
}
