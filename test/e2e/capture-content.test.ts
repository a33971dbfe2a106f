// `tracing.capture_content`: what was asked and answered, on the chat span, as guardrails left it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { apiBody, routes } from "../support/api-calls.ts";
import { testKeys, startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";

const awsKey = ["AKIA", "QZ7QZ7QZ7QZ7QZ7Q"].join("");

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway({
    config: () => ({
      guardrails: [
        {
          name: "secrets",
          type: "pattern",
          modes: ["pre_call", "post_call"],
          always: true,
          patterns: [{ name: "aws_key", regex: "AKIA[0-9A-Z]{16}" }],
          action: "mask",
        },
      ],
    }),
    env: { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" },
  });
});
afterAll(() => traced?.stop());

for (const route of routes) {
  test.each([false, true])(
    `${route}, stream %p: prompt and reply are told, masked`,
    async (stream) => {
      const reply = await fetch(traced.gateway.url + route, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: apiBody({
          route,
          stream,
          prompt: `the key is ${awsKey} by the way`,
          script: { text: `so ${awsKey} it is` },
          ...(route === "/v1/messages" && { fields: { system: "be brief" } }),
        }),
      });
      expect(await reply.text()).not.toContain(awsKey);
      const spans = await traced.trace(reply.headers.get("x-trace-id") ?? "");
      const chat = spans.find(({ name }) => name.startsWith("chat "));
      const read = (name: string): unknown => JSON.parse(String(chat?.attributes[name]));
      const input = read("gen_ai.input.messages") as { role: string }[];
      expect(input).toMatchObject([{ role: "user", parts: [{ type: "text" }] }]);
      expect(JSON.stringify(input)).toContain("by the way");
      const output = read("gen_ai.output.messages");
      expect(output).toMatchObject([{ role: "assistant", finish_reason: "stop" }]);
      expect(JSON.stringify(output)).toContain("it is");
      if (route === "/v1/messages") {
        expect(read("gen_ai.system_instructions")).toEqual([{ type: "text", content: "be brief" }]);
      }
      // A guardrail's own span may say what it was shown; the root shows what the chat span has, for backends.
      const others = spans.filter(({ name }) => !name.startsWith("apply_guardrail"));
      for (const secret of [awsKey, ...Object.values(testKeys)]) {
        expect(Bun.inspect(others, { depth: 9 })).not.toContain(secret);
      }
    },
  );
}
