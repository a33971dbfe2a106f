import { expect, test } from "bun:test";
import {
  hasRoomForReserve,
  ledgerNeeds,
  mayFillSoon,
  planRoom,
} from "../../../../src/tracing/exporter/ledger-room.ts";
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

const smallBytes = 16 * mebibyte;
const small = planRoom(smallBytes);
const room = (freeMebibytes: number) => ({
  totalBytes: smallBytes,
  freeBytes: freeMebibytes * mebibyte,
});

test("a file on a volume that runs out of room keeps free pages, and grows no more", () => {
  const none = { reusableBytes: 0, returnedBytes: 0 };
  expect(ledgerNeeds(room(4), small, false)).toMatchObject(none);
  expect(ledgerNeeds(room(3.9), small, false)).toMatchObject({
    reusableBytes: 2 * mebibyte,
    returnedBytes: 0,
  });
  expect(mayFillSoon(room(15), small)).toBe(true);
  expect(mayFillSoon({ totalBytes: 1e12, freeBytes: 1e9 }, planRoom(1e12))).toBe(false);
});

test("on a full one it gives pages back, too, until the reserve can be made and leaves as much", () => {
  for (const free of [0, 0.5, 1.9]) {
    const { reusableBytes, returnedBytes } = ledgerNeeds(room(free), small, true);
    expect(returnedBytes).toBe((2 - free) * mebibyte);
    expect(reusableBytes).toBe(returnedBytes + 2 * mebibyte);
    expect(hasRoomForReserve(room(free), small)).toBe(false);
  }
  expect(ledgerNeeds(room(2), small, true)).toMatchObject({ returnedBytes: 0 });
  expect(hasRoomForReserve(room(2), small)).toBe(true);
});
