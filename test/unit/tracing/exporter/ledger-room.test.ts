import { expect, test } from "bun:test";
import { hasRoomFor, ledgerNeeds, planRoom } from "../../../../src/tracing/exporter/ledger-room.ts";
import { pageSizeBytes } from "../../../../src/tracing/exporter/ledger-schema.ts";

const mebibyte = 1 << 20;

test("a volume of any size keeps enough back for what may be in the log alone", () => {
  for (let totalBytes = mebibyte; totalBytes < 1e13; totalBytes *= 1.7) {
    const plan = planRoom(totalBytes);
    const { reserveBytes, logPagesMax, logPagesLimit, groupCharsMax, vacuumPages } = plan;
    const logBytesMax = (totalBytes < 256 * mebibyte ? logPagesLimit : logPagesMax) * pageSizeBytes;
    expect(logBytesMax + groupCharsMax).toBeLessThan(reserveBytes);
    expect(logPagesMax).toBeLessThan(logPagesLimit);
    expect(vacuumPages * 4 * pageSizeBytes).toBeLessThan(reserveBytes);
    expect(logPagesMax).toBeGreaterThan(0);
    expect(vacuumPages).toBeGreaterThan(0);
  }
});

test("a sixteenth is kept back, half a mebibyte at least and sixteen at most", () => {
  const kept = (mebibytes: number): number =>
    planRoom(mebibytes * mebibyte).reserveBytes / mebibyte;
  expect([2, 16, 64, 256, 100_000].map(kept)).toEqual([0.5, 1, 4, 16, 16]);
});

test("on a large volume the log is as long, and the steps are as large, as without any of this", () => {
  expect(planRoom(1e12)).toEqual(planRoom(Infinity));
  expect(planRoom(Infinity)).toMatchObject({
    logPagesMax: 1000,
    logPagesLimit: 4000,
    vacuumPages: 64,
  });
});

test("a ledger finds room in its own file only when its volume runs out of it", () => {
  const plan = planRoom(16 * mebibyte);
  const needs = (freeMebibytes: number, isFull: boolean) =>
    ledgerNeeds({ totalBytes: 16 * mebibyte, freeBytes: freeMebibytes * mebibyte }, plan, isFull);
  const none = { reusableBytes: 0, returnedBytes: 0 };
  expect(needs(1, false)).toMatchObject(none);
  expect(needs(0.25, false)).toMatchObject({ reusableBytes: 0.75 * mebibyte, returnedBytes: 0 });
  expect(needs(0, true)).toMatchObject({
    reusableBytes: 3 * mebibyte,
    returnedBytes: 1.5 * mebibyte,
  });
  expect(needs(3, true)).toMatchObject(none);
});

test("calls are taken again when there is more room than the reserve takes, on the volume and in all", () => {
  const plan = planRoom(16 * mebibyte);
  const has = (free: number, reusable: number): boolean =>
    hasRoomFor(
      plan,
      { totalBytes: 16 * mebibyte, freeBytes: free * mebibyte },
      reusable * mebibyte,
    );
  expect(has(1, 0)).toBe(false);
  expect(has(1, 8)).toBe(false);
  expect(has(1.5, 0.25)).toBe(false);
  expect(has(1.5, 0.5)).toBe(true);
  expect(has(2, 0)).toBe(true);
});
