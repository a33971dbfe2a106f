// The sections `server` and `pool` of the file. Pure; runs anywhere.

import * as v from "valibot";
import { closedObject } from "./closed-object.ts";
import { defaults } from "./schema.ts";
import type { PoolConfig, ServerConfig } from "./schema.ts";
import { filePath, host, secret, text } from "./text-schemas.ts";
import { duration, flag, integer, leaf, size } from "./value-schemas.ts";
import type { Schema } from "./value-schemas.ts";

const threadsMax = 256;
/** A path of a Unix socket fits 103 bytes on every system we run on. */
const socketPathBytesMax = 103;

/** `directory` is where relative paths start. */
export function serverSchema(directory: string): Schema<ServerConfig> {
  const own = defaults.server;
  return v.pipe(
    closedObject({
      host: v.optional(host(), own.host),
      port: v.optional(integer(0, 65535), own.port),
      unix: v.optional(socketPath(directory)),
      insecure: v.optional(flag(), own.insecure),
      max_body: v.optional(size({ min: 1024, max: 2 ** 31 - 1 }), own.max_body),
      drain_timeout: v.optional(duration(), own.drain_timeout),
      export_on_exit: v.optional(duration(), own.export_on_exit),
      keys: v.optional(
        v.pipe(
          v.array(closedObject({ name: text(), key: secret() }), "must be a list of keys"),
          v.nonEmpty("must hold at least one key; without authentication, leave keys out"),
        ),
      ),
    }),
    v.transform((section) => ({
      host: section.host.replace(/^\[(.*)\]$/, "$1"),
      port: section.port,
      unix: section.unix,
      insecure: section.insecure,
      maxBodyBytes: section.max_body,
      drainTimeoutMs: section.drain_timeout,
      exportOnExitMs: section.export_on_exit,
      keys: section.keys ?? [],
    })),
  );
}

/** `cores` is what `threads: auto` stands for. */
export function poolSchema(cores: number): Schema<PoolConfig> {
  const own = defaults.pool;
  return v.pipe(
    closedObject({
      threads: v.optional(threads(cores), own.threads),
      calls_per_thread: v.optional(integer(1, 1_000_000), own.calls_per_thread),
      queue: v.optional(integer(0, 1_000_000), own.queue),
      stall_timeout: v.optional(duration({ min: 100 }), own.stall_timeout),
      strict: v.optional(flag(), own.strict),
    }),
    v.transform((section) => ({
      threads: section.threads,
      callsPerThread: section.calls_per_thread,
      queue: section.queue,
      stallTimeoutMs: section.stall_timeout,
      strict: section.strict,
    })),
  );
}

function threads(cores: number): Schema<number> {
  const count = integer(1, threadsMax);
  return leaf((written) => {
    if (written === "auto") return { value: Math.min(Math.max(1, cores), threadsMax) };
    const result = v.safeParse(count, written);
    if (result.success) return { value: result.output };
    return { allowed: `must be auto or a whole number from 1 to ${threadsMax}`, show: true };
  });
}

function socketPath(directory: string): Schema<string> {
  return v.pipe(
    filePath(directory),
    v.check(
      (path) => Buffer.byteLength(path) <= socketPathBytesMax,
      `must be a path of at most ${socketPathBytesMax} bytes, as sockets have it`,
    ),
  );
}
