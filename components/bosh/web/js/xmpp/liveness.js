/** Is anybody there? A connection may be gone without a word; what is never answered tells. */

const QUIET = 60_000; // milliseconds of silence after which the server is asked
const ANSWER = 20_000; // milliseconds it has to answer
const DOUBT = 5_000; // where the network has just gone or come back
const ACK = 300; // milliseconds after a stanza until its acknowledgement is asked for

export class Liveness {
  #ask;
  #dead;
  #quiet = null;
  #answer = null;
  #ack = null;
  #on = false;

  /**
   * @param {() => void} ask makes the server say something
   * @param {() => void} dead called when it said nothing
   */
  constructor(ask, dead) {
    this.#ask = ask;
    this.#dead = dead;
  }

  start() {
    this.#on = true;
    this.heard();
  }

  stop() {
    this.#on = false;
    for (const timer of [this.#quiet, this.#answer, this.#ack]) clearTimeout(timer);
    this.#quiet = this.#answer = this.#ack = null;
  }

  /** Something came. */
  heard() {
    if (!this.#on) return;
    clearTimeout(this.#answer);
    this.#answer = null;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.doubt(ANSWER), QUIET);
  }

  /** Something was sent whose acknowledgement is worth asking for: soon, and once for many. */
  sent() {
    if (!this.#on) return;
    this.#ack ??= setTimeout(() => {
      this.#ack = null;
      this.doubt(ANSWER);
    }, ACK);
  }

  /** Ask now, and give up where no answer comes. */
  doubt(patience = DOUBT) {
    if (!this.#on) return;
    this.#ask();
    // A sooner end that is set already stands.
    this.#answer ??= setTimeout(() => this.#dead(), patience);
  }
}
