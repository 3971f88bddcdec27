/**
 * XML, both ways: elements to send are built and written here, elements received are
 * the browser's own, parsed with what XMPP forbids refused.
 */
import { ClientError } from "./errors.js";
import { LIMITS } from "./limits.js";

// Outside XML 1.0's Char production; a lone surrogate can't be written in UTF-8 either.
const UNWRITABLE = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;",
  "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

/** An element to be sent; immutable. */
export class Node {
  constructor(name, attributes, children) {
    this.name = name;
    this.attributes = attributes;
    this.children = children;
    Object.freeze(this);
  }

  /** The same element with other or more attributes. */
  with(attributes) {
    return new Node(this.name, { ...this.attributes, ...attributes }, this.children);
  }

  toString() {
    const attributes = Object.entries(this.attributes)
      .filter(([, value]) => value !== null && value !== undefined && value !== false)
      .map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`)
      .join("");
    const content = this.children.map((child) =>
      child instanceof Node || child instanceof Raw ? child.toString() : escapeText(String(child)));
    return content.length
      ? `<${this.name}${attributes}>${content.join("")}</${this.name}>`
      : `<${this.name}${attributes}/>`;
  }
}

/** An element that was received, to be sent on as it is. */
export class Raw {
  #element;

  constructor(element) {
    this.#element = element;
  }

  toString() {
    return new XMLSerializer().serializeToString(this.#element);
  }
}

/**
 * An element to be sent. What is null, undefined, or false is left out, of attributes and children.
 * @param {string} name
 * @param {Record<string, unknown>|null} [attributes]
 * @param {...unknown} children nodes, or text
 */
export function xml(name, attributes, ...children) {
  return new Node(name, attributes ?? {},
    children.flat(2).filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
}

export function escapeText(text) {
  // A carriage return written as itself would be read as a line feed.
  return text.replace(UNWRITABLE, "").replace(/[&<>\r]/g, (c) => ESCAPES[c]);
}

export function escapeAttribute(text) {
  return text.replace(UNWRITABLE, "").replace(/[&<>"'\t\n\r]/g, (c) => ESCAPES[c]);
}

/**
 * The element of a text that holds one (RFC 6120 11.1: no DTD, so no entity of its own).
 * @returns {Element}
 * @throws {ClientError} bad-xml, policy-violation
 */
export function parseElement(text) {
  if (text.length > LIMITS.STANZA) {
    throw new ClientError("policy-violation", "The server sent too much at once.");
  }
  // A DTD stands before the element or nowhere. It is refused before the parser sees it: an
  // entity must not have the chance to grow.
  if (!/^\s*(?:<\?xml[^<>]*\?>\s*)?<[^!?]/.test(text)) throw new ClientError("bad-xml");
  const document = parse(text);
  // The parser tells an error by an element, which a stanza may hold as well. Where the text
  // spells its name, it is parsed once more with that name changed.
  if (failed(document) && (!text.includes(FAILURE) || failed(parse(text.replaceAll(FAILURE, "x"))))) {
    throw new ClientError("bad-xml");
  }
  return document.documentElement;
}

const FAILURE = "parsererror";

function parse(text) {
  return new DOMParser().parseFromString(text, "text/xml");
}

function failed(document) {
  return document.getElementsByTagNameNS("*", FAILURE).length > 0;
}

/** Is it an element of that name (and namespace)? */
export function is(element, name, namespace) {
  return element?.localName === name && (!namespace || element.namespaceURI === namespace);
}

/** The child elements, of that name and namespace where given. */
export function children(element, name, namespace) {
  return [...(element?.children ?? [])].filter((child) => !name || is(child, name, namespace));
}

/** The first child of that name and namespace, or null. */
export function child(element, name, namespace) {
  for (const one of element?.children ?? []) if (is(one, name, namespace)) return one;
  return null;
}

/** The text of a child, or null where there is no such child. */
export function childText(element, name, namespace) {
  return child(element, name, namespace ?? element?.namespaceURI)?.textContent ?? null;
}

/** An attribute, "" where it is missing. */
export function attribute(element, name) {
  return element?.getAttribute(name) ?? "";
}

/** The error that a stanza of type "error", a stream error, or a SASL failure tells. */
export function errorOf(element, namespace) {
  let condition = "undefined-condition";
  let text = "";
  for (const one of element?.children ?? []) {
    if (one.namespaceURI !== namespace) continue;
    if (one.localName === "text") text = one.textContent.trim().slice(0, LIMITS.TEXT);
    else condition = one.localName;
  }
  return new ClientError(condition, text);
}
