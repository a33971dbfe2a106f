// A provider's reply as a Response to the client. Total: what a provider sends must never be able to throw
// on this thread, where it would take every call along.

type ReplyBody = string | Uint8Array | ReadableStream<Uint8Array>;

/** `headers`: JSON of a record, by name in lower case. A header that cannot be sent is left out. */
export function clientResponse(
  body: ReplyBody,
  {
    status,
    headers,
    traceId,
  }: { readonly status: number; readonly headers: string; readonly traceId: string },
): Response {
  const record = JSON.parse(headers) as Record<string, string>;
  record["x-trace-id"] = traceId;
  const sent = hasNoBody(status) ? null : body;
  try {
    return new Response(sent, { status, headers: record });
  } catch {
    return repaired(sent, status, record);
  }
}

/** For the reply that a Response refuses: without the headers that HTTP does not allow. */
function repaired(
  body: ReplyBody | null,
  status: number,
  record: Readonly<Record<string, string>>,
): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(record)) {
    try {
      headers.set(name, value);
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
