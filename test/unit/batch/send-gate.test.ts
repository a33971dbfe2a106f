import { describe, expect, test } from "bun:test";
import { createRateLimiter } from "../../../src/batch/rate-limiter.ts";
import { createSendGate } from "../../../src/batch/send-gate.ts";

function setUp(concurrency: number | undefined, callsPerMinute?: number) {
  const started = performance.now();
  const limits = { concurrency, concurrencyMax: 100, callsPerMinute, tokensPerMinute: undefined };
  return createSendGate(createRateLimiter(limits, started), () => performance.now());
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the gate", () => {
  test("lets as many in as there are slots; the next one when somebody leaves", async () => {
    const gate = setUp(2);
    expect(gate.tryEnter(1)).toBeDefined();
    expect(gate.tryEnter(1)).toBeDefined();
    expect(gate.tryEnter(1)).toBeUndefined();
    let isTurn: boolean | undefined;
    void gate.turn().then((isOpen) => (isTurn = isOpen));
    await settled();
    expect(isTurn).toBeUndefined();
    gate.leave();
    await settled();
    expect(isTurn).toBe(true);
    expect(gate.tryEnter(1)).toBeDefined();
    expect(gate.picture().inFlight).toBe(2);
  });

  test("lets what was refused go before whoever is new", async () => {
    const gate = setUp(2);
    const first = gate.tryEnter(1);
    if (first === undefined) throw new Error("no slot");
    const order: string[] = [];
    const repeated = Promise.withResolvers<void>();
    gate.refused(
      first,
      { status: 429, delayMs: 20, isTold: true },
      {
        go() {
          order.push("repeated");
          repeated.resolve();
        },
        giveUp: () => undefined,
      },
    );
    expect(gate.tryEnter(1)).toBeUndefined();
    void gate.turn().then(() => order.push("new"));
    await repeated.promise;
    expect(order).toEqual(["repeated"]);
    expect(gate.picture().refused).toBe(1);
  });

  test("once closed gives up what was refused, whether it waits for its turn or rests, then and later", async () => {
    const gate = setUp(3);
    const passes = [gate.tryEnter(1), gate.tryEnter(1), gate.tryEnter(1)];
    const told: string[] = [];
    const refuse = (at: number, status: number): void => {
      const pass = passes[at];
      if (pass === undefined) throw new Error("no slot");
      const attempt = { status, delayMs: 60_000, isTold: true };
      gate.refused(pass, attempt, {
        go: () => told.push(`${at} goes`),
        giveUp: () => told.push(`${at} is given up`),
      });
    };
    refuse(0, 429);
    refuse(1, 503);
    gate.close();
    expect(told.toSorted()).toEqual(["0 is given up", "1 is given up"]);
    refuse(2, 429);
    expect(told[2]).toBe("2 is given up");
  });

  test("once closed takes nobody, tells who waits, and is empty when the last has left", async () => {
    const gate = setUp(1);
    expect(gate.tryEnter(1)).toBeDefined();
    const turn = gate.turn();
    let isEmpty = false;
    void gate.empty().then(() => (isEmpty = true));
    gate.close();
    expect(await turn).toBe(false);
    expect(await gate.turn()).toBe(false);
    expect(isEmpty).toBe(false);
    gate.leave();
    await settled();
    expect(isEmpty).toBe(true);
    expect(gate.tryEnter(1)).toBeUndefined();
  });
});
