// Backends: `bun run test:backends`. Starts Phoenix and MLflow from PyPI, sends every scenario through the real
// gateway, reads it back through their APIs and prints what reads right. Opt-in, for it needs Python and minutes.

import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import { apiBody, defaultModels, routes, type ApiRoute } from "../support/api-calls.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import {
  basicProviders,
  startTracedGateway,
  type TracedGateway,
} from "../support/traced-gateway.ts";
import { problemsOf, type Reading } from "./check-trace.ts";
import { startMlflow } from "./mlflow.ts";
import { startPhoenix } from "./phoenix.ts";
import { findPython, NotInstallable } from "./python-server.ts";
import { callerScenario, forbiddenWord, scenarios, type Scenario } from "./scenarios.ts";
import type { Backend, SeenTrace } from "./seen-trace.ts";
import { startSpread } from "./spread.ts";

/** How spans come to the backends. */
interface Way {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
  readonly cutsParent: boolean;
  /** Each backend is a destination of its own, known by its headers; else a collector stands between. */
  readonly isDirect: boolean;
  readonly recordsContent: boolean;
}

const ways: readonly Way[] = [
  {
    name: "direct",
    scenarios: [...scenarios, callerScenario],
    cutsParent: false,
    isDirect: true,
    recordsContent: false,
  },
  {
    name: "by a collector, with content",
    scenarios,
    cutsParent: false,
    isDirect: false,
    recordsContent: true,
  },
  {
    name: "cut_parent, with content",
    scenarios: [callerScenario],
    cutsParent: true,
    isDirect: true,
    recordsContent: true,
  },
];

interface Row {
  readonly way: Way;
  readonly scenario: Scenario;
  readonly route: ApiRoute;
  readonly traceId: string;
  readonly sent: readonly ReceivedSpan[];
}

const readMs = 60_000;

/** Slow first exports (MLflow) are no failure. */
const sentMs = 60_000;

const python = findPython();
if (python === undefined) {
  console.log("test:backends: skipped, there is no python3 with venv here");
  process.exit(0);
}
const backends: Backend[] = [];
/** Each with what is wrong: said again at the end, where a reader of a long log looks. */
const failures: string[] = [];
try {
  backends.push(await startPhoenix(python));
  backends.push(await startMlflow(python));
  for (const { name, version } of backends) console.log(`${name} ${version} is up`);
  for (const way of ways) {
    failures.push(...(await goOver(way)));
  }
  console.log(failures.length === 0 ? "\nall reads right" : "\nread wrong:");
  for (const failure of failures) console.log(failure);
} catch (error) {
  if (!(error instanceof NotInstallable)) throw error;
  console.log(`test:backends: skipped, a backend could not be installed: ${error.message}`);
} finally {
  await Promise.all(backends.map((backend) => backend.stop()));
}
process.exit(failures.length === 0 ? 0 : 1);

/** Sends every scenario and reads it back while the gateway still runs: a backend may be slow to take it. */
async function goOver(way: Way): Promise<string[]> {
  const spread = startSpread(backends);
  const traced = await startGateway(way, spread.url);
  try {
    const rows = await Promise.all(
      way.scenarios.flatMap((scenario) =>
        routes.map((route) => send(traced, { way, scenario, route })),
      ),
    );
    const wrong: string[] = [];
    for (const backend of backends) wrong.push(...(await report(way, backend, rows)));
    return wrong;
  } finally {
    await traced.stop();
    await spread.stop();
  }
}

/** A third destination is everyspan's own receiver: what was sent, by the conventions alone. */
async function startGateway(way: Way, spreadUrl: string): Promise<TracedGateway> {
  const destinations = way.isDirect
    ? backends.map(({ name, destination }) => ({ name: name.toLowerCase(), ...destination }))
    : [{ name: "collector", endpoint: spreadUrl }];
  const cut = destinations.map((destination) => ({ ...destination, cut_parent: way.cutsParent }));
  return startTracedGateway({
    config: (provider) => ({
      providers: basicProviders(provider),
      guardrails: [
        {
          name: "house",
          type: "pattern",
          modes: ["pre_call"],
          always: true,
          action: "block",
          patterns: [{ name: "forbidden", regex: forbiddenWord }],
        },
      ],
      pricing: [{ model: "house-priced", input: 10, output: 20, cached_input: 1, cache_write: 12 }],
    }),
    destinations: cut,
    env: way.recordsContent
      ? { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "span_only" }
      : {},
  });
}

async function send(traced: TracedGateway, call: Omit<Row, "traceId" | "sent">): Promise<Row> {
  const { scenario, route } = call;
  const caller = scenario.hasCaller === true ? newCallerSpan() : undefined;
  const response = await fetch(traced.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", ...scenario.headers, ...caller?.headers },
    body: apiBody({
      route,
      model: defaultModels[route],
      // Equal bodies would share one scripted failure.
      prompt: `hello from ${scenario.name}`,
      ...scenario.call,
    }),
  });
  await response.arrayBuffer().catch(() => undefined);
  const traceId = response.headers.get("x-trace-id") ?? "";
  return { ...call, traceId, sent: await traced.trace(traceId, sentMs) };
}

/** Prints one line per scenario and route; gives the calls that read wrong. */
async function report(way: Way, backend: Backend, rows: readonly Row[]): Promise<string[]> {
  console.log(`\n${backend.name} ${backend.version}, ${way.name}`);
  const reading: Reading = {
    unsetsRecovered: way.isDirect && !backend.judgesByRoot,
    cutsParent: way.cutsParent,
  };
  const wrong: string[] = [];
  for (const { scenario, route, traceId, sent } of rows) {
    const { seen, problems } = await readWhole(backend, traceId, (trace) =>
      problemsOf(trace, sent, backend, reading),
    );
    if (problems.length > 0) {
      wrong.push(
        [`${backend.name}, ${way.name}, ${scenario.name}, ${route}`, ...problems].join("\n  "),
      );
    }
    const mark = problems.length === 0 ? "ok   " : "WRONG";
    console.log(`  ${mark} ${scenario.name.padEnd(31)} ${route.padEnd(21)} ${figures(seen)}`);
    for (const problem of problems) console.log(`        ${problem}`);
  }
  return wrong;
}

interface ReadTrace {
  readonly seen: SeenTrace | undefined;
  readonly problems: readonly string[];
}

/**
 * Reads until nothing is wrong, or for too long: ingestion goes on after the answer, and sums (Phoenix's costs,
 * MLflow's trace) follow the spans that they are of.
 */
async function readWhole(
  backend: Backend,
  traceId: string,
  problemsIn: (seen: SeenTrace) => readonly string[],
): Promise<ReadTrace> {
  const until = performance.now() + readMs;
  for (;;) {
    const seen = await backend.read(traceId);
    const problems = seen === undefined ? ["never seen"] : problemsIn(seen);
    if (problems.length === 0 || performance.now() > until) return { seen, problems };
    await Bun.sleep(250);
  }
}

function figures(seen: SeenTrace | undefined): string {
  if (seen === undefined) return "";
  const types = seen.spans.filter(({ type }) => type !== "chain").map(({ type }) => type);
  const cost = seen.cost === undefined ? "" : ` $${seen.cost.toFixed(6)}`;
  const tokens = seen.tokens === undefined ? "" : ` ${seen.tokens} tokens`;
  const content = [seen.input && " input", seen.output && " output"].join("");
  return `${seen.spans.length} spans, ${types.join("+") || "no call"}${tokens}${cost}${content}`;
}
