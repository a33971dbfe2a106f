// Skips over JSON text without reading it. Pure, runs on any thread. Its callers have had the text
// through JSON.parse already, so it checks no grammar; on text that is not JSON it must still end, by a
// GatewayError, and never loop. Strings are skipped with indexOf, which searches many bytes at a time.

import { GatewayError } from "../errors/gateway-error.ts";

/** The first index at or after `from` that holds no JSON white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  let code = text.charCodeAt(at);
  while (code === 32 || code === 10 || code === 13 || code === 9) code = text.charCodeAt(++at);
  return at;
}

/**
 * The index after the closing quote of the string whose opening quote is at `from`.
 *
 * @throws GatewayError `invalid_request` when the string does not end.
 */
export function skipString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote !== -1) {
    let before = quote - 1;
    while (text.charCodeAt(before) === 92) before -= 1;
    // An even number of backslashes before the quote are escaped backslashes: the quote is bare.
    if (((quote - before) & 1) === 1) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  throw notJson();
}

/**
 * The index after the value that begins at `from` (white space already skipped).
 *
 * @throws GatewayError `invalid_request` when no value begins there or it does not end.
 */
export function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === 34) return skipString(text, from);
  if (first === 123 || first === 91) return skipContainer(text, from);
  let at = from;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at += 1;
  if (at === from) throw notJson();
  return at;
}

export function notJson(): GatewayError {
  return new GatewayError("invalid_request", "The body is not valid JSON.");
}

function skipContainer(text: string, from: number): number {
  const { length } = text;
  let depth = 0;
  let at = from;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at = skipString(text, at);
      continue;
    }
    at += 1;
    // `{` and `[` are 123 and 91, their closers 125 and 93: one bit apart.
    const bracket = code | 32;
    if (bracket === 123) depth += 1;
    else if (bracket === 125 && --depth === 0) return at;
  }
  throw notJson();
}

function endsScalar(code: number): boolean {
  return (
    code === 44 ||
    code === 93 ||
    code === 125 ||
    code === 32 ||
    code === 10 ||
    code === 13 ||
    code === 9
  );
}
