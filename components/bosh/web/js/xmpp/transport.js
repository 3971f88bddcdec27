/**
 * What carries a stream: a WebSocket (RFC 7395), or BOSH where a socket can't be opened.
 *
 * Both are used in one way:
 *   kind, secure        which it is; whether what goes over it is safe from listeners
 *   await open()        until the server has opened its stream
 *   send(text)          one element
 *   restart()           open the stream anew, after SASL (RFC 6120 4.3.3)
 *   nudge()             the network is back: try now what would be tried later
 *   close(), abort()    in order; at once and without a word
 *   onelement(element)  each element that comes
 *   onclose(error)      once, when it has ended; null where it ended in order
 */
import { ClientError } from "./errors.js";
import { resolve } from "./addresses.js";
import { BoshTransport } from "./transport_bosh.js";
import { WebSocketTransport } from "./transport_websocket.js";

/**
 * Open the first transport that can be.
 * @param {import("./client.js").ClientOptions} options
 * @param {(transport: object) => void} prepare sets the callbacks, before anything can come
 */
export async function openTransport({ websocket, bosh, domain }, prepare) {
  const ways = [];
  if (websocket) ways.push(() => new WebSocketTransport(resolve(websocket, "ws"), domain));
  if (bosh) ways.push(() => new BoshTransport(resolve(bosh, "http"), domain));
  let failure = new ClientError("connection-failed");
  for (const make of ways) {
    const transport = make();
    prepare(transport);
    try {
      await transport.open();
      return transport;
    } catch (error) {
      transport.abort();
      // A server that answered and refused would refuse by any other way too.
      if (error.condition !== "connection-failed") throw error;
      failure = error;
    }
  }
  throw failure;
}
