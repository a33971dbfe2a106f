import { describe, expect, test } from "bun:test";
import { settleDestination } from "../../../../../src/tracing/exporter/dialects/destination-dialect.ts";
import { decodeSpans } from "../../../../../src/tracing/recorder/span-decoding.ts";
import { testDestination } from "../../../../support/exporter-harness.ts";
import { storedCall } from "../../../../support/stored-call.ts";
import { translateCall } from "../../../../support/translate-call.ts";

const langfuse = "https://cloud.langfuse.com/api/public/otel/v1/traces";
const phoenix = "http://127.0.0.1:6006/v1/traces";

describe("a destination under dialect auto", () => {
  test("gets the dialect of the backend its address tells, and that is said", () => {
    const settled = settleDestination(testDestination("lf", langfuse, { dialect: "auto" }));
    expect(settled.config.dialect).toBe("langfuse");
    expect(settled.notices).toEqual([
      "destination lf is Langfuse by its address: dialect langfuse",
    ]);
    const chat = decodeSpans(translateCall(settled.translate, storedCall()))[3];
    expect(chat?.attributes).toContainKey("langfuse.observation.cost_details");
    expect(chat?.attributes).not.toContainKey("mlflow.llm.cost");
  });

  test("gets the one set for all where the address tells nothing, without a word", () => {
    const settled = settleDestination(
      testDestination("any", "http://127.0.0.1:4318/v1/traces", { dialect: "auto" }),
    );
    expect(settled.config.dialect).toBe("auto");
    expect(settled.notices).toEqual([]);
    const chat = decodeSpans(translateCall(settled.translate, storedCall()))[3];
    expect(chat?.attributes).toContainKeys([
      "langfuse.observation.cost_details",
      "mlflow.llm.cost",
      "llm.model_name",
    ]);
  });

  test("keeps a dialect that was asked for, whatever the address", () => {
    const settled = settleDestination(testDestination("lf", langfuse, { dialect: "genai" }));
    expect(settled.config.dialect).toBe("genai");
    expect(settled.config.headers).toEqual({});
    expect(settled.notices).toEqual([]);
  });
});

describe("what a backend asks for", () => {
  test("is Langfuse's ingestion version, unless another is set", () => {
    const header = "x-langfuse-ingestion-version";
    const headers = { authorization: "Basic x" };
    expect(
      settleDestination(testDestination("lf", langfuse, { dialect: "langfuse", headers })).config
        .headers,
    ).toEqual({ ...headers, [header]: "4" });
    expect(
      settleDestination(
        testDestination("lf", langfuse, { dialect: "langfuse", headers: { [header]: "3" } }),
      ).config.headers,
    ).toEqual({ [header]: "3" });
  });

  test("is protobuf for Phoenix, which answers JSON with 415", () => {
    const settled = settleDestination(
      testDestination("px", phoenix, { dialect: "auto", protocol: "http/json" }),
    );
    expect(settled.config.protocol).toBe("http/protobuf");
    expect(settled.notices).toContain("destination px takes no JSON: it is sent http/protobuf");
    const json = testDestination("lf", langfuse, { dialect: "auto", protocol: "http/json" });
    expect(settleDestination(json).config.protocol).toBe("http/json");
  });
});
