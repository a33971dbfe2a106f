import { expect, test } from "bun:test";
import { createRowWriter } from "../../../src/batch/row-writer.ts";
import { createRandomSource } from "../../support/random-source.ts";
import { waitFor } from "../../support/wait-for.ts";

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

test("few rows do not wait for many: whoever looks into the output of a slow run sees them", async () => {
  const sink = memorySink();
  const writer = createRowWriter(sink, "head\n", { withinMs: 5 });
  await waitFor(() => sink.text() === "head\n", 2000, "the header");
  writer.put(1, "b\n", undefined);
  writer.put(0, "a\n", undefined);
  await waitFor(() => sink.text() === "head\na\nb\n", 2000, "both rows");
  await writer.end();
  expect(sink.text()).toBe("head\na\nb\n");
});

test("a disk that fails meanwhile is told at once, and is an error of the next who waits for it", async () => {
  let tries = 0;
  const full = (): Promise<void> => {
    tries += 1;
    return Promise.reject(new Error("disk full"));
  };
  const told: string[] = [];
  const onBroken = (error: unknown): number => told.push(String(error));
  const writer = createRowWriter({ write: full, end: full }, "head\n", { withinMs: 5, onBroken });
  await waitFor(() => tries > 0, 2000, "a try");
  await waitFor(() => told.length > 0, 2000, "word of it");
  expect(told).toEqual(["Error: disk full"]);
  writer.put(0, "a\n", undefined);
  expect(await writer.end().catch(String)).toBe("Error: disk full");
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
