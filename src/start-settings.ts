// What Bun reads from variables only when a process starts: so the process replaces itself once, first thing.
// Main thread.

type Settings = Readonly<Record<string, string>>;

const always: Settings = {
  /** Of fetches at once Bun runs 256 in a process; this is the largest value that it takes. */
  BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
  /** Memory goes back to the system after a second, not at once: back and forth it costs 3 to 5 % of a call. */
  MIMALLOC_PURGE_DELAY: "1000",
};

/**
 * A heap of a few megabytes is collected when it has grown by six times its size rather than by three, and by the
 * clock once a second rather than ten times: 5 to 9 % of a call, for some 35 MB under load. A batch has nothing of it.
 */
const serving: Settings = {
  BUN_JSC_heapGrowthMaxIncrease: "6",
  BUN_JSC_percentCPUPerMBForEdenTimer: "0.0001",
};

const thisMachine = ["localhost", "127.0.0.0/8", "::1"] as const;
const proxyNames = ["http", "https", "all"].flatMap((scheme) => [
  `${scheme}_proxy`,
  `${scheme}_proxy`.toUpperCase(),
]);

/**
 * Does not return where the process is replaced; elsewhere (Windows has no exec) Bun's own settings stay. What stands
 * in the environment already is left as it is.
 */
export function applyStartSettings(command: string | undefined): void {
  const settings = command === "serve" ? { ...always, ...serving } : always;
  const direct = directSettings(process.env);
  const areSet = Object.keys(settings).every((name) => process.env[name] !== undefined);
  if (areSet && Object.keys(direct).length === 0) return;
  if (typeof process.execve !== "function") {
    Object.assign(process.env, direct); // of these Bun takes notice, in threads that start later, too
    return;
  }
  // In the compiled binary argv[1] is the embedded entry, which the new process adds by itself.
  const rest = Bun.isStandaloneExecutable
    ? process.argv.slice(2)
    : [...process.execArgv, ...process.argv.slice(1)];
  const environment = { ...settings, ...process.env, ...direct };
  process.execve(process.execPath, [process.execPath, ...rest], environment);
}

/** A local collector, model or guardrail is never behind the proxy that the environment names; Bun would ask it. */
export function directSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  if (!proxyNames.some((name) => (environment[name] ?? "") !== "")) return {};
  const given = (environment["no_proxy"] || environment["NO_PROXY"] || "").split(",");
  const named = given.map((name) => name.trim()).filter((name) => name !== "");
  const missing = thisMachine.filter((name) => !named.includes(name));
  if (missing.length === 0 || named.includes("*")) return {};
  const all = [...named, ...missing].join(",");
  return { no_proxy: all, NO_PROXY: all };
}
