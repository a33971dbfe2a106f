import { describe, expect, test } from "bun:test";

import { interleave, ratios, show, showSpread, spreadOf } from "../../../bench/rounds.ts";

describe("rounds", () => {
  test("are interleaved, after one warm-up of each", async () => {
    const ran: string[] = [];
    const run = (name: string) => (): Promise<number> => Promise.resolve(ran.push(name));
    const results = await interleave(
      2,
      { a: run("a"), b: run("b") },
      { b: run("warm b"), a: run("warm a") },
    );
    expect(ran).toEqual(["warm a", "warm b", "a", "b", "a", "b"]);
    expect(results).toEqual({ a: [3, 5], b: [4, 6] });
  });

  test("are compared one by one, so that a slow moment of the machine cancels out", () => {
    expect(ratios([10, 2, 30], [20, 4, 60]).median).toBe(0.5);
  });

  test("give the middle value, and the mean of the two middle ones", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
    expect(spreadOf([]).median).toBeNaN();
  });

  test("are shown with the figures that mean something", () => {
    expect(show(0.314159)).toBe("0.31");
    expect(show(4711.2)).toBe("4711");
    expect(show(26_340)).toBe("26.3k");
    expect(show(Number.NaN)).toBe("not measured");
    expect(showSpread({ median: 0.5, min: 0.4, max: 0.6 })).toBe("0.50 (0.40–0.60)");
  });
});
