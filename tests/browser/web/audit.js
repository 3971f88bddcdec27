/**
 * What bars people from a page, as a list of complaints: controls without a name, text too faint,
 * targets too small, references to nothing, an order of focus that is not the order of reading.
 * One expression, evaluated in the page.
 */
(() => {
  const complaints = [];
  const complain = (what, element) => complaints.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  // An open dialog makes all else inert.
  const root = document.querySelector("dialog[open]") ?? document.body;
  const all = [...root.querySelectorAll("*")];

  const shown = (element) =>
    element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true }) && element.getClientRects().length > 0;
  const unseen = (element) => element.closest(".unseen") !== null;
  const disabled = (element) => element.closest(":disabled") !== null;

  // Names.
  const text = (element) => {
    if (element.closest("[aria-hidden=true]")) return "";
    const own = element.getAttribute("aria-label") ?? referred(element, "aria-labelledby");
    if (own) return own;
    if (element instanceof HTMLImageElement) return element.alt;
    return [...element.childNodes].map((node) => (node instanceof Text ? node.data : node instanceof Element ? text(node) : "")).join("").trim();
  };
  const referred = (element, attribute) => {
    const ids = element.getAttribute(attribute)?.split(/\s+/) ?? [];
    for (const id of ids) if (!document.getElementById(id)) complain(`${attribute} leads nowhere`, element);
    return ids.map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  };
  const name = (element) => text(element) || [...(element.labels ?? [])].map(text).join(" ").trim() || element.title;
  const CONTROLS = "a[href], button, input:not([type=hidden]), textarea, select, summary, [tabindex='0']";
  const controls = all.filter((element) => element.matches(CONTROLS) && shown(element) && !element.closest("[aria-hidden=true]"));
  for (const control of controls) if (!name(control)) complain("no name", control);
  // Who speaks to the page says what stands there (WCAG 2.5.3).
  const plain = (words) => words.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  const seen = (element) => {
    if (!shown(element) || element.matches("[aria-hidden=true], .unseen")) return "";
    return [...element.childNodes].map((node) => (node instanceof Text ? node.data : node instanceof Element ? ` ${seen(node)} ` : "")).join("");
  };
  for (const control of controls) {
    const label = control.getAttribute("aria-label");
    if (label && !control.matches(".log") && !plain(label).includes(plain(seen(control)))) complain("named otherwise than it looks", control);
  }
  for (const region of root.querySelectorAll("nav, aside, section[aria-label], dialog, [role=log]")) {
    if (shown(region) && !name(region) && region.localName !== "section") complain("region without a name", region);
  }
  for (const element of all) {
    referred(element, "aria-describedby");
    if (element.matches("img") && !element.hasAttribute("alt")) complain("picture without alt", element);
    if (element.tabIndex > 0) complain("positive tabindex", element);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) complaints.push(`two of id ${id}`);

  // Structure.
  const titles = [...document.querySelectorAll("h1")].filter(shown);
  const mains = [...document.querySelectorAll("main")].filter(shown);
  if (titles.length !== 1) complaints.push(`${titles.length} first headings`);
  if (mains.length > 1) complaints.push(`${mains.length} main landmarks`);
  if (document.documentElement.lang === "") complaints.push("no language");
  if (document.title === "") complaints.push("no title");
  if (document.documentElement.scrollWidth > innerWidth) complaints.push("scrolls sideways");
  for (const element of [root, ...all]) {
    const { overflowX, textOverflow } = getComputedStyle(element);
    if (["visible", "clip"].includes(overflowX) || textOverflow === "ellipsis" || unseen(element)) continue;
    if (element.scrollWidth > element.clientWidth) complain("scrolls sideways", element);
  }

  // Targets (WCAG 2.5.8); links within text may be as high as the text.
  for (const control of controls) {
    if (unseen(control) || control.matches("a, .log, summary, [type=radio]")) continue;
    // A box to check is reached by its label as well.
    const target = (control.matches("[type=checkbox]") && control.closest("label")) || control;
    const { width, height } = target.getBoundingClientRect();
    if (width < 24 || height < 24) complain(`target of ${width}×${height}`, control);
  }

  // Order of focus: from above to below within a pane.
  let before = null;
  for (const control of controls) {
    if (control.tabIndex < 0 || unseen(control)) continue;
    const pane = control.closest("nav, main, aside, dialog");
    const box = control.getBoundingClientRect();
    if (before !== null && before.pane === pane && box.bottom <= before.top) complain("focus goes upward", control);
    before = { pane, top: box.top };
  }

  // Contrast (WCAG 1.4.3, 1.4.11).
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, at) => value * a + under[at] * (1 - a));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const judge = (element, colour, wanted, what) => {
    const under = ground(element);
    const found = contrast(over(rgba(colour), under), under);
    if (found < wanted) complain(`${what} of contrast ${found.toFixed(2)}`, element);
  };
  for (const element of all) {
    if (!shown(element) || unseen(element) || disabled(element)) continue;
    const style = getComputedStyle(element);
    if ([...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== "")) judge(element, style.color, 4.5, "text");
    if (element.matches("svg")) judge(element, style.color, 3, "icon");
    if (element.matches("input:not([type=radio]), textarea")) {
      judge(element, getComputedStyle(element, "::placeholder").color, 4.5, "placeholder");
      judge(element.parentElement, style.borderTopColor, 3, "border");
    }
  }
  return complaints;
})()
