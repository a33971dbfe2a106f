// Up, down, and full: with a keeper that does as it is told.

import { afterEach, expect, test } from "bun:test";
import type {
  KeeperAttempt,
  OpenedLedger,
} from "../../../../src/tracing/exporter/ledger-keeper.ts";
import type { LedgerReserve } from "../../../../src/tracing/exporter/ledger-reserve.ts";
import { planRoom } from "../../../../src/tracing/exporter/ledger-room.ts";
import { startLedgerService } from "../../../../src/tracing/exporter/ledger-service.ts";
import type { Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import { waitFor } from "../../../support/wait-for.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const full = Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
const cannotOpen: KeeperAttempt = { ok: false, fatal: false, error: "full", isDiskFull: true };

/** `reserve`: what is in it; none without. `refusals`: what the next openings fail with. */
function setUp(reserve?: "whole" | "given up", refusals: KeeperAttempt[] = []) {
  const events: string[] = [];
  let kept = reserve;
  const held: LedgerReserve = {
    plan: () => planRoom(Infinity),
    room: () => undefined,
    isThere: () => kept === "whole",
    isGivenUp: () => kept === "given up",
    giveUp() {
      const had = kept === "whole";
      if (had) events.push("reserve given up");
      kept = "given up";
      return had;
    },
    make: () => Promise.resolve(true),
  };
  const ledger = { file: { isInPlace: () => true } } as unknown as Ledger;
  const service = startLedgerService({
    path: "the.db",
    reserve: reserve && held,
    nowMs: () => 0,
    keeper: {
      open(isFull) {
        events.push(isFull ? "opened, full" : "opened");
        const opened: OpenedLedger = { ledger, destinations: new Map(), interruptedCalls: 0 };
        return refusals.shift() ?? { ok: true, opened };
      },
      rescue: () => ({ isSafe: true, text: "" }),
      close: () => void events.push("closed"),
      release: () => undefined,
    },
    onUp: () => void events.push("up"),
    onDown: (problem) => void events.push(problem),
    onNotice: () => undefined,
  });
  cleanups.push(service.stop);
  return { service, events, takeEvents: () => events.splice(0) };
}

const fullText = "ledger the.db: its disk is full; calls are committed again when there is room";

test("full: the reserve is given up and the ledger is up again at once, for all but calls", () => {
  const { service, takeEvents } = setUp("whole");
  expect(takeEvents()).toEqual(["opened", "up"]);
  service.fail(full);
  expect(takeEvents()).toEqual(["reserve given up", "closed", "opened, full", fullText]);
  expect(service.isFull()).toBe(true);
  expect(service.current()).toBeDefined();
  expect(service.forCalls()).toBeUndefined();
  expect(service.problem()).toBe(fullText);

  service.roomMade();
  expect(takeEvents()).toEqual(["closed", "opened", "up"]);
  expect(service.forCalls()).toBeDefined();
  expect(service.problem()).toBe("");
});

test("full once more while it is full: it tries again later, and says nothing new", async () => {
  const { service, events, takeEvents } = setUp("whole");
  service.fail(full);
  takeEvents();
  service.fail(full);
  expect(service.current()).toBeUndefined();
  await waitFor(() => service.current(), 2000);
  expect(events).toEqual(["closed", "opened, full"]);
  expect(service.forCalls()).toBeUndefined();
});

test("what a process before had given up, the next one knows", () => {
  const { service, takeEvents } = setUp("given up");
  expect(takeEvents()).toEqual(["opened, full", fullText]);
  service.roomMade();
  expect(service.forCalls()).toBeDefined();
});

test("a ledger that cannot be opened for want of room is opened with what the reserve took", () => {
  const { service, takeEvents } = setUp("whole", [cannotOpen]);
  expect(takeEvents()).toEqual(["opened", "reserve given up", "opened, full", fullText]);
  expect(service.current()).toBeDefined();
});

test("room that turns out not to be enough leaves it full, and nothing new is said", async () => {
  const refusals: KeeperAttempt[] = [];
  const { service, events, takeEvents } = setUp("given up", refusals);
  takeEvents();
  refusals.push(cannotOpen);
  service.roomMade();
  expect(service.current()).toBeUndefined();
  await waitFor(() => service.current(), 2000);
  expect(events).toEqual(["closed", "opened", "opened, full"]);
  expect(service.forCalls()).toBeUndefined();
});

test("other failures leave the reserve alone", async () => {
  const { service, events } = setUp("whole");
  service.fail(new Error("the disk is gone"));
  expect(service.isFull()).toBe(false);
  await waitFor(() => service.forCalls(), 2000);
  expect(events).toEqual([
    "opened",
    "up",
    "closed",
    "ledger the.db: the disk is gone",
    "opened",
    "up",
  ]);
});

test("without a reserve a full disk is a failure like any other", async () => {
  const { service, events } = setUp();
  service.fail(full);
  expect(service.isFull()).toBe(false);
  await waitFor(() => service.forCalls(), 2000);
  expect(events.at(3)).toContain("database or disk is full");
});
