// Backends: MLflow from PyPI, read back over its REST API.

import { startPythonServer } from "./python-server.ts";
import { listAt, numberAt, textAt, valueAt } from "./seen-trace.ts";
import type { Backend, SeenSpan, SeenTokens, SeenTrace } from "./seen-trace.ts";

export async function startMlflow(python: string): Promise<Backend> {
  const server = await startPythonServer(python, {
    name: "mlflow",
    version: "3.17.2",
    command: (port, _otherPort, folder) => [
      "mlflow",
      "server",
      "--host=127.0.0.1",
      `--port=${port}`,
      "--workers=1",
      `--backend-store-uri=sqlite:///${folder}/mlflow.db`,
      `--artifacts-destination=${folder}/artifacts`,
    ],
    env: () => ({ MLFLOW_DISABLE_TELEMETRY: "true" }),
    readyPath: "/health",
  });
  return {
    name: "MLflow",
    version: server.version,
    destination: {
      endpoint: `${server.url}/v1/traces`,
      headers: { "x-mlflow-experiment-id": "0" },
    },
    chatType: "chat_model",
    hasOwnPrices: false,
    showsReasoning: false,
    judgesByRoot: true,
    read: (traceId) => read(server.url, traceId),
    stop: server.stop,
  };
}

async function read(url: string, traceId: string): Promise<SeenTrace | undefined> {
  const response = await fetch(`${url}/api/3.0/mlflow/traces/get?trace_id=tr-${traceId}`);
  const answer: unknown = await response.json();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  const about = valueAt(answer, "trace", "trace_info");
  const kept = valueAt(about, "trace_metadata");
  const usage = parse(textAt(kept, "mlflow.trace.tokenUsage"));
  const cost = parse(textAt(kept, "mlflow.trace.cost"));
  return {
    spans: listAt(answer, "trace", "spans").map(seenSpan),
    isDone: ["OK", "ERROR"].includes(textAt(about, "state")),
    isError: textAt(about, "state") === "ERROR",
    session: textAt(kept, "mlflow.trace.session") || undefined,
    user: textAt(kept, "mlflow.trace.user") || undefined,
    tokens: numberAt(usage, "total_tokens"),
    cost: numberAt(cost, "total_cost"),
    input: textAt(about, "request_preview") || undefined,
    output: textAt(about, "response_preview") || undefined,
  };
}

function seenSpan(span: unknown): SeenSpan {
  const attributes = plainAttributes(listAt(span, "attributes"));
  const usage = attributes["mlflow.chat.tokenUsage"];
  const tokens: SeenTokens | undefined =
    usage === undefined
      ? undefined
      : {
          input: numberAt(usage, "input_tokens"),
          output: numberAt(usage, "output_tokens"),
          cacheRead: numberAt(usage, "cache_read_input_tokens"),
          cacheWrite: numberAt(usage, "cache_creation_input_tokens"),
          reasoning: undefined,
        };
  return {
    id: Buffer.from(textAt(span, "span_id"), "base64").toString("hex"),
    parentId: Buffer.from(textAt(span, "parent_span_id"), "base64").toString("hex"),
    name: textAt(span, "name"),
    type: textAt(attributes, "mlflow.spanType").toLowerCase(),
    isError: textAt(span, "status", "code") === "STATUS_CODE_ERROR",
    message: textAt(span, "status", "message"),
    model: textAt(attributes, "mlflow.llm.model") || undefined,
    tokens,
    cost: numberAt(attributes["mlflow.llm.cost"], "total_cost"),
  };
}

function plainAttributes(attributes: readonly unknown[]): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const attribute of attributes) {
    plain[textAt(attribute, "key")] = plainValue(valueAt(attribute, "value"));
  }
  return plain;
}

/** An OTLP AnyValue as MLflow's JSON has it. */
function plainValue(value: unknown): unknown {
  const pairs = valueAt(value, "kvlist_value", "values");
  if (Array.isArray(pairs)) return plainAttributes(pairs as readonly unknown[]);
  const kinds = ["string_value", "int_value", "double_value", "bool_value"];
  return kinds.map((kind) => valueAt(value, kind)).find((found) => found !== undefined);
}

function parse(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}
