/** Small questions and their answers: ping (XEP-0199), version (XEP-0092), time (XEP-0202). */
import { NAME } from "./disco.js";
import { NS } from "./ns.js";
import { xml } from "./xml.js";

export function answerQuestions(wire) {
  wire.answer("get", NS.PING, () => null);
  wire.answer("get", NS.VERSION, () =>
    // No operating system: it would be of use to nobody but those who look for weak ones.
    xml("query", { xmlns: NS.VERSION }, xml("name", null, NAME), xml("version", null, "1")));
  wire.answer("get", NS.TIME, () => {
    const now = new Date();
    return xml("time", { xmlns: NS.TIME },
      xml("tzo", null, offset(-now.getTimezoneOffset())),
      xml("utc", null, now.toISOString()));
  });
}

function offset(minutes) {
  const two = (number) => String(number).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
