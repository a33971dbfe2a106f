import { expect, test } from "bun:test";
import { fromBinary } from "../../../src/protocol/binary-string.ts";
import { streamErrorEvent } from "../../../src/server/stream-error.ts";

const error = { code: "worker_lost", message: 'the "thread"\nis gone: é 🎉' } as const;

test("OpenAI's stream ends with an error chunk, in UTF-8, whatever the message holds", () => {
  const text = fromBinary(streamErrorEvent("openai", error)).toString("utf8");
  expect(text).toMatch(/^data: .*\n\n/);
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? "";
  expect(JSON.parse(data)).toMatchObject({ error: { message: error.message } });
});

test("Anthropic's stream ends with an `error` event", () => {
  const text = fromBinary(streamErrorEvent("anthropic", error)).toString("utf8");
  const match = /^event: error\ndata: (.*)\n\n$/.exec(text);
  expect(JSON.parse(match?.[1] ?? "")).toMatchObject({
    type: "error",
    error: { type: "overloaded_error", message: error.message },
  });
});
