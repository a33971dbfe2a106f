// What each destination is sent of the same committed call: a real thread, a real ledger, real sockets.

import { afterEach, expect, test } from "bun:test";
import type { DestinationConfig } from "../../src/config/schema.ts";
import type { ExporterCommand } from "../../src/protocol/exporter-message.ts";
import { decodeSpans } from "../../src/tracing/recorder/span-decoding.ts";
import {
  startExporter,
  temporaryFolder,
  testDestination,
  testTracing,
  type TestExporter,
} from "../support/exporter-harness.ts";
import { startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { callerSpanId, storedCall } from "../support/stored-call.ts";
import { waitFor } from "../support/wait-for.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

function receiver(...start: Parameters<typeof startReceiver>): ScriptedReceiver {
  const started = startReceiver(...start);
  cleanups.push(started.stop);
  return started;
}

async function exporter(
  path: string,
  destinations: readonly DestinationConfig[],
): Promise<TestExporter> {
  const started = await startExporter(testTracing(path, { destinations }));
  cleanups.push(() => started.worker.terminate());
  return started;
}

const stored = storedCall({ content: true });
const call: Extract<ExporterCommand, { kind: "finished" }> = {
  kind: "finished",
  call: Bun.randomUUIDv7(),
  spans: Buffer.from(stored).toString("latin1"),
  spanCount: 8,
  sampled: true,
};

test("each destination gets the call in its own way, and the log says what was settled for it", async () => {
  const [plain, langfuse, cut, short] = [receiver(), receiver(), receiver(), receiver()];
  const thread = await exporter(folder(), [
    testDestination("plain", plain.endpoint),
    testDestination(
      "langfuse",
      langfuse.endpoint.replace("/v1/traces", "/api/public/otel/v1/traces"),
      { dialect: "auto" },
    ),
    testDestination("cut", cut.endpoint, { cutParent: true }),
    testDestination("short", short.endpoint, { attributeLimit: 40 }),
  ]);
  thread.send(call);
  const all = [plain, langfuse, cut, short];
  await waitFor(() => all.every((out) => out.accepted().length === 8), 5000, "all at all four");

  expect(plain.accepted()).toEqual(decodeSpans(stored));
  expect(langfuse.requests[0]?.headers["x-langfuse-ingestion-version"]).toBe("4");
  expect(langfuse.accepted()[3]?.attributes).toContainKey("langfuse.observation.cost_details");
  expect(plain.requests[0]?.headers).not.toContainKey("x-langfuse-ingestion-version");
  expect(cut.accepted()[0]).toMatchObject({ parentSpanId: "", links: [{ spanId: callerSpanId }] });
  expect(plain.accepted()[0]?.parentSpanId).toBe(callerSpanId);
  expect(short.accepted()[3]?.attributes["everyspan.cut_attributes"]).toContain(
    "gen_ai.input.messages",
  );
  expect(thread.notices()).toContain(
    "destination langfuse is Langfuse by its address: dialect langfuse",
  );
});

test("a call that is sent again after a restart is the same bytes, whatever the dialect", async () => {
  const refuse = () => new Response(null, { status: 503 });
  const dialects = ["auto", "genai", "langfuse", "mlflow", "phoenix"];
  const outs = dialects.map(() => receiver(refuse));
  const destinations = dialects.map((dialect, index) =>
    testDestination(dialect, outs[index]?.endpoint ?? "", {
      dialect,
      cutParent: index % 2 === 0,
      attributeLimit: 100,
    }),
  );
  const path = folder();
  const first = await exporter(path, destinations);
  first.send(call);
  await waitFor(() => outs.every((out) => out.requests.length > 0), 5000, "a first try of each");
  await first.stop(0);
  for (const out of outs) out.answerWith(() => new Response(null, { status: 200 }));
  await exporter(path, destinations);
  await waitFor(() => outs.every((out) => out.accepted().length === 8), 8000, "all accepted");
  for (const { requests } of outs) {
    expect(requests.length).toBeGreaterThan(1);
    const bodies = new Set(requests.map(({ body }) => Buffer.from(body).toString("hex")));
    expect(bodies.size).toBe(1);
  }
});
