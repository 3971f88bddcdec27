/** Events by name. */
export class Emitter {
  #callbacks = new Map();

  /** @returns {() => void} takes the callback off again */
  on(name, callback) {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    callbacks.add(callback);
    this.#callbacks.set(name, callbacks);
    return () => callbacks.delete(callback);
  }

  emit(name, event) {
    for (const callback of [...(this.#callbacks.get(name) ?? [])]) {
      try {
        callback(event);
      } catch (error) {
        // One listener's fault must neither end the stream nor keep the others from hearing.
        reportError(error);
      }
    }
  }
}
