import { expect, test } from "bun:test";
import { createDeadlines } from "../../../src/workers/deadlines.ts";

function setUp() {
  let nowMs = 1000;
  const deadlines = createDeadlines(() => nowMs);
  const late: string[] = [];
  const set = (name: string, withinMs: number) =>
    deadlines.set(withinMs, () => void late.push(name));
  const after = (ms: number): string[] => {
    nowMs += ms;
    deadlines.look();
    return late.splice(0);
  };
  return { deadlines, set, after };
}

test("each is told once, at the first look when its time is up", () => {
  const { set, after } = setUp();
  set("b", 20);
  set("a", 10);
  expect(after(9)).toEqual([]);
  expect(after(1)).toEqual(["a"]);
  expect(after(100)).toEqual(["b"]);
  expect(after(100)).toEqual([]);
});

test("one that is moved waits that long from then, later or sooner than it would have", () => {
  const { deadlines, set, after } = setUp();
  const [later, sooner] = [set("later", 10), set("sooner", 100)];
  expect(after(5)).toEqual([]);
  deadlines.move(later, 10);
  deadlines.move(sooner, 7);
  expect(after(6)).toEqual([]);
  expect(after(1)).toEqual(["sooner"]);
  expect(after(3)).toEqual(["later"]);
});

test("one that is cleared is not told, until it is moved again", () => {
  const { deadlines, set, after } = setUp();
  const cleared = set("cleared", 10);
  set("other", 10);
  deadlines.clear(cleared);
  deadlines.clear(cleared);
  expect(after(10)).toEqual(["other"]);
  deadlines.move(cleared, 5);
  expect(after(5)).toEqual(["cleared"]);
});

test("what one does when it is late may set, move and clear others", () => {
  const { deadlines, set, after } = setUp();
  const neighbour = set("neighbour", 30);
  deadlines.set(10, () => {
    deadlines.clear(neighbour);
    set("new", 5);
  });
  expect(after(10)).toEqual([]);
  expect(after(4)).toEqual([]);
  expect(after(1)).toEqual(["new"]);
  expect(after(100)).toEqual([]);
});

test("a time in which nobody looked, for the process stood still, is no waiting", () => {
  const { set, after } = setUp();
  set("answer", 5000);
  expect(after(500)).toEqual([]);
  expect(after(60_000)).toEqual([]); // what came meanwhile is still to be read
  const waited: string[] = [];
  for (let ms = 0; ms < 3400; ms += 10) waited.push(...after(10));
  expect(waited).toEqual([]);
  expect(after(200)).toEqual(["answer"]);
});

test("looks that are always late only slow it down", () => {
  const { set, after } = setUp();
  set("answer", 5000);
  const told = Array.from({ length: 5 }, () => after(3000).length);
  expect(told).toEqual([0, 0, 0, 0, 1]);
});

test("agrees with timers of their own over random moves", () => {
  const { deadlines, after } = setUp();
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const expected = new Map<number, number>();
  const told: number[] = [];
  const all = Array.from({ length: 50 }, (_, index) => {
    const withinMs = random(100);
    expected.set(index, withinMs);
    return deadlines.set(withinMs, () => void told.push(index));
  });
  for (let nowMs = 1; nowMs < 300; nowMs++) {
    after(1);
    const due = [...expected].filter(([, atMs]) => atMs <= nowMs).map(([index]) => index);
    expect(new Set(told.splice(0))).toEqual(new Set(due));
    for (const index of due) expected.delete(index);
    const chosen = random(50);
    const deadline = all[chosen];
    if (deadline === undefined) continue;
    if (random(2) === 0) {
      deadlines.clear(deadline);
      expected.delete(chosen);
    } else {
      const withinMs = 1 + random(60);
      deadlines.move(deadline, withinMs);
      expected.set(chosen, nowMs + withinMs);
    }
  }
});
