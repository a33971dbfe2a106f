import { expect, test } from "bun:test";
import { createCancellation } from "../../../src/workers/cancellation.ts";

test("all who listen are told once, by the first code; who comes late is told at once", () => {
  const cancellation = createCancellation();
  const told: string[] = [];
  cancellation.onCancel((code) => told.push(`early ${code}`));
  expect(cancellation.code()).toBeUndefined();
  cancellation.cancel("client_disconnected");
  cancellation.cancel("draining");
  cancellation.onCancel((code) => told.push(`late ${code}`));
  expect(told).toEqual(["early client_disconnected", "late client_disconnected"]);
  expect(cancellation.code()).toBe("client_disconnected");
});
