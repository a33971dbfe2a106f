import { expect, test } from "bun:test";
import { portOf, providerNameOf } from "../../../src/workers/upstream.ts";

test.each([
  ["api.openai.com", "openai"],
  ["my.openai.azure.com", "azure.ai.openai"],
  ["api.groq.com", "groq"],
  ["eu.api.mistral.ai", "mistral_ai"],
  ["notapi.groq.com", "openai"],
  ["api.groq.com.evil.example", "openai"],
  ["localhost", "openai"],
])("%s is %s", (hostname, name) => {
  expect(providerNameOf("openai", hostname)).toBe(name);
});

test("a port that is not written is the scheme's", () => {
  expect(portOf(new URL("https://h/"))).toBe(443);
  expect(portOf(new URL("http://h/"))).toBe(80);
  expect(portOf(new URL("http://h:8080/"))).toBe(8080);
});
