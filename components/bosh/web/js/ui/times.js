/** Points in time, in the words of the reader's language. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** @param {Date} time @returns {string} the hour and minute */
export const hour = (time) => clock.format(time);

/** @param {Date} time @returns {string} everything, for who wants to know exactly */
export const exactly = (time) => whole.format(time);

/** @param {Date} a @param {Date} b @returns {boolean} */
export const sameDay = (a, b) => a.toDateString() === b.toDateString();

/** @param {Date} time @returns {string} the day, as a heading over its messages */
export function day(time) {
  const now = new Date();
  if (sameDay(time, now)) return "Today";
  if (sameDay(time, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return "Yesterday";
  return time.getFullYear() === now.getFullYear() ? weekday.format(time) : date.format(time);
}

/** @param {Date} time @returns {string} as short as a list needs it */
export const brief = (time) => (sameDay(time, new Date()) ? clock : short).format(time);
