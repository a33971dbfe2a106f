import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createGenericApiGuardrail } from "../../../../src/workers/guardrails/generic-api.ts";
import type { Verdict } from "../../../../src/workers/guardrails/guardrail.ts";
import { guardrailInput } from "../../../support/guardrail-input.ts";
import { startGuardrailServer } from "../../../support/guardrail-server.ts";
import type { GuardrailServer } from "../../../support/guardrail-server.ts";

const settings = {
  apiKey: undefined,
  headers: {},
  forwardHeaders: [],
  additionalProviderSpecificParams: {},
};

let server: GuardrailServer;
beforeAll(() => {
  server = startGuardrailServer("word");
});
afterAll(() => server.stop());

async function ask(path: string, signal = new AbortController().signal): Promise<Verdict> {
  const guardrail = createGenericApiGuardrail({ ...settings, url: server.url + path }, fetch);
  return guardrail(guardrailInput({ texts: ["a word", "other"] }), { signal });
}

describe("a server that speaks the Generic Guardrail API", () => {
  test("allows, blocks with its reason, masks by position", async () => {
    expect(await ask("/allow")).toEqual({ action: "allow" });
    expect(await ask("/block")).toEqual({
      action: "block",
      reason: "not in this house",
      category: "policy",
    });
    expect(await ask("/mask")).toEqual({ action: "mask", texts: ["a [gone]", "other"] });
  });

  test("that answers with an error has failed; one that is busy or not there cannot be reached", async () => {
    expect(await ask("/error")).toMatchObject({ action: "failed", cause: "error" });
    expect(await ask("/busy")).toMatchObject({ action: "failed", cause: "unreachable" });
    const nobody = createGenericApiGuardrail({ ...settings, url: "http://127.0.0.1:9" }, fetch);
    const verdict = await nobody(guardrailInput(), { signal: new AbortController().signal });
    expect(verdict).toMatchObject({ action: "failed", cause: "unreachable" });
  });

  test("that answers with no JSON, or rewrites another number of texts, has failed", async () => {
    expect(await ask("/garbage")).toMatchObject({ action: "failed", cause: "error" });
    expect(await ask("/mismatch")).toMatchObject({ action: "failed", cause: "error" });
  });

  test("is let go of when the signal says so", async () => {
    const controller = new AbortController();
    const running = ask("/slow", controller.signal);
    controller.abort();
    expect(running).rejects.toThrow();
  });

  test("is asked at the API's own path, once", async () => {
    const asked: string[] = [];
    const fake = (async (url: string) => {
      asked.push(url);
      return Response.json({});
    }) as unknown as typeof fetch;
    const path = "/beta/litellm_basic_guardrail_api";
    for (const url of ["http://g", `http://g${path}`]) {
      await createGenericApiGuardrail({ ...settings, url }, fake)(guardrailInput(), {
        signal: new AbortController().signal,
      });
    }
    expect(asked).toEqual([`http://g${path}`, `http://g${path}`]);
  });
});
