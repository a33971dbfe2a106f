// Backends: a trace as a backend shows it, whatever its API calls things. Plain data.

export interface SeenSpan {
  readonly id: string;
  /** Empty for a root. */
  readonly parentId: string;
  readonly name: string;
  /** The backend's own word in lower case: `llm`, `chat_model`, `chain`, `guardrail`. */
  readonly type: string;
  readonly isError: boolean;
  readonly message: string;
  readonly model: string | undefined;
  readonly tokens: SeenTokens | undefined;
  /** USD. */
  readonly cost: number | undefined;
}

export interface SeenTokens {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
  /** Undefined where the backend has no place for it. */
  readonly reasoning: number | undefined;
}

export interface SeenTrace {
  readonly spans: readonly SeenSpan[];
  /** The backend takes the trace for ended. */
  readonly isDone: boolean;
  readonly isError: boolean;
  readonly session: string | undefined;
  readonly user: string | undefined;
  /** Tokens of the whole trace, input and output together. */
  readonly tokens: number | undefined;
  /** USD of the whole trace. */
  readonly cost: number | undefined;
  readonly input: string | undefined;
  readonly output: string | undefined;
}

/** One running backend. */
export interface Backend {
  readonly name: string;
  readonly version: string;
  /** As configuration has it: endpoint and headers. */
  readonly destination: Readonly<Record<string, unknown>>;
  /** Its word for an LLM call. */
  readonly chatType: string;
  /** Its cost is its own price list's, whatever it is sent. */
  readonly hasOwnPrices: boolean;
  readonly showsReasoning: boolean;
  /** A trace is failed only if its root is. */
  readonly judgesByRoot: boolean;
  /** Undefined while it does not know the trace. */
  readonly read: (traceId: string) => Promise<SeenTrace | undefined>;
  readonly stop: () => Promise<void>;
}

/** A value inside what an API answered: undefined where the path leads nowhere. */
export function valueAt(document: unknown, ...path: readonly (string | number)[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}

export function numberAt(
  document: unknown,
  ...path: readonly (string | number)[]
): number | undefined {
  const value = valueAt(document, ...path);
  return typeof value === "number" ? value : undefined;
}

export function textAt(document: unknown, ...path: readonly (string | number)[]): string {
  const value = valueAt(document, ...path);
  return typeof value === "string" ? value : "";
}

export function listAt(
  document: unknown,
  ...path: readonly (string | number)[]
): readonly unknown[] {
  const value = valueAt(document, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
