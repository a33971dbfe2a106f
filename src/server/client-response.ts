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
    return new Response(sent, { status, headers: pairs });
  } catch {
    return repaired(sent, status, pairs);
  }
}

/** For the reply that a Response refuses: without the headers that HTTP does not allow. */
function repaired(
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  status: number,
  pairs: readonly [string, string][],
): Response {
  const headers = new Headers();
  for (const [name, value] of pairs) {
    try {
      headers.append(name, value);
    } catch {
      continue;
    }
  }
  try {
    return new Response(body, { status, headers });
  } catch {
    // A status that HTTP does not have. The worker refuses those; this is the last line.
    const traceId = headers.get("x-trace-id") ?? "";
    return new Response(null, { status: 502, headers: { "x-trace-id": traceId } });
  }
}

/** RFC 9110: these statuses carry no content, and Response refuses one. */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
