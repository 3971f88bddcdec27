/** Where the server's end points are, and what may be said to them. */

/** The absolute address, of the scheme that goes with the page's. */
export function resolve(address, scheme, base = globalThis.location?.href) {
  const url = new URL(address, base);
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  url.protocol = secure ? `${scheme}s:` : `${scheme}:`;
  return url;
}

/** Is what goes to that address safe from listeners: encrypted, or on this machine only? */
export function isSecure(url) {
  return (
    url.protocol === "https:" ||
    url.protocol === "wss:" ||
    /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/.test(url.hostname)
  );
}
