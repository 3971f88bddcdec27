// A person with one strophe.js connection, as `person`; the tests call its methods.

const NAMES = Object.fromEntries(Object.entries(Strophe.Status).map(([name, n]) => [n, name]));
const FINAL = new Set(["CONNECTED", "ATTACHED", "AUTHFAIL", "CONNFAIL", "DISCONNECTED", "CONNTIMEOUT"]);

class Person {
  heard = []; // each stanza that came, as text
  states = []; // each status that the connection was in

  make(service, options) {
    this.connection = new Strophe.Connection(service, options);
    this.connection.xmlInput = (element) => this.#hear(element);
  }

  // BOSH shows whole bodies, WebSocket each stanza.
  #hear(element) {
    const inside = element.nodeName === "body" ? [...element.childNodes] : [element];
    this.heard.push(...inside.map((each) => Strophe.serialize(each)));
  }

  // The status that the attempt ends in.
  #settled(begin) {
    return new Promise((resolve) => {
      begin((status) => {
        const name = NAMES[status];
        this.states.push(name);
        if (FINAL.has(name)) resolve(name);
      });
    });
  }

  connect(jid, password, wait, hold) {
    return this.#settled((told) => this.connection.connect(jid, password, told, wait, hold));
  }

  // By a new connection: one that is not taken up within 100 ms of its making never asks for anything.
  restore(service, options, jid) {
    this.make(service, options);
    return this.#settled((told) => this.connection.restore(jid, told));
  }

  send(text) {
    this.connection.send(new DOMParser().parseFromString(text, "text/xml").documentElement);
  }

  // The answer to a request, as text.
  ask(text) {
    const request = new DOMParser().parseFromString(text, "text/xml").documentElement;
    return new Promise((resolve) => {
      const told = (answer) => resolve(answer === null ? "no answer" : Strophe.serialize(answer));
      this.connection.sendIQ(request, told, told, 60_000);
    });
  }

  // The ids of the requests of BOSH that are under way, and the next one's.
  get rids() {
    const { _requests, rid } = this.connection._proto;
    return [..._requests.map((each) => each.rid), rid];
  }

  // The socket goes, the stream does not end.
  cut() {
    this.connection._proto.socket.close();
  }
}

window.person = new Person();
