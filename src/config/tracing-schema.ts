// The section `tracing` of the file: ledger, destinations, sampling. Pure; runs anywhere.

import { resolve } from "node:path";
import * as v from "valibot";
import { closedObject } from "./closed-object.ts";
import { defaults, dialects, samplerKinds } from "./schema.ts";
import type { DestinationConfig, LedgerConfig, TracingConfig } from "./schema.ts";
import { filePath, headers, httpUrl, mapOf, name, text } from "./text-schemas.ts";
import { decimal, duration, flag, integer, oneOf, size } from "./value-schemas.ts";
import type { Schema } from "./value-schemas.ts";

/** Retention is compared with clocks, not given to a timer: ten years are fine. */
const retentionMaxMs = 3650 * 86_400_000;

export interface Directories {
  /** Where relative paths of the file start: its own folder. */
  readonly file: string;
  readonly working: string;
  /** The ledger's file unless it is named, absolute; without it, the one of the defaults. */
  readonly usualLedger?: string | undefined;
}

export function tracingSchema(directories: Directories): Schema<TracingConfig> {
  const own = defaults.tracing;
  return v.pipe(
    closedObject({
      capture_content: v.optional(flag(), own.capture_content),
      content_limit: v.optional(integer(1, 100_000_000), own.content_limit),
      reply_waits_for: v.optional(oneOf(["commit", "export", "nothing"]), own.reply_waits_for),
      export_wait: v.optional(duration(), own.export_wait),
      ledger: v.optional(ledgerSchema(directories), {}),
      destinations: v.optional(
        v.array(destinationSchema(directories.file), "must be a list of destinations"),
        [],
      ),
      export_delay: v.optional(duration(), own.export_delay),
      max_export_batch: v.optional(integer(1, 100_000), own.max_export_batch),
      resource: v.optional(mapOf(text()), {}),
      sampler: v.optional(samplerSchema(), {}),
      disabled: v.optional(flag(), own.disabled),
    }),
    v.transform((section) => ({
      captureContent: section.capture_content,
      contentLimitChars: section.content_limit,
      replyWaitsFor: section.reply_waits_for,
      exportWaitMs: section.export_wait,
      ledger: section.ledger,
      destinations: section.destinations,
      exportDelayMs: section.export_delay,
      maxExportBatch: section.max_export_batch,
      resource: { ...defaults.resource, ...section.resource },
      sampler: section.sampler,
      disabled: section.disabled,
    })),
  );
}

function samplerSchema(): Schema<TracingConfig["sampler"]> {
  const own = defaults.sampler;
  return closedObject({
    kind: v.optional(oneOf(samplerKinds), own.kind),
    ratio: v.optional(decimal(0, 1), own.ratio),
  });
}

function ledgerSchema(directories: Directories): Schema<LedgerConfig> {
  const own = defaults.ledger;
  const usual = directories.usualLedger ?? resolve(directories.working, own.path);
  return v.pipe(
    closedObject({
      path: v.optional(filePath(directories.file), usual),
      retention: v.optional(duration({ min: 1000, max: retentionMaxMs }), own.retention),
      max_size: v.optional(size({ min: 2 ** 20 }), own.max_size),
      on_failure: v.optional(oneOf(["serve", "refuse"]), own.on_failure),
      commit_timeout: v.optional(duration({ min: 1 }), own.commit_timeout),
      durability: v.optional(oneOf(["process", "power"]), own.durability),
    }),
    v.transform((section) => ({
      path: section.path,
      retentionMs: section.retention,
      maxSizeBytes: section.max_size,
      onFailure: section.on_failure,
      commitTimeoutMs: section.commit_timeout,
      durability: section.durability,
    })),
  );
}

function destinationSchema(directory: string): Schema<DestinationConfig> {
  const own = defaults.destination;
  return v.pipe(
    closedObject({
      name: name(),
      endpoint: httpUrl(),
      headers: v.optional(headers(), {}),
      protocol: v.optional(oneOf(["http/protobuf", "http/json"]), own.protocol),
      compression: v.optional(oneOf(["gzip", "none"]), own.compression),
      timeout: v.optional(duration({ min: 1 }), own.timeout),
      dialect: v.optional(oneOf(dialects), own.dialect),
      backfill: v.optional(flag(), own.backfill),
      cut_parent: v.optional(flag(), own.cut_parent),
      attribute_limit: v.optional(integer(1, 100_000_000)),
      ca_file: v.optional(filePath(directory)),
      cert_file: v.optional(filePath(directory)),
      key_file: v.optional(filePath(directory)),
    }),
    v.transform((section) => ({
      name: section.name,
      endpoint: section.endpoint,
      headers: section.headers,
      protocol: section.protocol,
      compression: section.compression,
      timeoutMs: section.timeout,
      dialect: section.dialect,
      backfill: section.backfill,
      cutParent: section.cut_parent,
      attributeLimit: section.attribute_limit,
      caFile: section.ca_file,
      certFile: section.cert_file,
      keyFile: section.key_file,
    })),
  );
}
