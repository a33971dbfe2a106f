import { expect, test } from "bun:test";
import { createRowWriter } from "../../../src/batch/row-writer.ts";
import { createRandomSource } from "../../support/random-source.ts";

function memorySink(): {
  text: () => string;
  write: (text: string) => Promise<void>;
  end: () => Promise<void>;
} {
  let all = "";
  return {
    text: () => all,
    write(text) {
      all += text;
      return Promise.resolve();
    },
    end: () => Promise.resolve(),
  };
}

test("lines come out in order, whatever the order they come in", async () => {
  const random = createRandomSource(11);
  const places = Array.from({ length: 500 }, (_, at) => at);
  const shuffled = places
    .map((place) => ({ place, key: random.next() }))
    .toSorted((a, b) => a.key - b.key);
  const sink = memorySink();
  const writer = createRowWriter(sink, "head\n");
  for (const { place } of shuffled) {
    writer.put(place, `${place}\n`, () => `${place}\n`);
    await writer.drained();
  }
  await writer.end();
  expect(sink.text()).toBe(`head\n${places.map((place) => `${place}\n`).join("")}`);
});

test("what waits too long is let go of and asked for again", async () => {
  const sink = memorySink();
  const writer = createRowWriter(sink, "");
  const line = `${"x".repeat(1024 * 1024)}\n`;
  let reread = 0;
  for (let place = 1; place < 64; place++) {
    writer.put(place, line, () => {
      reread += 1;
      return line;
    });
  }
  writer.put(0, "first\n", undefined);
  await writer.end();
  expect(reread).toBeGreaterThan(20);
  expect(reread).toBeLessThan(40);
  expect(sink.text().length).toBe("first\n".length + 63 * line.length);
});

test("rows behind a gap are left out", async () => {
  const sink = memorySink();
  const writer = createRowWriter(sink, "");
  writer.put(0, "a\n", undefined);
  writer.put(2, "c\n", undefined);
  await writer.end();
  expect(sink.text()).toBe("a\n");
  expect(writer.written()).toBe(1);
});
