/** In-band registration (XEP-0077): an account of one's own, and another password for it. */
import { randomId } from "./bytes.js";
import { ClientError } from "./errors.js";
import { clip } from "./limits.js";
import { loginName } from "./names.js";
import { NS } from "./ns.js";
import { requireCryptography } from "./sasl.js";
import { Stream } from "./stream.js";
import { attribute, child, children, childText, errorOf, xml } from "./xml.js";

const UNSAFE = "The password can't be sent safely on this connection.";

/**
 * Can accounts be made from here? The server says so among its features (8): what holds for one
 * address, or on one connection, need not hold for another.
 * @param {import("./client.js").ClientOptions} options
 * @returns {Promise<boolean>}
 */
export async function offersAccounts(options) {
  requireCryptography();
  const stream = await Stream.open(options);
  try {
    return stream.secure && Boolean(child(await stream.features(), "register", NS.REGISTER_FEATURE));
  } finally {
    stream.close();
  }
}

/**
 * Make an account, on a stream of its own.
 * @param {import("./client.js").ClientOptions} options
 */
export async function registerAccount(options, username, password) {
  // Whoever can't log in afterwards had better hear it now.
  requireCryptography();
  const name = loginName(username, options.domain);
  const stream = await Stream.open(options);
  try {
    if (!stream.secure) throw new ClientError("no-mechanism", UNSAFE);
    await stream.features();
    const form = child(await ask(stream, options.domain, "get"), "query", NS.REGISTER);
    await ask(stream, options.domain, "set", ...fill(form, { username: name, password }));
  } finally {
    stream.close();
  }
}

/** Change the password of the account that is logged in (3.3). */
export async function changePassword(wire, password) {
  const { local, domain } = wire.me;
  await wire.iq("set", domain, xml("query", { xmlns: NS.REGISTER },
    xml("username", null, local),
    xml("password", null, password)));
}

async function ask(stream, domain, type, ...content) {
  const id = randomId();
  const query = xml("query", { xmlns: NS.REGISTER }, content);
  stream.send(xml("iq", { xmlns: NS.CLIENT, type, id, to: domain }, query));
  const answer = await stream.next();
  if (attribute(answer, "type") !== "result") throw errorOf(child(answer, "error"), NS.STANZA_ERROR);
  return answer;
}

/**
 * What to send for what the server asks (3.1.1): a name and a password, and nothing else.
 * @returns {import("./xml.js").Node[]}
 * @throws {ClientError} form-unsupported, conflict
 */
export function fill(query, values) {
  if (child(query, "registered")) throw new ClientError("conflict", "There is an account already.");
  const form = child(query, "x", NS.DATA);
  // Where there is a form it is what counts; the fields beside it are for old clients (4).
  return form ? fillForm(form, query, values) : fillFields(query, values);
}

const ASIDE = new Set(["instructions", "key", "x"]);

function fillFields(query, values) {
  const names = children(query).map((field) => field.localName).filter((name) => !ASIDE.has(name));
  refuseOthers(query, names, values);
  const key = childText(query, "key");
  const fields = names.map((name) => xml(name, null, values[name]));
  return key ? [...fields, xml("key", null, key)] : fields;
}

function fillForm(form, query, values) {
  const fields = children(form, "field", NS.DATA);
  const wanted = fields.filter((field) => child(field, "required") || Object.hasOwn(values, attribute(field, "var")));
  const hidden = fields.filter((field) => attribute(field, "type") === "hidden");
  const names = wanted.filter((field) => !hidden.includes(field)).map((field) => attribute(field, "var"));
  refuseOthers(query, names, values);
  const submitted = [
    ...hidden.map((field) => [attribute(field, "var"), childText(field, "value") ?? ""]),
    ...names.map((name) => [name, values[name]]),
  ];
  return [xml("x", { xmlns: NS.DATA, type: "submit" },
    submitted.map(([name, value]) => xml("field", { var: name }, xml("value", null, value))))];
}

/** What we can't fill in is for a person to read about, and to register elsewhere. */
function refuseOthers(query, names, values) {
  const missing = Object.keys(values).filter((name) => !names.includes(name));
  const others = names.filter((name) => !Object.hasOwn(values, name));
  if (!others.length && !missing.length) return;
  const said = clip((childText(query, "instructions") ?? "").trim(), 500);
  const asks = others.length
    ? `It asks for: ${clip(others.join(", "), 200)}.`
    : "It takes no name and password here.";
  const texts = ["The server can't register accounts from here.", asks, said];
  throw new ClientError("form-unsupported", texts.filter(Boolean).join(" "));
}
