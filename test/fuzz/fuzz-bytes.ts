// Fuzz: seeded damage to bytes and text, the same for requests and replies. Pure.

import type { Random } from "../unit/apischema/random-json.ts";

const badBytes = [
  0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x2c, 0x3a, 0x5c, 0x7b, 0x7f, 0x80, 0xc0, 0xff,
];

/** Flips, cuts, doubles, inserts or swaps a few bytes. */
export function damage(random: Random, bytes: Uint8Array): Uint8Array {
  let damaged = Buffer.from(bytes);
  const rounds = 1 + random.below(4);
  for (let round = 0; round < rounds; round++) {
    if (damaged.length === 0) return damaged;
    const at = random.below(damaged.length);
    switch (random.below(5)) {
      case 0:
        damaged[at] = random.chance(0.5) ? random.below(256) : random.pick(badBytes);
        break;
      case 1:
        damaged = damaged.subarray(0, at);
        break;
      case 2: {
        const end = Math.min(damaged.length, at + 1 + random.below(16));
        damaged = Buffer.concat([damaged.subarray(0, end), damaged.subarray(at)]);
        break;
      }
      case 3: {
        const inserted = Buffer.alloc(1 + random.below(4), random.pick(badBytes));
        damaged = Buffer.concat([damaged.subarray(0, at), inserted, damaged.subarray(at)]);
        break;
      }
      default: {
        const end = Math.min(damaged.length, at + 1 + random.below(8));
        damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(end)]);
      }
    }
  }
  return damaged;
}

export function randomBytes(random: Random, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => random.below(256));
}

/** Cuts bytes into up to `piecesMax` pieces. */
export function cut(random: Random, bytes: Uint8Array, piecesMax: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  while (from < bytes.length && pieces.length < piecesMax - 1 && random.chance(0.7)) {
    const to = from + 1 + random.below(bytes.length - from);
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from));
  return pieces;
}

export function text(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}
