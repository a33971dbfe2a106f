// JSON whose numbers are written again as they stood: ids of 64 bits are more than a double holds. Pure.

/** Numbers of fewer digits, without an exponent, always come back as they were; nor is `-0` written as `0`. */
const suspect = /[\d.]{16}|\d[eE]|[:[,]\s*-0/;

/**
 * As JSON.parse; a number that a double changes becomes what `JSON.stringify` writes as it stood.
 *
 * @throws SyntaxError when it is no JSON
 */
export function parseExactJson(text: string): unknown {
  return suspect.test(text) ? JSON.parse(text, keepNumber) : JSON.parse(text);
}

function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  const isSame = digits(String(value)) === digits(source) && !Object.is(value, -0);
  return isSame ? value : rawJson(source);
}

/** Those that count, wherever the point is. */
function digits(number: string): string {
  return number
    .replace(/e.*$/i, "")
    .replaceAll(/[-.]/g, "")
    .replaceAll(/^0+|0+$/g, "");
}

function rawJson(source: string): unknown {
  return (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(source);
}
