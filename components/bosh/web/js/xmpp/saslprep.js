/** SASLprep (RFC 4013): user names and passwords as they are hashed. */
import { ClientError } from "./errors.js";

// RFC 3454 C.1.2: spaces other than ASCII's, which become one of those.
const SPACES = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g;
// B.1: commonly mapped to nothing.
const NOTHING = /[\u00AD\u034F\u1806\u180B-\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/g;
// C.2 control, C.3 private use, C.4 non-characters, C.5 surrogates, C.6 and C.7 unfit for
// plain text and for canonical representation, C.8 change of display, C.9 tagging.
const PROHIBITED = new RegExp(
  "[\\p{Cc}\\p{Co}\\p{Cs}\\p{Noncharacter_Code_Point}" +
    "\\u06DD\\u070F\\u180E\\u2028\\u2029\\u2061-\\u2063\\u206A-\\u206F\\uFFF9-\\uFFFD" +
    "\\u2FF0-\\u2FFB\\u0340\\u0341\\u200E\\u200F\\u202A-\\u202E" +
    "\\u{1D173}-\\u{1D17A}\\u{E0001}\\u{E0020}-\\u{E007F}]",
  "u",
);
// D.1 and D.2, by the scripts they list.
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const LEFT_TO_RIGHT = new RegExp(
  "[\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}\\p{Script=Han}" +
    "\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}]",
  "u",
);

/**
 * @param {string} text
 * @returns {string}
 * @throws {ClientError} password-invalid
 */
export function saslprep(text) {
  // Most are ASCII and stay as they are.
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  const prepared = text.replace(SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  if (!prepared || PROHIBITED.test(prepared) || !isOneWay(prepared)) {
    throw new ClientError("password-invalid");
  }
  return prepared;
}

/** RFC 3454 6: right-to-left text begins and ends so, and holds no left-to-right letter. */
function isOneWay(text) {
  if (!RIGHT_TO_LEFT.test(text)) return true;
  const characters = [...text];
  return (
    !LEFT_TO_RIGHT.test(text) &&
    RIGHT_TO_LEFT.test(characters[0]) &&
    RIGHT_TO_LEFT.test(characters.at(-1))
  );
}
