/**
 * Something to do once what is being done now is done, promises and all.
 *
 * Not a timer: browsers let the timers of a page in the background wait, for a minute at last.
 */
export class Soon {
  #channel = new MessageChannel();
  #wanted = false;

  /** @param {() => void} act */
  constructor(act) {
    this.#channel.port1.onmessage = () => {
      if (!this.#wanted) return;
      this.#wanted = false;
      act();
    };
  }

  /** Do it soon: once, however often it is asked for until then. */
  ask() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#channel.port2.postMessage(null);
  }

  /** Never do it again. */
  close() {
    this.#wanted = false;
    this.#channel.port1.close();
  }
}
