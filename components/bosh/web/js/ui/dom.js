/**
 * Elements, made by one function. Text given to it stays text: nothing here, and nothing that
 * uses it, ever parses markup.
 */

/**
 * Make an element.
 * @param {string} tag its name
 * @param {Object} [props] attributes; `text` is the text inside, `on` maps events to listeners;
 *   `value`, `checked` and `disabled` are properties; null, undefined and false are left out
 * @param {...(Node|string|null|undefined|false)} children what stands inside
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") listen(element, value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled"]);

function listen(element, listeners) {
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
}

/**
 * Text for those who hear the page and not for those who see it.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function unseen(text) {
  return h("span", { class: "unseen", text });
}

/**
 * Set a text only where it differs, so that screen readers are not told the same twice.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make these an element's children, in this order. What is in its place stays there: an element
 * taken out and put back loses the focus, and the click that is under way.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
}

/**
 * Call a function once per frame however often it is asked for.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function perFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const run = () => {
      if (!asked) return;
      asked = false;
      draw();
    };
    requestAnimationFrame(run);
    // A hidden page gets no frames, nor what it asked for before it was hidden; its title and list
    // have to be right all the same.
    setTimeout(run, 100);
  };
}

const phone = window.matchMedia("(max-width: 719.98px)");
const touch = window.matchMedia("(pointer: coarse)");

/** @returns {boolean} whether only one pane is shown at a time */
export const onePane = () => phone.matches;

/** @returns {boolean} whether to focus a text field would push a keyboard over the page */
export const byTouch = () => touch.matches;
