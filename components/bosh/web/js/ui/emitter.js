/** Tell whoever listens. */
export class Emitter {
  #listeners = new Map();

  /**
   * @param {string} topic
   * @param {(event: any) => void} listener
   * @returns {() => void} takes the listener off again
   */
  on(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /**
   * @param {string} topic
   * @param {any} [event]
   */
  emit(topic, event) {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(event);
  }
}
