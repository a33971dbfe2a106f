// Outputs of `everyspan batch` that cannot be written are found out before a row is paid for. Real processes, real
// sockets.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";

let provider: ScriptedProvider;
let folder: BatchFolder;
let before = 0;

beforeAll(() => {
  provider = startScriptedProvider({ script: () => ({ text: "fine" }) });
});
afterAll(() => provider.stop());
beforeEach(() => {
  folder = batchFolder({ provider: provider.url });
  folder.file("in.csv", "text\na\nb\n");
  before = provider.requests.length;
});
afterEach(() => folder.remove());

const ask = ["--model", "gpt-4o-mini", "--prompt", "{{text}}"];
const isRoot = process.getuid?.() === 0;

/** From a file, and over stdin. */
async function expectRefused(output: string, said: string): Promise<void> {
  const begun = folder.read("in.csv");
  for (const result of [
    await folder.run("in.csv", "--output", output, ...ask),
    await folder.feed(begun, "-", "--output", output, ...ask),
  ]) {
    expect(result.stderr).toBe(`--output: ${output}: ${said}\n`);
    expect(result.code).toBe(2);
  }
  expect(provider.requests.length).toBe(before);
}

test("a folder, or a path beneath a file, is refused before the first call", async () => {
  mkdirSync(join(folder.path, "taken"));
  await expectRefused("taken", "it is a folder, no file");
  folder.file("file", "");
  await expectRefused("file/out.csv", "a part of its path is no folder");
  await expectRefused("file/deeper/out.csv", "a part of its path is no folder");
  await expectRefused(`${"x".repeat(300)}.csv`, "its name is too long");
});

test.skipIf(isRoot)("a file that can only be read, and a folder, are refused so, too", async () => {
  folder.file("kept.csv", "precious\n");
  chmodSync(join(folder.path, "kept.csv"), 0o444);
  await expectRefused("kept.csv", "permission denied");
  expect(folder.read("kept.csv")).toBe("precious\n");
  mkdirSync(join(folder.path, "closed"), { mode: 0o555 });
  await expectRefused("closed/out.csv", "permission denied");
});

test("what is refused for another reason leaves nothing behind, and what stood there", async () => {
  folder.file("kept.csv", "precious\n");
  const wrong = ask.with(-1, "{{txt}}");
  const feed = (output: string) =>
    folder.feed(folder.read("in.csv"), "-", "--output", output, ...wrong);
  expect((await folder.run("in.csv", "--output", "new/out.csv", ...wrong)).code).toBe(2);
  expect(existsSync(join(folder.path, "new"))).toBe(false);
  expect((await feed("out.csv")).code).toBe(2);
  expect(existsSync(join(folder.path, "out.csv"))).toBe(false);
  expect((await feed("kept.csv")).code).toBe(2);
  expect(folder.read("kept.csv")).toBe("precious\n");
});

test("a place for the ledger that is taken is told, and nothing is sent", async () => {
  folder.file("out.csv.everyspan", "no folder");
  const result = await folder.run("in.csv", "--output", "out.csv", ...ask);
  expect(result.stderr).toContain(join(folder.path, "out.csv.everyspan"));
  expect(result.code).not.toBe(0);
  const fed = await folder.feed("text\na\n", "-", "--output", "out.csv", ...ask);
  expect(fed.stderr).toBe(
    `${join(folder.path, "out.csv.everyspan", "input")}: a part of its path is no folder\n`,
  );
  expect(fed.code).toBe(2);
  expect(provider.requests.length).toBe(before);
});

test("the ledger is the batch's own unless the configuration names one, the usual one included", async () => {
  const config = JSON.parse(folder.read("everyspan.yaml")) as Record<string, unknown>;
  for (const [path, expected] of [
    [undefined, "out.csv.everyspan/run.db"],
    ["./everyspan-data/ledger.db", "everyspan-data/ledger.db"],
    ["own/l.db", "own/l.db"],
  ] as const) {
    const named = path === undefined ? {} : { tracing: { ledger: { path } } };
    folder.file("named.yaml", JSON.stringify({ ...config, ...named }));
    const words = ["in.csv", "--output", "out.csv", ...ask, "--config", "named.yaml"];
    expect((await folder.run(...words)).code).toBe(0);
    const places = ["out.csv.everyspan/run.db", "everyspan-data/ledger.db", "own/l.db"];
    expect(places.filter((place) => existsSync(join(folder.path, place)))).toEqual([expected]);
    rmSync(join(folder.path, dirname(expected)), { recursive: true });
  }
});

test("an output that fails later is told by its name", async () => {
  folder.file("many.csv", `text\n${"a\n".repeat(3000)}`);
  const words = ["many.csv", "--output", "/dev/full", ...ask, "--config", "own.yaml"];
  const config = JSON.parse(folder.read("everyspan.yaml")) as Record<string, unknown>;
  folder.file("own.yaml", JSON.stringify({ ...config, tracing: { ledger: { path: "./l.db" } } }));
  const full = await folder.run(...words);
  expect(full.stderr).toContain("stopped   /dev/full: no space is left;");
  expect(full.code).toBe(1);
});

test("once an output has failed nothing more is sent, however few rows there are", async () => {
  folder.file("slow.csv", `text\n${"a\n".repeat(60)}`);
  const config = JSON.parse(folder.read("everyspan.yaml")) as Record<string, unknown>;
  folder.file("own.yaml", JSON.stringify({ ...config, tracing: { ledger: { path: "./l.db" } } }));
  const paced = ["--config", "own.yaml", "--rpm", "600"];
  const full = await folder.run("slow.csv", "--output", "/dev/full", ...ask, ...paced);
  expect(full.stderr).toContain("stopped   /dev/full: no space is left;");
  expect(provider.requests.length - before).toBeLessThan(40);
});

test("a ledger that is damaged is told by its name, and left as it is", async () => {
  folder.file("many.csv", `text\n${"a\n".repeat(500)}`);
  const words = ["many.csv", "--output", "out.csv", ...ask];
  expect((await folder.run(...words)).code).toBe(0);
  const path = join(folder.path, "out.csv.everyspan/run.db");
  const bytes = readFileSync(path);
  bytes.fill(0x55, 4096, 4096 * 31);
  writeFileSync(path, bytes);
  const { code, stderr } = await folder.run(...words);
  expect(stderr).toStartWith(`ledger ${path}: `);
  expect(stderr).toContain("move it away");
  expect(code).toBe(1);
  expect(readFileSync(path).equals(bytes)).toBe(true);
});
