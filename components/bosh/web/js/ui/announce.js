/** What is said to those who hear the page, at the next pause. */

/**
 * @param {string} text
 */
export function announce(text) {
  const region = document.getElementById("announcements");
  // The same words twice in a row would go unsaid.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
