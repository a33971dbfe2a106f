// A whole reply's body in the form in which Bun sends it for least. Server thread.

/**
 * Of a reply that is made after its request's event, Bun 1.4.5 sends head and body in one piece up to 16 KiB
 * together, and more than that in some forty: every name, colon and value of the head by itself. A stream's head goes
 * in one piece. The limit leaves 4 KiB for the head. https://github.com/oven-sh/bun/pull/41341
 */
const onePieceBytes = 12 * 1024;

/** The body as it is, or, where it is large, as a stream that has all of it at once. Text is sent as UTF-8. */
export function replyBody(whole: string | Uint8Array): string | Uint8Array | ReadableStream {
  if (whole.length <= onePieceBytes) return whole;
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      try {
        // Both at once: what is ended in the turn in which it was begun can still say its length.
        await Promise.all([controller.write(whole), controller.end()]);
      } catch {
        // The client has left, and nobody waits for the rest.
      }
    },
  });
}
