// Random ids for traces, spans and calls. Runs on any thread; each thread makes its own source.

export interface IdSource {
  /** 32 lower-case hex digits, never all zero. */
  readonly traceId: () => string;
  /** 16 lower-case hex digits, never all zero. */
  readonly spanId: () => string;
  /** UUIDv7: call ids sort by time, which keeps the ledger's index append-only. */
  readonly callId: () => string;
}

const poolBytes = 8192;

/** Ids from the system's generator, drawn in blocks because a call to it costs more than an id. */
export function createIdSource(): IdSource {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;

  function draw(bytes: number): string {
    if (used + bytes > poolBytes) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    used += bytes;
    const id = pool.toString("hex", used - bytes, used);
    return /^0+$/.test(id) ? draw(bytes) : id;
  }

  return {
    traceId: () => draw(16),
    spanId: () => draw(8),
    callId: () => Bun.randomUUIDv7(),
  };
}
