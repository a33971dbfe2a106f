import { describe, expect, test } from "bun:test";
import type { WorkerMessage } from "../../../src/protocol/call-task.ts";
import { createCancellation } from "../../../src/workers/cancellation.ts";
import { createPacing } from "../../../src/workers/pacing.ts";

const refused = { status: 429, delayMs: 700, isTold: true };

function setUp() {
  const posted: WorkerMessage[] = [];
  const cancellation = createCancellation();
  const pacing = createPacing("call-1", (message) => void posted.push(message), cancellation);
  const turns: string[] = [];
  const wait = (name: string): void => {
    void pacing.waitTurn(refused).then(() => turns.push(name));
  };
  return { posted, cancellation, pacing, turns, wait };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a refused call", () => {
  test("says what it was told, and waits until it may go on", async () => {
    const { posted, pacing, turns, wait } = setUp();
    wait("first");
    expect(posted).toEqual([{ kind: "refused", call: "call-1", ...refused }]);
    await settled();
    expect(turns).toEqual([]);
    pacing.resume();
    await settled();
    expect(turns).toEqual(["first"]);
  });

  test("needs leave for each attempt: one that comes twice or early is not kept for later", async () => {
    const { pacing, turns, wait } = setUp();
    pacing.resume();
    wait("first");
    await settled();
    expect(turns).toEqual([]);
    pacing.resume();
    pacing.resume();
    await settled();
    wait("second");
    await settled();
    expect(turns).toEqual(["first"]);
    pacing.resume();
    await settled();
    expect(turns).toEqual(["first", "second"]);
  });

  test("can be given leave while it is still saying that it was refused", async () => {
    const cancellation = createCancellation();
    const pacing = createPacing("call-1", () => pacing.resume(), cancellation);
    await pacing.waitTurn(refused);
  });

  test("waits no longer once it is cancelled, nor at all if it was before", async () => {
    const { cancellation, turns, wait } = setUp();
    wait("first");
    cancellation.cancel("draining");
    wait("second");
    await settled();
    expect(turns).toEqual(["first", "second"]);
  });
});
