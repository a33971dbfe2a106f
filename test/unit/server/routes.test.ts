import { describe, expect, test } from "bun:test";
import { matchRoute } from "../../../src/server/routes.ts";

describe("matchRoute", () => {
  test.each([
    ["/v1/chat/completions", "chat_completions", "openai", true],
    ["/chat/completions", "chat_completions", "openai", true],
    ["/v1/v1/chat/completions", "chat_completions", "openai", true],
    ["/v1/messages", "messages", "anthropic", true],
    ["/messages", "messages", "anthropic", true],
    ["/v1/messages/count_tokens", "count_tokens", "anthropic", false],
    ["/v1/models", "models", "openai", false],
    ["/v1/embeddings", "forward", "openai", false],
    ["/v1/messages/batches", "forward", "anthropic", false],
    ["/v1/anything/else", "forward", "openai", false],
  ] as const)("%s is %s, of %s", (path, name, api, generates) => {
    expect(matchRoute(path, false)).toMatchObject({ name, api, generates });
  });

  test("who sends anthropic-version is answered in that shape where both have the path", () => {
    expect(matchRoute("/v1/models", true)).toMatchObject({ name: "models", api: "anthropic" });
    expect(matchRoute("/v1/files", true)).toMatchObject({ name: "forward", api: "anthropic" });
    expect(matchRoute("/v1/chat/completions", true)?.api).toBe("openai");
  });

  test.each(["/", "/v1", "/v1/", "/v2/models", "/admin", "/v1/a//b", "/v1/%2e%2e/x"])(
    "%s is none of ours",
    (path) => {
      expect(matchRoute(path, false)).toBeUndefined();
    },
  );

  test("a template is low in cardinality, whatever the path", () => {
    expect(matchRoute("/v1/files/file-123", false)?.template).toBe("/v1/*");
    expect(matchRoute("/messages", false)?.template).toBe("/v1/messages");
  });
});
