// Demo and tests: writes HTTP/1.1 response heads and whole plain responses as text. Pure.

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** The status line and headers with the blank line after them; `framing` is chunked or the body's size. */
export function responseHead(
  status: number,
  headers: Readonly<Record<string, string>>,
  framing: "chunked" | number,
): string {
  let head = `HTTP/1.1 ${status} ${reasons[status] ?? "Scripted"}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return framing === "chunked"
    ? `${head}transfer-encoding: chunked\r\n\r\n`
    : `${head}content-length: ${framing}\r\n\r\n`;
}

/** A whole response whose body is text. */
export function plainResponse(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): string {
  return responseHead(status, headers, Buffer.byteLength(body)) + body;
}
