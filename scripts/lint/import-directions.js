// A rule for oxlint: which folder of src may import what. The folder says which thread runs the code, so
// an import across folders can pull one thread's state into another. Closed by default: a new folder or
// package is refused until it has a line here. Plain JavaScript, because oxlint loads it with Node.

import { relative, resolve, sep } from "node:path";

const repository = resolve(import.meta.dirname, "../..");

const shared = [
  "src/protocol/",
  "src/errors/",
  "src/apischema/",
  "src/config/",
  "src/collections/",
  "src/timers/",
];

/**
 * Who may import which of our files; the first matching line counts. Paths end in a slash for folders.
 * `{0}` is what the first group of `from` matched. A folder may always import from itself, unless `sealed`.
 */
const ours = [
  { from: /^src\/(?:main|command-line)\.ts$/, may: ["src/"] },
  { from: /^src\/(?:commands|demo)\//, may: ["src/"] },
  // Files at the root of src are leaves: facts about this program, for main and commands to read.
  { from: /^src\/[^/]+\.ts$/, may: [] },
  {
    from: /^src\/server\//,
    may: ["src/server/", ...shared, "src/tracing/recorder/", "src/entrypoints.ts"],
  },
  // A batch takes the HTTP server's place on the main thread, before the same pool and exporter.
  {
    from: /^src\/batch\//,
    may: [
      "src/batch/",
      "src/server/worker-pool.ts",
      "src/server/exporter-thread.ts",
      "src/server/unsettled-calls.ts",
      "src/server/kept-journals.ts",
      "src/server/sampler.ts",
      "src/server/resolve-model.ts",
      "src/server/select-guardrails.ts",
      "src/server/intake.ts",
      ...shared,
      "src/tracing/recorder/",
      "src/entrypoints.ts",
    ],
  },
  // A provider is a function of its inputs: no sibling, tracer, port, config or HTTP context.
  {
    from: /^src\/workers\/providers\/([^/]+)\/.+$/,
    may: ["src/workers/providers/{0}/", "src/workers/providers/*", "src/apischema/", "src/errors/"],
  },
  {
    from: /^src\/workers\/providers\//,
    may: ["src/workers/providers/", "src/apischema/", "src/errors/"],
  },
  {
    from: /^src\/workers\/guardrails\//,
    may: ["src/workers/guardrails/", "src/apischema/", "src/errors/"],
  },
  { from: /^src\/workers\//, may: ["src/workers/", ...shared, "src/tracing/recorder/"] },
  {
    from: /^src\/tracing\/exporter\//,
    may: [
      "src/tracing/exporter/",
      "src/tracing/recorder/",
      "src/protocol/",
      "src/errors/",
      "src/config/",
    ],
  },
  {
    from: /^src\/tracing\/recorder\//,
    may: ["src/tracing/recorder/", "src/protocol/", "src/errors/", "src/config/"],
  },
  { from: /^src\/protocol\//, may: ["src/protocol/", "src/errors/", "src/config/"] },
  { from: /^src\/config\//, may: ["src/config/", "src/errors/"] },
  { from: /^src\/apischema\//, may: ["src/apischema/", "src/errors/"] },
  { from: /^src\/errors\//, may: ["src/errors/"] },
  { from: /^src\/collections\//, may: ["src/collections/"] },
  { from: /^src\/timers\//, may: ["src/timers/"] },
];

/** Each third-party package, and each module of the platform that holds a thread or a file, has its home. */
const homes = {
  "@pydantic/genai-prices": ["src/workers/cost.ts"],
  "bun:sqlite": ["src/tracing/exporter/"],
  "csv-parse": ["src/batch/"],
  citty: ["src/main.ts", "src/command-line.ts", "src/commands/"],
  elysia: ["src/server/"],
  "jsonc-parser": ["src/apischema/"],
  "node:worker_threads": [
    "src/server/worker-pool.ts",
    "src/server/exporter-thread.ts",
    "src/workers/task-entry.ts",
    "src/workers/worker-link.ts",
    "src/tracing/exporter/exporter-entry.ts",
  ],
  piscina: ["src/server/worker-pool.ts"],
  valibot: ["src/config/", "src/apischema/", "src/batch/"],
};

const platformModules = /^(?:bun$|node:(?!worker_threads$))/;

/**
 * What is wrong with an import, or nothing. Paths are relative to the repository, with forward slashes.
 * @param {string} from
 * @param {string} specifier
 * @returns {string | undefined}
 */
function importProblem(from, specifier) {
  if (!from.startsWith("src/")) return undefined;
  if (!specifier.startsWith(".")) return packageProblem(from, specifier);
  const target = posix(relative(repository, resolve(repository, from, "..", specifier)));
  if (!target.startsWith("src/")) {
    return target === "package.json" ? undefined : `src must not reach outside itself: ${target}`;
  }
  for (const { from: pattern, may } of ours) {
    const match = pattern.exec(from);
    if (match === null) continue;
    const allowed = may.map((path) => path.replace("{0}", match[1] ?? ""));
    if (allowed.some((path) => covers(path, target))) return undefined;
    return `${from} must not import ${target}; it may import ${allowed.join(", ") || "nothing of ours"}`;
  }
  return `no line in scripts/lint/import-directions.js says what ${from} may import`;
}

function packageProblem(from, specifier) {
  if (platformModules.test(specifier)) return undefined;
  const name = specifier.startsWith("@")
    ? specifier.split("/", 2).join("/")
    : specifier.split("/", 1)[0];
  const places = homes[name];
  if (places === undefined) return `${name} has no home: give it a line in import-directions.js`;
  if (places.some((place) => covers(place, from))) return undefined;
  return `${name} is imported by ${places.join(", ")} only`;
}

/** `a/b/` covers all below it, `a/b/*` the files directly in it, anything else itself. */
function covers(place, path) {
  if (place.endsWith("/*")) {
    const folder = place.slice(0, -1);
    return path.startsWith(folder) && !path.slice(folder.length).includes("/");
  }
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}

function posix(path) {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

export default {
  meta: { name: "everyspan" },
  rules: {
    "import-directions": {
      create(context) {
        const from = posix(relative(repository, context.filename));
        const check = (node) => {
          if (node.source?.type !== "Literal" || typeof node.source.value !== "string") return;
          const message = importProblem(from, node.source.value);
          if (message !== undefined) context.report({ node: node.source, message });
        };
        return {
          ImportDeclaration: check,
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
          ImportExpression: check,
        };
      },
    },
  },
};
