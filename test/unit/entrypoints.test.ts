import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import {
  embeddedPath,
  threadEntry,
  type ThreadName,
  threadSources,
} from "../../src/entrypoints.ts";

const names = Object.keys(threadSources) as ThreadName[];

describe("threadEntry", () => {
  test.each(names)("in the source tree, %s is an absolute path of a file that exists", (name) => {
    const path = threadEntry(name);
    expect(isAbsolute(path)).toBe(true);
    expect(existsSync(path)).toBe(true);
  });

  test("in the binary the bundled files sit under Bun's virtual root", () => {
    expect(threadEntry("task", { standalone: true, platform: "linux" })).toBe(
      "/$bunfs/root/src/workers/task-entry.js",
    );
    expect(threadEntry("exporter", { standalone: true, platform: "darwin" })).toBe(
      "/$bunfs/root/src/tracing/exporter/exporter-entry.js",
    );
  });

  test("on Windows the virtual root is a drive", () => {
    expect(threadEntry("task", { standalone: true, platform: "win32" })).toBe(
      "B:/~BUN/root/src/workers/task-entry.js",
    );
  });
});

test("embeddedPath replaces the ending alone", () => {
  expect(embeddedPath("a.ts.d/b.ts", "linux")).toBe("/$bunfs/root/a.ts.d/b.js");
});
