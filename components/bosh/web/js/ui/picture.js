/** Pictures for avatars, made small by a canvas. */

import { ClientError } from "../xmpp/client.js";

/** Length of a side, in pixels: enough for a disc on a dense screen. */
const SIDE = 192;
/** What a picture may take; vCards with more are refused by many servers. */
const BYTES = 48 * 1024;

/**
 * A square PNG or JPEG of what somebody chose: the middle of it, scaled down.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function scaled(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch (error) {
    throw new ClientError("image-unsupported", String(error));
  }
  const crop = Math.min(bitmap.width, bitmap.height);
  const side = Math.min(SIDE, crop);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (bitmap.width - crop) / 2, (bitmap.height - crop) / 2, crop, crop, 0, 0, side, side);
  bitmap.close();
  return smallest(canvas, context);
}

async function smallest(canvas, context) {
  const png = await encoded(canvas, "image/png");
  if (png.size <= BYTES) return png;
  // JPEG knows no transparency and would make it black.
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const quality of [0.9, 0.75, 0.5]) {
    const jpeg = await encoded(canvas, "image/jpeg", quality);
    if (jpeg.size <= BYTES) return jpeg;
  }
  throw new ClientError("image-too-large");
}

const encoded = (canvas, type, quality) => new Promise((done) => canvas.toBlob(done, type, quality));
