// The section `guardrails` of the file. Pure; runs anywhere.

import * as v from "valibot";
import { closedObject, isMapping } from "./closed-object.ts";
import { findBacktracking } from "./regex-safety.ts";
import { builtinPatterns, defaults } from "./schema.ts";
import type { GuardrailCommon, GuardrailConfig, GuardrailMode } from "./schema.ts";
import { baseUrl, filePath, headerName, headers, mapping, name, secret } from "./text-schemas.ts";
import { duration, flag, integer, leaf, oneOf } from "./value-schemas.ts";
import type { Schema } from "./value-schemas.ts";

const modes: readonly GuardrailMode[] = ["pre_call", "during_call", "post_call"];
const types = ["generic_api", "pattern", "module"] as const;
const verdicts = ["block", "allow"] as const;
const charsMax = 1_000_000;

/** `directory` is where a module's relative path starts. */
export function guardrailsSchema(directory: string): Schema<readonly GuardrailConfig[]> {
  const kinds = {
    generic_api: genericApiSchema(),
    pattern: patternSchema(),
    module: moduleSchema(directory),
  };
  // Lazy over the type, not `v.variant`: that runs discriminators twice and words its own issue.
  const guardrail = v.lazy((written: unknown): Schema<GuardrailConfig> => {
    const type = isMapping(written) ? types.find((known) => known === written["type"]) : undefined;
    return type === undefined ? untypedSchema() : kinds[type];
  });
  return v.array(guardrail, "must be a list of guardrails");
}

function commonEntries() {
  const own = defaults.guardrail;
  return {
    name: name(),
    modes: v.pipe(
      v.array(oneOf(modes), `must be a list of ${modes.join(", ")}`),
      v.nonEmpty(`must hold at least one of ${modes.join(", ")}`),
    ),
    always: v.optional(flag(), own.always),
    on_error: v.optional(oneOf(verdicts), own.on_error),
    timeout: v.optional(duration({ min: 1 }), own.timeout),
    stream: v.optional(oneOf(["window", "whole"]), own.stream),
    holdback: v.optional(integer(0, charsMax), own.holdback),
    window_size: v.optional(integer(1, charsMax), own.window_size),
    window_time: v.optional(duration({ min: 1 }), own.window_time),
  };
}

type CommonSection = v.InferOutput<
  ReturnType<typeof closedObject<ReturnType<typeof commonEntries>>>
>;

function toCommon(section: CommonSection): GuardrailCommon {
  return {
    name: section.name,
    modes: [...new Set(section.modes)],
    always: section.always,
    onError: section.on_error,
    timeoutMs: section.timeout,
    stream: {
      mode: section.stream,
      holdbackChars: section.holdback,
      windowChars: section.window_size,
      windowMs: section.window_time,
    },
  };
}

function genericApiSchema(): Schema<GuardrailConfig> {
  return v.pipe(
    closedObject({
      ...commonEntries(),
      type: v.literal("generic_api"),
      url: baseUrl(),
      api_key: v.optional(secret()),
      headers: v.optional(headers(), {}),
      forward_headers: v.optional(v.array(headerName(), "must be a list of header names"), []),
      additional_provider_specific_params: v.optional(mapping(), {}),
      unreachable: v.optional(oneOf(verdicts)),
    }),
    v.transform((section) => ({
      ...toCommon(section),
      type: section.type,
      url: section.url,
      apiKey: section.api_key,
      headers: section.headers,
      forwardHeaders: section.forward_headers,
      additionalProviderSpecificParams: section.additional_provider_specific_params,
      unreachable: section.unreachable ?? section.on_error,
    })),
  );
}

function patternSchema(): Schema<GuardrailConfig> {
  const pattern = closedObject({ name: name(), regex: regex() });
  return v.pipe(
    closedObject({
      ...commonEntries(),
      type: v.literal("pattern"),
      patterns: v.optional(v.array(pattern, "must be a list of patterns"), []),
      builtin: v.optional(
        v.array(oneOf(builtinPatterns), `must be a list of ${builtinPatterns.join(", ")}`),
        [],
      ),
      action: v.optional(oneOf(["block", "mask"]), defaults.guardrail.action),
    }),
    v.check(
      (section) => section.patterns.length + section.builtin.length > 0,
      "looks for nothing; it needs patterns or builtin",
    ),
    v.transform((section) => ({
      ...toCommon(section),
      type: section.type,
      patterns: section.patterns,
      builtin: [...new Set(section.builtin)],
      action: section.action,
    })),
  );
}

function moduleSchema(directory: string): Schema<GuardrailConfig> {
  return v.pipe(
    closedObject({ ...commonEntries(), type: v.literal("module"), path: filePath(directory) }),
    v.transform((section) => ({ ...toCommon(section), type: section.type, path: section.path })),
  );
}

/** Says what is wrong with the type, and nothing of keys that only some types have. */
function untypedSchema(): Schema<GuardrailConfig> {
  return v.pipe(
    v.unknown(),
    v.transform((written) => (isMapping(written) ? { type: undefined, ...written } : written)),
    v.looseObject({ type: oneOf(types) }, "must be a mapping of keys to values"),
    // Never reached: what comes here has no known type.
    v.transform(() => {
      throw new Error("a guardrail without a type passed as one with");
    }),
  );
}

/** Not repeated in a problem: people look for secrets with it. */
function regex(): Schema<string> {
  return leaf((written) => {
    if (typeof written !== "string") return { allowed: "must be text: put quotes around it" };
    try {
      const matchesEmpty = new RegExp(written).test("");
      const danger = findBacktracking(written);
      if (danger !== undefined) {
        return { allowed: `must not be able to backtrack without end: it ${danger}` };
      }
      return matchesEmpty ? { allowed: "must not match the empty text" } : { value: written };
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^.*: /, "") : "";
      return { allowed: `must be a JavaScript regular expression: ${reason}` };
    }
  });
}
