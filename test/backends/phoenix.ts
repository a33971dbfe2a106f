// Backends: Arize Phoenix from PyPI, read back over its GraphQL API.

import { startPythonServer } from "./python-server.ts";
import { listAt, numberAt, textAt, valueAt } from "./seen-trace.ts";
import type { Backend, SeenSpan, SeenTrace } from "./seen-trace.ts";

export async function startPhoenix(python: string): Promise<Backend> {
  const server = await startPythonServer(python, {
    name: "arize-phoenix",
    version: "20.26.1",
    command: () => ["phoenix", "serve"],
    env: (port, grpcPort, folder) => ({
      PHOENIX_WORKING_DIR: folder,
      PHOENIX_HOST: "127.0.0.1",
      PHOENIX_PORT: String(port),
      PHOENIX_GRPC_PORT: String(grpcPort),
      PHOENIX_TELEMETRY_ENABLED: "false",
    }),
    readyPath: "/healthz",
  });
  return {
    name: "Phoenix",
    version: server.version,
    destination: {
      endpoint: `${server.url}/v1/traces`,
      headers: { "x-project-name": "everyspan" },
    },
    chatType: "llm",
    hasOwnPrices: true,
    showsReasoning: true,
    judgesByRoot: false,
    read: (traceId) => read(server.url, traceId),
    stop: server.stop,
  };
}

const query = `query ($traceId: String!) { getTraceByOtelId(traceId: $traceId) {
  errorCount userId session { sessionId tokenUsage { total } } costSummary { total { cost tokens } }
  rootSpan { propagatedStatusCode input { value } output { value } }
  spans(first: 100) { edges { node {
    name spanId parentId spanKind statusCode statusMessage attributes costSummary { total { cost } }
    tokenCountPrompt tokenCountCompletion tokenPromptDetails { cacheRead cacheWrite }
  } } }
} }`;

async function read(url: string, traceId: string): Promise<SeenTrace | undefined> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables: { traceId } }),
  });
  const answer: unknown = await response.json();
  if (listAt(answer, "errors").length > 0) throw new Error(JSON.stringify(answer));
  const trace = valueAt(answer, "data", "getTraceByOtelId");
  if (trace === null || trace === undefined) return undefined;
  return {
    spans: listAt(trace, "spans", "edges").map((edge) => seenSpan(valueAt(edge, "node"))),
    isDone: valueAt(trace, "rootSpan") !== null,
    isError: textAt(trace, "rootSpan", "propagatedStatusCode") === "ERROR",
    session: textAt(trace, "session", "sessionId") || undefined,
    user: textAt(trace, "userId") || undefined,
    tokens: numberAt(trace, "costSummary", "total", "tokens"),
    // Zero is its word for a model that is not on its list.
    cost: numberAt(trace, "costSummary", "total", "cost") || undefined,
    input: textAt(trace, "rootSpan", "input", "value") || undefined,
    output: textAt(trace, "rootSpan", "output", "value") || undefined,
  };
}

const reasoningPath = ["completion_details", "reasoning"] as const;

function seenSpan(node: unknown): SeenSpan {
  const attributes: unknown = JSON.parse(textAt(node, "attributes") || "{}");
  // Where it was told nothing it counts zero: what it was told is in the attributes.
  const told = valueAt(attributes, "llm", "token_count");
  return {
    id: textAt(node, "spanId"),
    parentId: textAt(node, "parentId"),
    name: textAt(node, "name"),
    type: textAt(node, "spanKind"),
    isError: textAt(node, "statusCode") === "ERROR",
    message: textAt(node, "statusMessage"),
    model: textAt(attributes, "llm", "model_name") || undefined,
    tokens:
      told === undefined
        ? undefined
        : {
            input: numberAt(node, "tokenCountPrompt"),
            output: numberAt(node, "tokenCountCompletion"),
            cacheRead: numberAt(node, "tokenPromptDetails", "cacheRead"),
            cacheWrite: numberAt(node, "tokenPromptDetails", "cacheWrite"),
            reasoning: numberAt(told, ...reasoningPath),
          },
    cost: numberAt(node, "costSummary", "total", "cost"),
  };
}
