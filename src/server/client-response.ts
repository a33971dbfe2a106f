// A provider's reply as a Response to the client. Total: what a provider sends must never be able to throw
// on this thread, where it would take every call along.

/** `headers`: JSON of [name, value][], as they came. A header that cannot be sent is left out. */
export function clientResponse(
  body: Uint8Array | ReadableStream<Uint8Array>,
  {
    status,
    headers,
    traceId,
  }: { readonly status: number; readonly headers: string; readonly traceId: string },
): Response {
  const pairs = (JSON.parse(headers) as [string, string][]).filter(
    ([name]) => name.toLowerCase() !== "x-trace-id",
  );
  pairs.push(["x-trace-id", traceId]);
  const sent = hasNoBody(status) ? null : body;
  try {
    return new Response(sent, { status, headers: sendable(pairs) });
  } catch {
    // A status that HTTP does not have. The worker refuses those; this is the last line.
    return new Response(null, { status: 502, headers: { "x-trace-id": traceId } });
  }
}

function sendable(pairs: [string, string][]): Headers {
  try {
    return new Headers(pairs);
  } catch {
    const headers = new Headers();
    for (const [name, value] of pairs) {
      try {
        headers.append(name, value);
      } catch {
        continue; // a name or value that HTTP does not allow
      }
    }
    return headers;
  }
}

/** RFC 9110: these statuses carry no content, and Response refuses one. */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
