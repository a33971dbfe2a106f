// What Bun reads from variables only when a process starts: so the process replaces itself once, first thing.
// Above all, that it runs at most 256 fetches at once. Main thread.

const name = "BUN_CONFIG_MAX_HTTP_REQUESTS";
/** The largest value that Bun takes. */
const limit = "65535";
/** Memory goes back to the system after a second, not at once: taking it back and forth costs 3 to 5 % of a call. */
const allocator = { MIMALLOC_PURGE_DELAY: "1000" };

/** Does not return where the process is replaced; elsewhere (Windows has no exec) the limit stays. */
export function raiseRequestLimit(): void {
  if (process.env[name] !== undefined || typeof process.execve !== "function") return;
  // In the compiled binary argv[1] is the embedded entry, which the new process adds by itself.
  const rest = Bun.isStandaloneExecutable ? process.argv.slice(2) : process.argv.slice(1);
  const environment = { ...allocator, ...process.env, [name]: limit };
  process.execve(process.execPath, [process.execPath, ...rest], environment);
}
