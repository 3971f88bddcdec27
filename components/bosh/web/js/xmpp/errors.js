/** Errors as the page sees them: a condition to act on and a text to show. */

/** What went wrong, told by its condition; the text is for people. */
export class ClientError extends Error {
  /**
   * @param {string} condition an XMPP error condition or one of our own (see TEXTS)
   * @param {string} [text] what the server said, if it said anything
   */
  constructor(condition, text = "") {
    super(text || (Object.hasOwn(TEXTS, condition) ? TEXTS[condition] : condition));
    this.name = "ClientError";
    this.condition = condition;
    this.text = this.message;
  }
}

/** What to tell where the other side gave a condition and no words. */
const TEXTS = {
  // Ours.
  "insecure-context":
    "The browser offers its cryptography to secure pages only: open this page by https, or on localhost.",
  "connection-failed": "The server cannot be reached.",
  "connection-lost": "The connection was lost.",
  "bad-xml": "The server sent something that is not well-formed.",
  "no-mechanism": "The server offers no way of logging in that is safe on this connection.",
  "server-unverified": "The server did not prove that it knows this account; nothing was sent to it.",
  "password-needed": "The password is needed to log in again.",
  "password-invalid": "The password holds a character that is not allowed.",
  "form-unsupported": "The server asks for more than a name and a password to register.",
  "offline": "Not connected.",
  "queue-full": "Too much waits to be sent.",
  "timeout": "No answer came in time.",
  "image-unsupported": "Only PNG, JPEG, GIF and WebP pictures can be used.",
  "image-too-large": "The picture is too large.",
  // RFC 6120 6.5, 8.3.3 and 4.9.3: those a person meets.
  "not-authorized": "The name or the password is wrong.",
  "account-disabled": "This account is disabled.",
  "credentials-expired": "The password has expired.",
  "temporary-auth-failure": "The server cannot check the password at the moment.",
  "conflict": "This name is taken.",
  "forbidden": "This is not allowed.",
  "not-allowed": "This is not allowed.",
  "not-acceptable": "This was not accepted.",
  "registration-required": "Only members may enter.",
  "item-not-found": "There is no such address.",
  "jid-malformed": "This is not an address.",
  "service-unavailable": "This is not available there.",
  "remote-server-not-found": "The other server was not found.",
  "remote-server-timeout": "The other server does not answer.",
  "recipient-unavailable": "The recipient cannot be reached.",
  "resource-constraint": "The server is too busy, or a limit is reached.",
  "policy-violation": "The server refused this by its rules.",
  "bad-request": "The server did not understand this.",
  "gone": "This is no longer there.",
  "internal-server-error": "Something went wrong at the server.",
  "undefined-condition": "Something went wrong.",
  "host-unknown": "The server does not serve this domain.",
  "system-shutdown": "The server is shutting down.",
};
