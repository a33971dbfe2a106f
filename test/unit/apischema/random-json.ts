// Random JSON for property tests, from a seed that a failing test names.

import type { JsonValue } from "../../../src/apischema/json-edit.ts";

export interface Random {
  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
  chance(part: number): boolean;
}

/** Mulberry32: small, and the same on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }
  return {
    below: (end) => Math.floor(next() * end),
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
    chance: (part) => next() < part,
  };
}

const strings = [
  "",
  "model",
  'say "usage":null, "finish_reason":"stop"',
  '\\"usage',
  "back\\",
  "line\nand\ttab",
  "東京 😀",
  "}],{[:",
  "\u2028",
] as const;
const keys = ["model", "a", "b c", 'q"q', "\\", "é", "0", "usage", "stream_options"] as const;
const scalars = [
  "null",
  "true",
  "false",
  "0",
  "-0.0",
  "1e400",
  "12345678901234567890",
  "1.50",
] as const;

/** JSON text with odd white space, escapes, big numbers and, when asked for, duplicate keys. */
export function randomJson(random: Random, depth: number, hasDuplicates = false): string {
  const kind = depth === 0 ? random.below(2) : random.below(5);
  if (kind === 0) return random.pick(scalars);
  if (kind === 1) return randomString(random, random.pick(strings));
  const length = random.below(4);
  const items: string[] = [];
  const isObject = kind !== 2;
  const unused: string[] = [...keys];
  for (let count = 0; count < length; count += 1) {
    const value = space(random) + randomJson(random, depth - 1, hasDuplicates) + space(random);
    const key = hasDuplicates
      ? random.pick(unused)
      : unused.splice(random.below(unused.length), 1)[0];
    const name = space(random) + randomString(random, key as string) + space(random);
    items.push(isObject ? `${name}:${value}` : value);
  }
  const inside = items.length === 0 ? space(random) : items.join(",");
  return isObject ? `{${inside}}` : `[${inside}]`;
}

/** Any other value, to put in. */
export function randomValue(random: Random): JsonValue {
  return random.pick<JsonValue>([
    null,
    7,
    "new",
    'q"\\',
    [],
    [1, { x: 1 }],
    {},
    { n: "東" },
    false,
  ]);
}

function randomString(random: Random, value: string): string {
  const plain = JSON.stringify(value);
  if (!random.chance(0.2)) return plain;
  const escaped = Array.from(value, (char) =>
    /^[a-z ]$/.test(char) && random.chance(0.5)
      ? `\\u00${char.charCodeAt(0).toString(16)}`
      : JSON.stringify(char).slice(1, -1),
  );
  return `"${escaped.join("")}"`;
}

function space(random: Random): string {
  return random.chance(0.8) ? "" : random.pick([" ", "\n  ", "\t", "\r\n"]);
}
