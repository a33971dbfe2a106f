// The seam: a guardrail is a function of texts and a stage. Worker threads. It sees no port, tracer,
// configuration or HTTP context, and keeps nothing between two checks. A new kind is one file that makes
// one of these, and one line in guardrail-table.ts.

export type Stage = "pre_call" | "during_call" | "post_call";

export interface GuardrailInput {
  /** Every text in document order, none empty. Under `json` escapes are undone already. */
  readonly texts: readonly string[];
  readonly stage: Stage;
  /** `/v1/chat/completions` and its like. */
  readonly route: string;
  readonly model: string;
  /** The call's id. */
  readonly call: string;
  readonly traceId: string;
  /** Data URLs, addresses or base64. */
  readonly images: readonly string[];
  /** In OpenAI's shape, whatever the route. */
  readonly tools: readonly unknown[];
  readonly toolCalls: readonly unknown[];
  /** The request as OpenAI messages; empty after the call. */
  readonly messages: readonly unknown[];
  /** Of a stream: whether this is all of it. A window before that ends where it ends. */
  readonly final: boolean;
  /** What the caller added for this guardrail: LiteLLM's `extra_body`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** The caller's headers, without any key of everyspan's own. */
  readonly headers: readonly (readonly [string, string])[];
  readonly endUser: string;
  /** The caller's key, by its name in the configuration; empty without keys. */
  readonly keyName: string;
}

type MaskedCounts = Readonly<Record<string, number>>;

/**
 * - `mask`: `texts` has as many as were given; `images` and `tools` too where they are there at all.
 *   `masked` counts what was found, by kind: in each of the texts, or in all of them together.
 * - `block`: `reason` is shown to the client; `category` goes into the trace and must not quote a text.
 * - `failed`: the guardrail could not say. `unreachable`: nobody was there to ask.
 */
export type Verdict =
  | { readonly action: "allow" }
  | {
      readonly action: "mask";
      readonly texts: readonly string[];
      readonly images?: readonly string[];
      readonly tools?: readonly unknown[];
      readonly masked?: MaskedCounts | readonly MaskedCounts[];
    }
  | { readonly action: "block"; readonly reason: string; readonly category: string }
  | {
      readonly action: "failed";
      readonly cause: "unreachable" | "error";
      /** Low in cardinality, quoting nothing: it goes into the trace and to the client. */
      readonly message: string;
    };

/** Rejects only when `signal` is aborted, or by a bug. */
export type Guardrail = (
  input: GuardrailInput,
  options: { readonly signal: AbortSignal },
) => Verdict | Promise<Verdict>;
