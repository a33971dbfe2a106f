import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { createLossNotice, lossNoticeEveryMs } from "../../../src/server/loss-notice.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("the first loss is said at once, those of each second after it in one line", () => {
  const said: string[] = [];
  const lost = createLossNotice((_, text) => said.push(text));
  for (let count = 0; count < 500; count++) lost(2, "full");
  expect(said).toEqual(["calls whose spans are lost, not committed: 2 (full)"]);
  jest.advanceTimersByTime(lossNoticeEveryMs);
  expect(said.at(-1)).toBe("calls whose spans are lost, not committed: 998 (full)");
  jest.advanceTimersByTime(10 * lossNoticeEveryMs);
  expect(said).toHaveLength(2);
  lost(1, "gone");
  expect(said.at(-1)).toBe("calls whose spans are lost, not committed: 1 (gone)");
});
