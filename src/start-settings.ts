// What Bun reads from variables only when a process starts: so the process replaces itself once, first thing.
// Main thread.

/** Of fetches at once Bun runs 256 in a process; this is the largest value that it takes. */
const requestLimit = { name: "BUN_CONFIG_MAX_HTTP_REQUESTS", value: "65535" };
/** Memory goes back to the system after a second, not at once: taking it back and forth costs 3 to 5 % of a call. */
const allocator = { MIMALLOC_PURGE_DELAY: "1000" };
/**
 * A heap of a few megabytes is collected when it has grown by six times its size rather than by three, and by the
 * clock once a second rather than ten times: 5 to 9 % of a call, for some 35 MB under load.
 */
const collector = {
  BUN_JSC_heapGrowthMaxIncrease: "6",
  BUN_JSC_percentCPUPerMBForEdenTimer: "0.0001",
};

/** Does not return where the process is replaced; elsewhere (Windows has no exec) Bun's own settings stay. */
export function applyStartSettings(): void {
  const { name, value } = requestLimit;
  if (process.env[name] !== undefined || typeof process.execve !== "function") return;
  // In the compiled binary argv[1] is the embedded entry, which the new process adds by itself.
  const rest = Bun.isStandaloneExecutable ? process.argv.slice(2) : process.argv.slice(1);
  const environment = { ...allocator, ...collector, ...process.env, [name]: value };
  process.execve(process.execPath, [process.execPath, ...rest], environment);
}
