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

/**
 * Does not return where the process is replaced; elsewhere (Windows has no exec) Bun's own settings stay. What stands
 * in the environment already is left as it is.
 */
export function applyStartSettings(command: string | undefined): void {
  const settings = command === "serve" ? { ...always, ...serving } : always;
  const areSet = Object.keys(settings).every((name) => process.env[name] !== undefined);
  if (areSet || typeof process.execve !== "function") return;
  // In the compiled binary argv[1] is the embedded entry, which the new process adds by itself.
  const rest = Bun.isStandaloneExecutable
    ? process.argv.slice(2)
    : [...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.execPath, ...rest], { ...settings, ...process.env });
}
