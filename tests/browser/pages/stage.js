/** A client on a transport with nobody behind it but the test: its server's lines are spoken here. */
import { Client, ClientError } from "/js/xmpp/client.js";
import { deriveKeys } from "/js/xmpp/scram.js";
import { parseElement } from "/js/xmpp/xml.js";

const FEATURES = (inside) =>
  `<stream:features xmlns:stream="http://etherx.jabber.org/streams">${inside}</stream:features>`;
const SASL = "urn:ietf:params:xml:ns:xmpp-sasl";
const MECHANISMS = (name) => `<mechanisms xmlns="${SASL}"><mechanism>${name}</mechanism></mechanisms>`;
const BIND = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>';
const SM = "urn:xmpp:sm:3";
const PASSWORD = "wherefore";
export const ME = "romeo@verona.lit";

/** What the server answers by itself, so that a test need not. */
function automatic(element, { roster, sm, answers }) {
  const id = element.getAttribute("id");
  const [payload] = element.children;
  const to = element.getAttribute("to");
  const from = to ? ` from="${to}"` : "";
  const result = (content) => `<iq xmlns="jabber:client" type="result" id="${id}"${from}>${content}</iq>`;
  if (element.localName === "auth") return `<success xmlns="${SASL}"/>`;
  if (element.localName === "enable") return `<enabled xmlns="${SM}" id="some" resume="true"/>`;
  if (element.localName === "resume") return sm.resume;
  if (element.localName === "r") return sm.h === null ? null : `<a xmlns="${SM}" h="${sm.h}"/>`;
  if (element.localName !== "iq" || !payload) return null;
  if (payload.localName === "session") return result("");
  const given = element.getAttribute("type") === "error" ? null : answers(element);
  if (given !== null) return given.startsWith("<error") ? result(given).replace("result", "error") : result(given);
  if (payload.localName === "bind") {
    return result(`<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>${ME}/orchard</jid></bind>`);
  }
  if (payload.namespaceURI === "jabber:iq:roster") return result(`<query xmlns="jabber:iq:roster">${roster}</query>`);
  if (payload.localName === "vCard") return result('<vCard xmlns="vcard-temp"/>');
  if (["urn:xmpp:carbons:2", "jabber:iq:register"].includes(payload.namespaceURI)) return result("");
  return null;
}

/** The server's side of SCRAM-SHA-256, for one password and without a look at the proof. */
class Scram {
  constructor(stage) {
    this.stage = stage;
  }

  async answer(element) {
    const { password, salt } = this.stage;
    const said = atob(element.textContent);
    if (element.localName === "auth") {
      this.bare = said.replace("n,,", "");
      this.first = `r=${/r=([^,]+)/.exec(said)[1]}server,s=${btoa(salt)},i=4096`;
      return `<challenge xmlns="${SASL}">${btoa(this.first)}</challenge>`;
    }
    const { serverKey } = await deriveKeys("SCRAM-SHA-256", password, btoa(salt), 4096);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", serverKey, algorithm, false, ["sign"]);
    const message = `${this.bare},${this.first},${said.replace(/,p=.*/, "")}`;
    const proof = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(message));
    const final = `v=${btoa(String.fromCharCode(...new Uint8Array(proof)))}`;
    return `<success xmlns="${SASL}">${btoa(final)}</success>`;
  }
}

class Transport {
  kind = "stage";
  secure = true;
  onelement = () => {};
  onclose = () => {};

  constructor(stage) {
    this.stage = stage;
    this.scram = new Scram(stage);
  }

  async open() {
    this.say(FEATURES(MECHANISMS(this.stage.mechanism) + (this.stage.first ?? "")));
  }

  restart() {
    const { features = "", sm } = this.stage;
    this.say(FEATURES(BIND + features + (sm ? `<sm xmlns="${SM}"/>` : "")));
  }

  send(text) {
    const element = parseElement(text);
    this.stage.sent.push(text);
    if (element.namespaceURI === SASL && this.stage.mechanism !== "PLAIN") {
      this.scram.answer(element).then((answer) => this.say(answer));
      return;
    }
    const answer = automatic(element, this.stage);
    if (answer) queueMicrotask(() => this.say(answer));
  }

  say(text) {
    this.onelement(parseElement(text));
  }

  nudge() {}

  close() {
    this.onclose(null);
  }

  abort() {
    this.onclose(null);
  }
}

/**
 * A client that is logged in: {client, events, sent, say(xml), drop(error)}.
 *
 * Its `password` and `salt` can be changed, as by somebody who sets another one.
 *
 * Its `answers(iq)` are what questions get besides: content, an error, or null.
 *
 * With `sm` the server counts stanzas: {h: what it acknowledges or null, resume: its answer}.
 */
export async function stage(roster = "", sm = null, mechanism = "SCRAM-SHA-256") {
  const set = { sent: [], events: [], roster, sm, mechanism, password: PASSWORD, salt: "salt",
    answers: () => null };
  const open = async (_options, prepare) => {
    const transport = new Transport(set);
    set.say = (text) => transport.say(text);
    set.drop = (condition) => transport.onclose(new ClientError(condition));
    prepare(transport);
    await transport.open();
    return transport;
  };
  const client = new Client({ domain: "verona.lit", open });
  for (const name of ["state", "message", "receipt", "failed", "contact", "chatstate", "invitation", "unasked",
    "room", "occupant", "subject"]) {
    client.on(name, (event) => set.events.push({ name, ...event }));
  }
  await client.login("romeo", PASSWORD);
  await new Promise((resolve) => setTimeout(resolve, 0));
  set.sent.length = 0;
  set.events.length = 0;
  return Object.assign(set, { client, settled: () => new Promise((resolve) => setTimeout(resolve, 0)) });
}
