// The reserve on real file systems: it takes up what it says, and gives that back.

import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLedgerReserve } from "../../../../src/tracing/exporter/ledger-reserve.ts";
import { temporaryFolder } from "../../../support/exporter-harness.ts";
import { smallVolume } from "../../../support/small-volume.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const mebibyte = 1 << 20;

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

test("takes up real blocks, and leaves only its name when it is given up", async () => {
  const path = folder();
  const reserve = createLedgerReserve(join(path, "ledger.db"));
  expect(reserve.room()?.freeBytes).toBeGreaterThan(0);
  expect([reserve.isThere(), reserve.isGivenUp()]).toEqual([false, false]);
  expect(reserve.giveUp()).toBe(false);
  expect(readdirSync(path)).toEqual([]);

  expect(await reserve.make()).toBe(true);
  expect(readdirSync(path)).toEqual(["ledger.db-reserve"]);
  const { size, blocks, mode } = statSync(join(path, "ledger.db-reserve"));
  expect(size).toBe(reserve.plan().reserveBytes);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  expect(mode & 0o077).toBe(0);

  expect(reserve.giveUp()).toBe(true);
  expect([reserve.isThere(), reserve.isGivenUp()]).toEqual([false, true]);
  expect(createLedgerReserve(join(path, "ledger.db")).isGivenUp()).toBe(true);
  expect(reserve.giveUp()).toBe(false);
  expect(await reserve.make()).toBe(true);
  expect(reserve.isGivenUp()).toBe(false);
});

test("given up while it is being made, it is not there", async () => {
  const path = folder();
  const reserve = createLedgerReserve(join(path, "ledger.db"));
  const making = reserve.make();
  await new Promise((turn) => setImmediate(turn));
  reserve.giveUp();
  expect(await making).toBe(false);
  expect(reserve.isThere()).toBe(false);
  expect(readdirSync(path)).toEqual([]);
});

test("on a volume without room for it nothing of it stays, and what it was is known", async () => {
  const path = smallVolume(mebibyte, cleanups);
  if (path === undefined) return;
  writeFileSync(join(path, "ledger.db-reserve"), "");
  writeFileSync(join(path, "others"), new Uint8Array(0.75 * mebibyte));
  const reserve = createLedgerReserve(join(path, "ledger.db"));
  const before = reserve.room();
  expect(before?.totalBytes).toBe(mebibyte);
  expect(reserve.plan().reserveBytes).toBe(mebibyte / 2);
  expect(await reserve.make()).toBe(false);
  expect(reserve.room()).toEqual(before as NonNullable<typeof before>);
  expect(reserve.isGivenUp()).toBe(true);
  truncateSync(join(path, "others"));
  expect(await reserve.make()).toBe(true);
  expect(reserve.isThere()).toBe(true);
});

test("where it cannot be made for another reason, calls do not wait for it", async () => {
  const path = folder();
  mkdirSync(join(path, "ledger.db-reserve.part"));
  const reserve = createLedgerReserve(join(path, "ledger.db"));
  expect(await reserve.make()).toBe(true);
  expect(reserve.isThere()).toBe(false);
});

test("without its folder it has no room to speak of, and nothing to give", () => {
  const reserve = createLedgerReserve(join(folder(), "missing", "ledger.db"));
  expect(reserve.room()).toBeUndefined();
  expect([reserve.isThere(), reserve.isGivenUp(), reserve.giveUp()]).toEqual([false, false, false]);
});
