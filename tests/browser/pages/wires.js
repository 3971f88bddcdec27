/** The client's transports on fetch and WebSocket that the test answers for. */
import { BoshTransport } from "/js/xmpp/transport_bosh.js";
import { WebSocketTransport } from "/js/xmpp/transport_websocket.js";

const HTTPBIND = "http://jabber.org/protocol/httpbind";

const heard = (transport) => {
  const told = { elements: [], ends: [] };
  transport.onelement = (element) => told.elements.push(element.localName);
  transport.onclose = (error) => told.ends.push(error?.condition ?? null);
  return told;
};

export const tick = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** BOSH: {transport, told, requests: [{attributes, body, answer(xml, status), fail()}]}. */
export function bosh() {
  const requests = [];
  window.fetch = (_url, { body, signal }) => new Promise((resolve, reject) => {
    const { documentElement } = new DOMParser().parseFromString(body, "text/xml");
    const attributes = Object.fromEntries([...documentElement.attributes].map((a) => [a.name, a.value]));
    requests.push({
      attributes, body,
      answer: (content = "", more = "", status = 200) =>
        resolve(new Response(`<body xmlns="${HTTPBIND}" ${more}>${content}</body>`, { status })),
      fail: () => reject(new TypeError("Failed to fetch")),
    });
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const transport = new BoshTransport(new URL("http://localhost/http-bind"), "verona.lit");
  return { transport, requests, told: heard(transport) };
}

/** A session: the same, after its first answer. */
export async function session(more = 'requests="2" hold="1" polling="5" inactivity="30"') {
  const all = bosh();
  const opened = all.transport.open();
  all.requests[0].answer("", `sid="some" wait="60" ${more}`);
  await opened;
  await tick();
  return all;
}

/** WebSocket: {transport, told, sockets: [{url, protocol, sent, open(), say(data), drop()}]}. */
export function websocket(url = "wss://verona.lit/ws") {
  const sockets = [];
  window.WebSocket = class {
    static OPEN = 1;

    constructor(address, protocol) {
      Object.assign(this, { url: String(address), protocol, sent: [], readyState: 0, closed: false });
      sockets.push(this);
    }

    open() { this.readyState = 1; this.onopen(); }

    say(data) { this.onmessage({ data }); }

    drop() { this.readyState = 3; this.onclose({}); }

    send(text) { this.sent.push(text); }

    close() { this.closed = true; }
  };
  const transport = new WebSocketTransport(new URL(url), "verona.lit");
  const result = { state: "opening" };
  const opened = transport.open().then(
    () => { result.state = "open"; },
    (error) => { result.state = error.condition; });
  return { transport, sockets, told: heard(transport), opened, result };
}
