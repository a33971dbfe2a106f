// The general `OTEL_*` variables, as a fragment of the section `tracing`. Pure; runs anywhere.
// Rules of the OpenTelemetry specification: empty is unset, enumerations in any case, and a
// value that cannot be used is warned of and ignored, never an error.

import { timerMaxMs } from "./durations.ts";
import { variable } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { samplerKinds } from "./schema.ts";
import { isLine } from "./text-schemas.ts";

export interface OtelFragment {
  /** Keys and values as they could stand under `tracing` in the file. */
  readonly tracing: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export function otelFragment(environment: Environment): OtelFragment {
  const warnings: string[] = [];
  const warn = (name: string, allowed: string): undefined => {
    warnings.push(`${name} ${allowed}; it is ignored`);
    return undefined;
  };
  const tracing = {
    disabled: variable(environment, "OTEL_SDK_DISABLED")?.trim().toLowerCase() === "true",
    export_delay: readDelay(environment, warn),
    sampler: readSampler(environment, warn),
    capture_content: readCapture(environment, warn),
  };
  const given = Object.entries(tracing).filter(
    ([, value]) => value !== undefined && value !== false,
  );
  const resource = readResource(environment, warn);
  warnings.push(...findUnread(environment));
  return { tracing: Object.fromEntries(given), resource, warnings };
}

export type Warn = (name: string, allowed: string) => undefined;

function readDelay(environment: Environment, warn: Warn): string | undefined {
  const name = "OTEL_BSP_SCHEDULE_DELAY";
  const written = variable(environment, name)?.trim();
  if (written === undefined) return undefined;
  if (/^\d{1,10}$/.test(written) && Number(written) <= timerMaxMs) return `${Number(written)}ms`;
  return warn(name, "must be a number of milliseconds");
}

function readSampler(
  environment: Environment,
  warn: Warn,
): { kind: string; ratio?: number } | undefined {
  const name = "OTEL_TRACES_SAMPLER";
  const written = variable(environment, name)?.trim().toLowerCase();
  if (written === undefined) return undefined;
  const kind = samplerKinds.find((known) => known === written);
  if (kind === undefined) return warn(name, `must be one of ${samplerKinds.join(", ")}`);
  if (!kind.endsWith("traceidratio")) return { kind };
  const argument = variable(environment, `${name}_ARG`);
  if (argument === undefined) return { kind };
  const ratio = Number(argument);
  if (ratio >= 0 && ratio <= 1) return { kind, ratio };
  warn(`${name}_ARG`, "must be a number from 0 to 1");
  return { kind };
}

function readCapture(environment: Environment, warn: Warn): boolean | undefined {
  const name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
  const written = variable(environment, name)?.trim().toLowerCase();
  if (written === undefined) return undefined;
  if (["span_only", "span_and_event", "true"].includes(written)) return true;
  if (["no_content", "false"].includes(written)) return false;
  if (written === "event_only") {
    return warn(name, "is event_only, and everyspan records content on spans alone");
  }
  return warn(name, "must be one of no_content, span_only, event_only, span_and_event");
}

function readResource(environment: Environment, warn: Warn): Record<string, string> {
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  const written = variable(environment, name);
  const pairs = written === undefined ? [] : parsePairs(written);
  // The specification: any mistake in it discards the whole of it.
  const whole = pairs.every((pair) => pair !== undefined && isLine(pair[1]));
  if (!whole) warn(name, "must be key=value,key=value, percent-encoded, each on one line");
  const given = pairs.flatMap((pair) =>
    pair === undefined || pair[1].trim() === "" ? [] : [pair],
  );
  const attributes = Object.fromEntries(whole ? given : []);
  const service = variable(environment, "OTEL_SERVICE_NAME")?.trim();
  if (service === undefined) return attributes;
  if (isLine(service)) return { ...attributes, "service.name": service };
  warn("OTEL_SERVICE_NAME", "must be text on one line");
  return attributes;
}

const lengthLimits = ["", "SPAN_"].map((of) => `OTEL_${of}ATTRIBUTE_VALUE_LENGTH_LIMIT`);

/** Standard variables that somebody sets for a reason, and that change nothing here. */
function findUnread(environment: Environment): string[] {
  const found: string[] = [];
  const propagators = variable(environment, "OTEL_PROPAGATORS")?.toLowerCase().split(",");
  if (propagators?.every((name) => name.trim() !== "tracecontext") === true) {
    found.push(
      "OTEL_PROPAGATORS is not read here; traceparent and tracestate are always passed on",
    );
  }
  if (variable(environment, "OTEL_CONFIG_FILE") !== undefined) {
    found.push("OTEL_CONFIG_FILE is not read here; see tracing in the configuration");
  }
  for (const name of lengthLimits) {
    if (variable(environment, name) === undefined) continue;
    found.push(`${name} is not read here; a destination has attribute_limit`);
  }
  return found;
}

/** `k=v,k=v`, percent-decoded; undefined in the place of a pair that is none. */
export function parsePairs(written: string): ([string, string] | undefined)[] {
  return written
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) return undefined;
      try {
        const key = decodeURIComponent(pair.slice(0, at).trim());
        return key === "" ? undefined : [key, decodeURIComponent(pair.slice(at + 1).trim())];
      } catch (error) {
        if (error instanceof URIError) return undefined;
        throw error;
      }
    });
}
