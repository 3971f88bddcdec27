/** Pictures: what is one, by what it begins with, whatever anyone calls it. */

/** The raster formats that browsers draw; nothing that can hold a script or a link. */
const SIGNATURES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
];

/** @returns {string|null} the type of a picture, null where it is none of those */
export function imageType(bytes) {
  for (const [type, signature] of SIGNATURES) {
    if (signature.every((byte, i) => byte === null || bytes[i] === byte)) return type;
  }
  return null;
}
