import { expect, test } from "bun:test";
import { createPlainStreamReader } from "../../../../src/workers/providers/plain-stream-reader.ts";

test("a stream of unknown events passes as it is, and ends at [DONE] alone", () => {
  const reader = createPlainStreamReader();
  const frames = [
    'event: response.output_text.delta\ndata: {"delta":"[DONE]"}\n\n',
    'data: {"error":{"type":"x"},"usage":null}\n\n',
    ": comment\n\n",
    "data: [DONE]\n\n",
  ];
  const readings = frames.map((frame) => reader.read(frame));
  expect(readings.map((reading) => reading.forward)).toEqual(frames);
  expect(readings.map((reading) => reading.terminal)).toEqual([false, false, false, true]);
  expect(reader.facts()).toEqual({ finishReasons: [] });
  expect(reader.complete()).toBe(true);
});
