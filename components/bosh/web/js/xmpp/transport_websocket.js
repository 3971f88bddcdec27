/** XMPP over a WebSocket (RFC 7395). */
import { isSecure } from "./addresses.js";
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { attribute, errorOf, is, parseElement, xml } from "./xml.js";

const SUBPROTOCOL = "xmpp";
const CLOSE_SECONDS = 3;
const REDIRECTS = 3;

export class WebSocketTransport {
  kind = "websocket";
  onelement = () => {};
  onclose = () => {};
  #url;
  #domain;
  #socket = null;
  #opened = null;
  #ended = false;
  #closing = false;
  #redirects = 0;

  /**
   * @param {URL} url
   * @param {string} domain
   */
  constructor(url, domain) {
    this.#url = url;
    this.#domain = domain;
  }

  get secure() {
    return isSecure(this.#url);
  }

  /** Connect, and wait for the server's <open/>. */
  open() {
    return new Promise((done, failed) => {
      const timer = setTimeout(
        () => this.#end(new ClientError("connection-failed")), LIMITS.CONNECT_SECONDS * 1000);
      const settle = (call) => (value) => {
        clearTimeout(timer);
        this.#opened = null;
        call(value);
      };
      this.#opened = { done: settle(done), failed: settle(failed) };
      this.#connect();
    });
  }

  #connect() {
    let socket;
    try {
      socket = new WebSocket(this.#url, SUBPROTOCOL);
    } catch {
      // A page by https may not open ws:, and a policy may forbid it: BOSH may still do.
      this.#end(new ClientError("connection-failed"));
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      // 3.1: whoever has not agreed to XMPP would take all that is said for something else.
      if (socket.protocol === SUBPROTOCOL) this.restart();
      else this.#end(new ClientError("connection-failed"));
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#receive(event.data);
    };
    // A socket that fails tells why to nobody; its close event follows.
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      const condition = this.#opened ? "connection-failed" : "connection-lost";
      this.#end(this.#closing ? null : new ClientError(condition));
    };
  }

  send(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Nothing waits here to be tried again. */
  nudge() {}

  /** Open the stream, for the first time or after SASL (3.4, 3.7). */
  restart() {
    this.send(xml("open", { xmlns: NS.FRAMING, to: this.#domain, version: "1.0", "xml:lang": "en" })
      .toString());
  }

  /** Close the stream, then the socket (3.6). */
  close() {
    if (this.#ended || this.#closing) return;
    this.#closing = true;
    this.#closeStream();
    setTimeout(() => this.#end(null), CLOSE_SECONDS * 1000);
  }

  abort() {
    this.#closing = true;
    this.#end(null);
  }

  #receive(data) {
    if (this.#ended) return;
    let element;
    try {
      // 3.2: text frames only, each one element.
      if (typeof data !== "string") throw new ClientError("bad-xml");
      element = parseElement(data);
    } catch (error) {
      this.#closeStream();
      this.#end(error);
      return;
    }
    if (is(element, "open", NS.FRAMING)) this.#opened?.done();
    else if (is(element, "close", NS.FRAMING)) this.#closed(element);
    else if (is(element, "error", NS.STREAM)) this.#failed(element);
    else this.onelement(element);
  }

  #closeStream() {
    this.send(xml("close", { xmlns: NS.FRAMING }).toString());
  }

  /** RFC 6120 4.9.1.1: who is told of an error closes the stream, too. */
  #failed(element) {
    if (!this.#closing) this.#closeStream();
    this.#end(errorOf(element, NS.STREAM_ERROR));
  }

  #closed(element) {
    if (!this.#closing) this.#closeStream();
    const elsewhere = attribute(element, "see-other-uri");
    if (elsewhere && this.#opened && this.#mayFollow(elsewhere)) {
      this.#redirects += 1;
      const old = this.#socket;
      this.#url = new URL(elsewhere);
      this.#connect();
      old.close();
      return;
    }
    this.#end(this.#closing ? null : new ClientError("connection-lost", "The server closed the stream."));
  }

  /** 3.6.1: never from an address that is safe from listeners to one that is not, nor for ever. */
  #mayFollow(address) {
    if (this.#redirects >= REDIRECTS || !URL.canParse(address)) return false;
    const url = new URL(address);
    return /^wss?:$/.test(url.protocol) && (isSecure(url) || !this.secure);
  }

  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket?.close();
    if (this.#opened) this.#opened.failed(error ?? new ClientError("connection-failed"));
    else this.onclose(error);
  }
}
