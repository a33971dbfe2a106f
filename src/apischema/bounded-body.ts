// Reads the body of somebody's reply whole, but no further than a bound: what a `content-length` announces
// is the size before decompression, and may be a lie. Any thread.

/** Undefined when the body is larger; its connection is then let go. Rejects when it breaks off. */
export async function readBounded(
  response: Response,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = body.getReader();
  for (;;) {
    const next = await reader.read();
    if (next.done) return Buffer.concat(chunks, sizeBytes);
    sizeBytes += next.value.length;
    if (sizeBytes > bytesMax) break;
    chunks.push(next.value);
  }
  void reader.cancel().catch(() => undefined); // of no more interest, broken or not
  return undefined;
}
