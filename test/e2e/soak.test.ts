// The soak itself, short: every fault at random on one ledger, and the account at its end.

import { expect, test } from "bun:test";
import { resolve } from "node:path";

const minutes = process.env["EVERYSPAN_LONG"] === "1" ? 5 : 0.15;

test(`a soak of ${minutes} minutes loses nothing and ends with an account that adds up`, async () => {
  const soak = Bun.spawn(
    [process.execPath, resolve(import.meta.dir, "../../scripts/soak/soak.ts"), String(minutes)],
    { stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr] = await Promise.all([
    new Response(soak.stdout).text(),
    new Response(soak.stderr).text(),
  ]);
  console.log(stdout);
  expect(stderr).toBe("");
  expect(await soak.exited).toBe(0);
  const [, recorded = "", committed] =
    /^account: (\d+) recorded = (\d+) committed \+ 0 open \+ 0 lost; /m.exec(stdout) ?? [];
  expect(committed).toBe(recorded);
  expect(Number(recorded)).toBeGreaterThan(100);
  expect(stdout).toContain("0 problems");
}, 600_000);
