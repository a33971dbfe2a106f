import { expect, test } from "bun:test";
import { readErrorFacts } from "../../../../src/workers/providers/error-facts.ts";

test.each([
  [{ error: { code: "context_length_exceeded", type: "x" } }, "context_length_exceeded"],
  [{ error: { code: null, type: "overloaded_error" } }, "overloaded_error"],
  [{ error: { code: 400, type: "BadRequestError" } }, "BadRequestError"],
  [{ error: { code: 429 } }, "429"],
  [{ object: "error", type: "NotFoundError" }, "NotFoundError"],
  [{ error: {} }, "_OTHER"],
  [{ error: "a sentence" }, "_OTHER"],
  [{ detail: "a sentence" }, "_OTHER"],
])("of %j the error's type is %p", (json, type) => {
  expect(readErrorFacts(json)?.errorType).toBe(type);
});

test("a reply without an error has none", () => {
  for (const json of [{}, { error: null }, { error: [] }, { detail: 7 }, { object: "list" }]) {
    expect(readErrorFacts(json)).toBeUndefined();
  }
});

// `error.type` is recorded always, and a provider may put the prompt into any field of its error.
test("a code or type that is a sentence is nobody's type", () => {
  const sentence = "the prompt 'tell me a secret' is not allowed";
  expect(readErrorFacts({ error: { code: sentence, type: "policy" } })?.errorType).toBe("policy");
  expect(readErrorFacts({ error: { code: sentence, type: sentence } })?.errorType).toBe("_OTHER");
  expect(readErrorFacts({ error: { code: "c".repeat(65) } })?.errorType).toBe("_OTHER");
});

test("a message is kept as far as a span has room for it", () => {
  const facts = readErrorFacts({ error: { message: "m".repeat(5000) } });
  expect(facts?.errorMessage).toHaveLength(1024);
});
