// A parsed file, the environment and the command line to one configuration, or every problem
// there is. Pure; runs anywhere. Order: command line, file, environment, defaults.

import { resolve } from "node:path";
import * as v from "valibot";
import { closedObject, isMapping } from "./closed-object.ts";
import type { Mapping } from "./closed-object.ts";
import { crossCheck } from "./cross-checks.ts";
import { defaultProviders } from "./default-providers.ts";
import { substituteEnvironment } from "./environment-substitution.ts";
import type { Environment } from "./environment.ts";
import { guardrailsSchema } from "./guardrail-schema.ts";
import { otelFragment } from "./otel-environment.ts";
import { otlpFragment } from "./otlp-environment.ts";
import { applyOverrides } from "./overrides.ts";
import type { Overrides } from "./overrides.ts";
import { formatProblem, problemsOfIssues } from "./problems.ts";
import type { Problem } from "./problems.ts";
import { modelsSchema, pricingSchema, providersSchema } from "./provider-schema.ts";
import type { Config } from "./schema.ts";
import { poolSchema, serverSchema } from "./server-schema.ts";
import { tracingSchema } from "./tracing-schema.ts";
import type { Directories } from "./tracing-schema.ts";
import type { Schema } from "./value-schemas.ts";
import { findFileProblems, findWarnings } from "./warnings.ts";
import type { FileExists } from "./warnings.ts";

export interface Sources {
  /** The file's tree; an empty mapping without a file. */
  readonly document: unknown;
  readonly directories: Directories;
  readonly environment: Environment;
  readonly overrides: Overrides;
  readonly cores: number;
  readonly fileExists: FileExists;
}

export type Resolved =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export function resolveConfig(sources: Sources): Resolved {
  const substituted = substituteEnvironment(sources.document, sources.environment);
  const written = isMapping(substituted.document) ? substituted.document : {};
  const merged = mergeEnvironment(written, sources);
  const working = sources.directories.working;
  const { document, problems, renamed } = applyOverrides(
    merged.document,
    sources.overrides,
    working,
  );
  const parsed = v.safeParse(configSchema(sources), document);
  const found: Problem[] = [
    ...substituted.problems,
    ...problems,
    ...problemsOfIssues(parsed.issues ?? [], substituted.templates),
    ...crossCheck(document),
    ...(parsed.success ? findFileProblems(parsed.output, sources.fileExists) : []),
  ];
  if (!parsed.success || found.length > 0) {
    const unresolved = new Set(substituted.problems.map((problem) => problem.path));
    const told = found.filter(
      (problem) => substituted.problems.includes(problem) || !unresolved.has(problem.path),
    );
    const lines = inFileOrder(told, written).map((problem) =>
      formatProblem({
        ...problem,
        path: renamed.get(problem.path) ?? merged.renamed.get(problem.path) ?? problem.path,
      }),
    );
    return { ok: false, problems: [...new Set(lines)] };
  }
  const warnings = [...merged.warnings, ...findWarnings(parsed.output)];
  return { ok: true, config: parsed.output, warnings };
}

/** By section, as the file has them; within one, as they were found. */
function inFileOrder(problems: readonly Problem[], written: Mapping): Problem[] {
  const sections = Object.keys(written);
  const place = ({ path }: Problem) => {
    const at = sections.findIndex((section) => /^\w+/.exec(path)?.[0] === section);
    return at === -1 ? sections.length : at;
  };
  return problems.toSorted((left, right) => place(left) - place(right));
}

interface Merged {
  readonly document: Mapping;
  readonly warnings: readonly string[];
  readonly renamed: ReadonlyMap<string, string>;
}

/** What the environment says goes under the file: its keys count where the file has none. */
function mergeEnvironment(written: Mapping, sources: Sources): Merged {
  const { environment, fileExists, directories } = sources;
  const own = written["providers"];
  const renamed = new Map(
    ["openai", "anthropic"]
      .filter(() => own === undefined)
      .map((api) => [`providers.${api}.api_key`, `${api.toUpperCase()}_API_KEY`]),
  );
  const providers = own ?? defaultProviders(environment);
  const section = written["tracing"] ?? {};
  if (!isMapping(section)) return { document: { ...written, providers }, warnings: [], renamed };

  const otel = otelFragment(environment);
  const otlp =
    section["destinations"] === undefined
      ? otlpFragment(environment, { workingDirectory: directories.working, fileExists })
      : { destinations: section["destinations"], warnings: [] };
  const resource = section["resource"] ?? {};
  const tracing = {
    ...otel.tracing,
    ...Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined)),
    destinations: otlp.destinations,
    resource: isMapping(resource) ? { ...otel.resource, ...resource } : resource,
  };
  const document = { ...written, providers, tracing };
  return { document, warnings: [...otel.warnings, ...otlp.warnings], renamed };
}

function configSchema({ directories, cores }: Sources): Schema<Config> {
  const file = resolve(directories.file);
  return v.pipe(
    closedObject({
      server: v.optional(serverSchema(file), {}),
      pool: v.optional(poolSchema(cores), {}),
      providers: providersSchema(),
      models: v.optional(modelsSchema()),
      guardrails: v.optional(guardrailsSchema(file), []),
      tracing: v.optional(tracingSchema({ ...directories, file }), {}),
      pricing: v.optional(pricingSchema(), []),
    }),
    v.transform((section) => ({ ...section, models: section.models })),
  );
}
