/** One stream on one transport: first asked for one element after the other, then let run. */
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { NS } from "./ns.js";
import { is } from "./xml.js";

const PATIENCE = 30; // seconds for an answer while the stream is being set up

export class Stream {
  #transport = null;
  #queue = [];
  #waiting = null;
  #take = null;
  #over = null; // {error} once it has ended
  #end;
  /** Resolved with what ended it: an error, or null where it ended in order. */
  ended = new Promise((resolve) => {
    this.#end = resolve;
  });

  /** @param {import("./client.js").ClientOptions} options */
  static async open(options) {
    const stream = new Stream();
    await options.open(options, (transport) => {
      // One that can't be opened is followed by another, and counts no more.
      stream.#transport = transport;
      stream.#queue = [];
      stream.#over = null;
      transport.onelement = (element) => {
        if (transport === stream.#transport) stream.#received(element);
      };
      transport.onclose = (error) => {
        if (transport === stream.#transport) stream.#closed(error);
      };
    });
    if (stream.#over) throw stream.#over.error ?? new ClientError("connection-failed");
    return stream;
  }

  get secure() {
    return this.#transport.secure;
  }

  get kind() {
    return this.#transport.kind;
  }

  /** @param {import("./xml.js").Node|string} element */
  send(element) {
    this.#transport.send(element.toString());
  }

  /** The next element; for setting the stream up. */
  next(seconds = PATIENCE) {
    if (this.#queue.length) return Promise.resolve(this.#queue.shift());
    if (this.#over) return Promise.reject(this.#over.error ?? new ClientError("connection-lost"));
    return new Promise((done, failed) => {
      const timer = setTimeout(() => {
        this.#waiting = null;
        failed(new ClientError("timeout"));
      }, seconds * 1000);
      this.#waiting = {
        done: (element) => { clearTimeout(timer); done(element); },
        failed: (error) => { clearTimeout(timer); failed(error); },
      };
    });
  }

  /** The features the server offers next (RFC 6120 4.3.2). */
  async features() {
    const element = await this.next();
    if (!is(element, "features", NS.STREAM)) throw new ClientError("connection-failed");
    return element;
  }

  /** Begin again on the same transport, and see what is offered now. */
  restart() {
    this.#transport.restart();
    return this.features();
  }

  /** From here on each element goes to `take`, beginning with those that wait. */
  run(take) {
    this.#take = take;
    for (const element of this.#queue.splice(0)) take(element);
  }

  nudge() {
    this.#transport.nudge();
  }

  close() {
    this.#transport.close();
  }

  /** Give it up without a word; `error` is what ended it. */
  abort(error = new ClientError("connection-lost")) {
    this.#closed(error);
    this.#transport.abort();
  }

  #received(element) {
    if (this.#over) return;
    if (this.#take) {
      this.#take(element);
    } else if (this.#waiting) {
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting.done(element);
    } else if (this.#queue.length < LIMITS.UNACKED) {
      this.#queue.push(element);
    } else {
      this.abort(new ClientError("policy-violation"));
    }
  }

  #closed(error) {
    if (this.#over) return;
    this.#over = { error };
    this.#waiting?.failed(error ?? new ClientError("connection-lost"));
    this.#waiting = null;
    this.#end(error);
  }
}
