/** Nicknames completed by Tab, where the word before the cursor begins one. */

import { announce } from "./announce.js";

/** Nicks that one word may stand for; more are no help. */
const MOST = 20;

export class Completion {
  #input;
  #nicks;
  #round = null; // {start, rest, at, found: string[]} while Tab goes through what was found

  /**
   * @param {HTMLTextAreaElement} input
   * @param {() => Iterable<string>} nicks who is there
   */
  constructor(input, nicks) {
    this.#input = input;
    this.#nicks = nicks;
  }

  /**
   * A key was pressed. Tab is taken only where there is something to complete: else, and once all
   * was shown, it leads out of the field as ever.
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the text has changed
   */
  key(event) {
    if (event.key !== "Tab" || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) {
      if (event.key !== "Shift") this.#round = null;
      return false;
    }
    this.#round ??= this.#begin();
    const round = this.#round;
    if (round === null || round.at === round.found.length) {
      this.#round = null;
      return false;
    }
    event.preventDefault();
    this.#put(round);
    return true;
  }

  #begin() {
    const { value, selectionStart: end, selectionEnd } = this.#input;
    const start = value.slice(0, end).search(/\S+$/u);
    if (start < 0 || end !== selectionEnd) return null;
    const typed = value.slice(start, end).toLowerCase();
    const found = [...this.#nicks()].filter((nick) => nick.toLowerCase().startsWith(typed))
      .sort((a, b) => a.localeCompare(b)).slice(0, MOST);
    return found.length ? { start, rest: value.slice(end), at: 0, found } : null;
  }

  #put(round) {
    const { start, rest, found } = round;
    const nick = found[round.at];
    // Who is spoken to stands first, with a colon.
    const text = `${nick}${start === 0 ? ":" : ""}${rest.startsWith(" ") ? "" : " "}`;
    round.at += 1;
    this.#input.value = this.#input.value.slice(0, start) + text + rest;
    this.#input.setSelectionRange(start + text.length, start + text.length);
    announce(found.length === 1 ? nick : `${nick}, ${round.at} of ${found.length}`);
  }
}
