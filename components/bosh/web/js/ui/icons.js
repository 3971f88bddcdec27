/** The few icons of the page: lines on a grid of 24, in the colour of the text around them. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5.500 16-3.500-6.500zM11 13.500L20 4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20c.8-3.600 3.800-5.500 7.500-5.500s6.700 1.900 7.500 5.500",
  add: "M12 5v14M5 12h14",
  addPerson: "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM3 20c.7-3.600 3.500-5.500 7-5.500 1.600 0 3 .4 4.200 1.100M18 14v6M15 17h6",
  people: "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.6-3.300 3.200-5 6.500-5s5.900 1.700 6.500 5M16 4.900a3.500 3.500 0 0 1 0 6.200M18 14.900c1.900.7 3.100 2.300 3.500 4.600",
  room: "M9.500 4L7 20M17 4l-2.500 16M4.500 9h16M3.500 15h16",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM9 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  leave: "M14 4H6v16h8M10 12h10M16.500 8.500L20 12l-3.500 3.500",
  edit: "M5 19l1-4.500L16.500 4 20 7.500 9.500 18z",
  mail: "M4 6h16v12H4zM4 7l8 6 8-6",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 7.500v.5",
  down: "M12 5v14M6 13l6 6 6-6",
  waiting: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.500l3.500 2",
  sent: "M5 12.500l4.500 4.500L19 7.500",
  received: "M2 12.500l4.500 4.500L16 7.500M11 15.500l1.500 1.500L22 7.500",
  warning: "M12 4l9 16H3zM12 10v4.500M12 17v.5",
};

/**
 * An icon. It has no name of its own: the control around it has one.
 * @param {keyof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["class", "icon"], ["aria-hidden", "true"], ["focusable", "false"]]) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
