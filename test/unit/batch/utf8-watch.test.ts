import { expect, test } from "bun:test";
import { isUtf8 } from "node:buffer";
import { createUtf8Watch } from "../../../src/batch/utf8-watch.ts";
import { createRandomSource } from "../../support/random-source.ts";

test("a line is bad when its bytes are, however the stream is cut", () => {
  const { seed, between, pick } = createRandomSource();
  const pieces = ["a", "ü", "€", "😀", "\ufffd", "\n", "\r\n"].map((text) => Buffer.from(text));
  const broken = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xed, 0xa0, 0x80]];
  for (let round = 0; round < 2000; round++) {
    const parts = Array.from({ length: between(1, 20) }, () =>
      between(1, 8) === 1 ? Buffer.from(pick(broken)) : pick(pieces),
    );
    const bytes = Buffer.concat(parts);
    const watch = createUtf8Watch();
    for (let at = 0; at < bytes.length;) {
      const next = at + between(1, 6);
      watch.see(bytes.subarray(at, next));
      at = next;
    }
    watch.end();
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(10, from) + 1 || bytes.length;
      const isBad = !isUtf8(bytes.subarray(from, end));
      expect([seed, watch.isBadBefore(end)]).toEqual([seed, isBad]);
      from = end;
    }
  }
});

test("what was asked about is not told again, and what comes later not before", () => {
  const watch = createUtf8Watch();
  watch.see(Buffer.from([0xff, 10, 97, 10, 0xff, 10]));
  expect(watch.isBadBefore(2)).toBe(true);
  expect(watch.isBadBefore(4)).toBe(false);
  expect(watch.isBadBefore(6)).toBe(true);
  expect(watch.isBadBefore(Infinity)).toBe(false);
});
