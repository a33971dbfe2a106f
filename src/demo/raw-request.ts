// Demo and tests: parses HTTP/1.1 requests out of the bytes of one connection. Pure.
// Only what the scripted servers of this folder need; never used for what faces the outside.

export interface RawRequest {
  readonly method: string;
  /** Path with its query string, as sent. */
  readonly path: string;
  /** The request line and header lines as sent. */
  readonly head: string;
  readonly body: Uint8Array;
  /** A header by its lower-case name; several lines of one name are joined by a comma. */
  readonly header: (name: string) => string | undefined;
  /** All headers, names in lower case. */
  readonly headers: () => Record<string, string>;
}

export type RawParseResult =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "request"; readonly request: RawRequest; readonly consumed: number };

const incomplete: RawParseResult = { kind: "incomplete" };
const noBytes = new Uint8Array(0);
const headEnd = Buffer.from("\r\n\r\n");
const lineEnd = Buffer.from("\r\n");
const headBytesMax = 64 * 1024;

/** Parses the first request of `bytes`. RFC 9112: content-length and chunked bodies. */
export function parseRawRequest(bytes: Buffer): RawParseResult {
  const end = bytes.indexOf(headEnd);
  if (end < 0) {
    return bytes.length > headBytesMax
      ? { kind: "malformed", reason: "request head too large" }
      : incomplete;
  }
  const head = bytes.toString("latin1", 0, end);
  const line = head.slice(0, lineLength(head));
  const firstSpace = line.indexOf(" ");
  const lastSpace = line.lastIndexOf(" ");
  if (firstSpace < 1 || lastSpace <= firstSpace) {
    return { kind: "malformed", reason: "bad request line" };
  }
  const bodyStart = end + 4;
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const bodyEnd = bodyStart + Number(length);
    if (bytes.length < bodyEnd) return incomplete;
    return found(head, line, bytes.subarray(bodyStart, bodyEnd), bodyEnd);
  }
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) {
    const chunked = readChunkedBody(bytes, bodyStart);
    if (chunked === undefined) return incomplete;
    return found(head, line, chunked.body, chunked.end);
  }
  return found(head, line, noBytes, bodyStart);
}

/** The header lines after the request or status line, names in lower case. */
export function parseHeaderLines(head: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  }
  return headers;
}

function found(head: string, line: string, body: Uint8Array, consumed: number): RawParseResult {
  let parsed: Record<string, string> | undefined;
  const headers = (): Record<string, string> => (parsed ??= parseHeaderLines(head));
  const request: RawRequest = {
    method: line.slice(0, line.indexOf(" ")),
    path: line.slice(line.indexOf(" ") + 1, line.lastIndexOf(" ")),
    head,
    body,
    header: (name) => headers()[name],
    headers,
  };
  return { kind: "request", request, consumed };
}

function lineLength(head: string): number {
  const end = head.indexOf("\r\n");
  return end < 0 ? head.length : end;
}

function readChunkedBody(
  bytes: Buffer,
  start: number,
): { body: Uint8Array; end: number } | undefined {
  const pieces: Buffer[] = [];
  let at = start;
  for (;;) {
    const sizeEnd = bytes.indexOf(lineEnd, at);
    if (sizeEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, sizeEnd), 16);
    at = sizeEnd + 2;
    if (size === 0) {
      // Trailers are not expected here: the empty line follows at once.
      return bytes.length < at + 2 ? undefined : { body: Buffer.concat(pieces), end: at + 2 };
    }
    if (bytes.length < at + size + 2) return undefined;
    pieces.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}
