// Bench: starts the helper processes and ends all of them, whatever way this process ends.

import { resolve } from "node:path";

import type { ReceiverCount } from "./receiver-process.ts";

export interface Helper {
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface Receiver extends Helper {
  readonly count: () => Promise<ReceiverCount>;
}

export interface Children {
  /** To be told of every process started; it is killed with this one. */
  readonly add: (child: Bun.Subprocess) => void;
  readonly startProvider: () => Promise<Helper>;
  readonly startPassThrough: (providerPort: number) => Promise<Helper>;
  readonly startReceiver: () => Promise<Receiver>;
  readonly killAll: () => void;
}

interface FromHelper {
  readonly port?: number;
  readonly count?: ReceiverCount;
}

const startWithinMs = 10_000;

export function createChildren(): Children {
  const running = new Set<Bun.Subprocess>();
  function add(child: Bun.Subprocess): void {
    running.add(child);
    void child.exited.then(() => running.delete(child));
  }
  function killAll(): void {
    for (const child of running) child.kill("SIGKILL");
  }
  process.on("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => process.exit(1));
  }

  async function start(file: string, ...rest: string[]): Promise<Receiver> {
    const started = Promise.withResolvers<number>();
    let counted: ((count: ReceiverCount) => void) | undefined;
    const child = Bun.spawn([process.execPath, resolve(import.meta.dir, file), ...rest], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
      env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
      ipc(message: FromHelper) {
        if (message.port !== undefined) started.resolve(message.port);
        if (message.count !== undefined) counted?.(message.count);
      },
    });
    add(child);
    const timer = setTimeout(
      () => started.reject(new Error(`${file} did not start`)),
      startWithinMs,
    );
    const port = await started.promise;
    clearTimeout(timer);
    return {
      port,
      pid: child.pid,
      async stop() {
        child.kill("SIGKILL");
        await child.exited;
      },
      count() {
        return new Promise((settle) => {
          counted = settle;
          child.send({});
        });
      },
    };
  }

  return {
    add,
    killAll,
    startProvider: () => start("provider-process.ts"),
    startPassThrough: (providerPort) =>
      start("pass-through-process.ts", `http://127.0.0.1:${providerPort}`),
    startReceiver: () => start("receiver-process.ts"),
  };
}
