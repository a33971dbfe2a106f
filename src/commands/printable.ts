// Words of others on a terminal: callers name models, providers and receivers say why they refuse. Pure.

/** On one line, and without what would drive the terminal or turn its text around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "?");
}
