/** The pause before a connection is made again: longer each time, and never the same for all. */

const LONGEST = 60_000; // milliseconds

export class Pause {
  #tries = 0;
  #end = () => {};

  /** Begin with short ones again. */
  reset() {
    this.#tries = 0;
  }

  wait() {
    const longest = Math.min(1000 * 2 ** this.#tries, LONGEST);
    this.#tries += 1;
    return new Promise((resolve) => {
      // Jitter over half of it: a server that comes back is not met by all at once.
      const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2));
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Wait no longer: the network is back. */
  end() {
    this.#end();
  }
}
