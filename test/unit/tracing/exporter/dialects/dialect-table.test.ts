// Golden files: exactly what each backend is sent of one call, each attribute with the rule it serves there.
// EVERYSPAN_UPDATE_FIXTURES=1 writes the spans anew; the rules are written by hand.

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { dialects } from "../../../../../src/config/schema.ts";
import { settleDestination } from "../../../../../src/tracing/exporter/dialects/destination-dialect.ts";
import { dialectNamed } from "../../../../../src/tracing/exporter/dialects/dialect-table.ts";
import {
  decodeSpans,
  type DecodedSpan,
} from "../../../../../src/tracing/recorder/span-decoding.ts";
import { testDestination } from "../../../../support/exporter-harness.ts";
import { storedCall } from "../../../../support/stored-call.ts";
import { translateCall } from "../../../../support/translate-call.ts";

interface Golden {
  readonly backend: string;
  readonly destination: {
    readonly endpoint: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly dialect: string;
    readonly cutParent?: boolean;
    readonly attributeLimit?: number;
  };
  /** Headers as sent. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rules: Readonly<Record<string, string>>;
  readonly spans: readonly unknown[];
}

const folder = resolve(import.meta.dir, "../../../../fixtures/dialects");
const backends = ["langfuse", "phoenix", "mlflow", "jaeger", "tempo", "collector"] as const;

/** Longer than Tempo keeps. */
const longInput = JSON.stringify([
  { role: "user", parts: [{ type: "text", content: "Où est Zoé? ".repeat(250) }] },
]);

function sentTo({ destination }: Golden, name: string) {
  const settled = settleDestination(
    testDestination(name, destination.endpoint, {
      dialect: destination.dialect,
      ...(destination.headers && { headers: destination.headers }),
      ...(destination.cutParent !== undefined && { cutParent: destination.cutParent }),
      ...(destination.attributeLimit && { attributeLimit: destination.attributeLimit }),
    }),
  );
  const chat = destination.attributeLimit ? { "gen_ai.input.messages": longInput } : {};
  const spans = decodeSpans(translateCall(settled.translate, storedCall({ content: true, chat })));
  return { headers: settled.config.headers, spans: spans.map(plainSpan) };
}

function plainSpan(span: DecodedSpan) {
  const { name, spanId, parentSpanId, kind, statusCode, statusMessage, links } = span;
  const status = statusCode === 0 ? {} : { status: { code: statusCode, message: statusMessage } };
  const linked = links.length === 0 ? {} : { links: links.map((link) => ({ ...link })) };
  return { name, kind, spanId, parentSpanId, ...status, ...linked, attributes: span.attributes };
}

describe("the spans that a backend is sent", () => {
  test.each(backends)("%s: are those of its golden file", (name) => {
    const file = `${folder}/${name}.json`;
    const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;
    const sent = sentTo(golden, name);
    if (process.env["EVERYSPAN_UPDATE_FIXTURES"] === "1") {
      writeFileSync(file, `${JSON.stringify({ ...golden, ...sent }, null, 2)}\n`);
      return;
    }
    expect(sent.headers).toEqual(golden.headers);
    expect(sent.spans as unknown[]).toEqual([...golden.spans]);
  });

  test.each(backends)("%s: have a rule for every attribute, and no rule without one", (name) => {
    const golden = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")) as Golden;
    const used = new Set(
      (golden.spans as { attributes: object }[]).flatMap((span) => Object.keys(span.attributes)),
    );
    expect([...used].toSorted()).toEqual(Object.keys(golden.rules).toSorted());
    expect(Object.values(golden.rules).filter((rule) => rule === "")).toEqual([]);
  });
});

describe("dialect names", () => {
  test("each have a table of their own", () => {
    expect(new Set(dialects.map(dialectNamed)).size).toBe(dialects.length);
  });

  test("that are unknown mean the default", () => {
    expect(dialectNamed("no-such")).toBe(dialectNamed("auto"));
  });
});
