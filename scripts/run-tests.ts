// Runs the tests: one file after another, in random order, with an end in sight.
// A test stuck in a loop that never yields is beyond bun's own time limit, so the run as a whole has one.
// `--long` sets EVERYSPAN_LONG=1, by which the fault and load tests do their full number of rounds.
// Everything else on the command line goes to `bun test`: paths, --seed=N, -t NAME.

import { randomInt } from "node:crypto";
import { directSettings } from "../src/start-settings.ts";

const minuteMs = 60_000;

const own = new Set(["--long"]);
const isLong = Bun.argv.includes("--long");
const passedOn = Bun.argv.slice(2).filter((argument) => !own.has(argument));
const limitMs = (isLong ? 60 : 7.5) * minuteMs;

const hasSeed = passedOn.some((argument) => argument.startsWith("--seed"));
const seed = hasSeed ? [] : [`--seed=${randomInt(2 ** 31)}`];
// bunfig.toml has no say in this: without it a test has 5 s.
const command = ["test", "--randomize", "--timeout=20000", ...seed, ...passedOn];
console.log(`bun ${command.join(" ")}`);

const child = Bun.spawn([process.execPath, ...command], {
  stdin: "ignore",
  stdout: "inherit",
  stderr: "inherit",
  // A group of its own, so that the processes its tests started end with it.
  detached: true,
  env: {
    ...process.env,
    ...directSettings(process.env), // the tests' own requests are to this machine, too
    ...(isLong && { EVERYSPAN_LONG: "1" }),
  },
});

const watchdog = setTimeout(() => {
  console.error(`tests: not done after ${limitMs / minuteMs} minutes, stopping them`);
  killGroup(child.pid);
}, limitMs);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => killGroup(child.pid));

const exitCode = await child.exited;
clearTimeout(watchdog);
process.exit(child.signalCode === null ? exitCode : 1);

function killGroup(pid: number): void {
  if (process.platform === "win32") child.kill("SIGKILL");
  else process.kill(-pid, "SIGKILL");
}
