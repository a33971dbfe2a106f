// Tests: what a translation makes of a stored call, as bytes of its own.

import { createByteWriter, type SpanBytes } from "../../src/tracing/exporter/byte-writer.ts";
import type { CallTranslation } from "../../src/tracing/exporter/dialects/dialect.ts";

export function translateCall(translation: CallTranslation, spans: SpanBytes): Uint8Array {
  const out = createByteWriter();
  out.clear();
  translation(spans, out);
  return Uint8Array.from(out.bytes());
}
