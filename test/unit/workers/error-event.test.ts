import { expect, test } from "bun:test";
import { fromBinary } from "../../../src/protocol/binary-string.ts";
import { errorEvent } from "../../../src/workers/error-event.ts";

test("a broken stream ends in its own protocol's error event, in UTF-8", () => {
  const error = { code: "provider_cut", message: "brach ab: größer" } as const;
  const openai = fromBinary(errorEvent("chat_completions", error)).toString("utf8");
  expect(openai).toStartWith("data: {");
  expect(openai).toEndWith("\n\n");
  const anthropic = fromBinary(errorEvent("messages", error)).toString("utf8");
  expect(anthropic).toStartWith("event: error\ndata: {");
  for (const text of [openai, anthropic]) expect(text).toContain("größer");
});
