// The command line as a person has it: arguments in, words and an exit code out.

import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { version } from "../../src/version.ts";

function run(...words: readonly string[]): { code: number; out: string; err: string } {
  const main = resolve(import.meta.dir, "../../src/main.ts");
  const done = Bun.spawnSync([process.execPath, main, ...words], { stdin: "ignore" });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

test("says its version, and what it can do", () => {
  expect(run("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  const help = run("--help");
  expect(help.code).toBe(0);
  for (const name of ["serve", "demo", "status", "check"]) expect(help.out).toContain(name);
  expect(run("serve", "--help").out).toContain("--config");
  expect(run("help", "serve").out).toBe(run("serve", "--help").out);
});

test("without a command it shows its usage, and that is not what was meant", () => {
  expect(run().code).toBe(2);
});

test.each([
  [["sreve"], /unknown command "sreve", did you mean serve\?/],
  [["serve", "--prot", "1"], /unknown option --prot, did you mean --port\?/],
  [["serve", "--port"], /--port needs a value/],
  [["serve", "--port="], /--port needs a value/],
  [["serve", "extra"], /unexpected "extra"/],
  [["constructor"], /unknown command/],
  [["help", "sreve"], /unknown command "sreve", did you mean serve\?/],
  [["check", "-c", "x"], /unknown option -c; known are --config/],
  [["batch", "in.csv", "-dry-run"], /unknown option -dry-run, did you mean --dry-run\?/],
  [["batch", "in.csv", "--dry-run=no"], /--dry-run takes no value/],
  [["batch", "--system", "--strict", "in.csv"], /--system needs a value/],
] as [string[], RegExp][])("%p is a usage error that says what is wrong", (words, message) => {
  const { code, out, err } = run(...words);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(message);
  expect(err.trim().split("\n")).toHaveLength(1);
});
