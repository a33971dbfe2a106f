// docs/attributes.md: every attribute of ours has its line there, and no line is of one that is not written.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { attr, doubleAttributes } from "../../src/tracing/recorder/semconv.ts";

const page = readFileSync(resolve(import.meta.dir, "../../docs/attributes.md"), "utf8");
const lines = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$/gm)].map(
  ([, name = "", type = ""]) => ({ name, type }),
);

test("the page lists every attribute of everyspan's own once, and none that there is not", () => {
  const own = Object.values<string>(attr).filter((name) => name.startsWith("everyspan."));
  expect(lines.map(({ name }) => name).toSorted()).toEqual(own.toSorted());
});

test("a double is said to be one", () => {
  for (const { name, type } of lines) {
    expect({ name, isDouble: type === "double" }).toEqual({
      name,
      isDouble: doubleAttributes.has(name),
    });
  }
});
