// Builds the body of an OTLP/HTTP trace export (opentelemetry-proto: ExportTraceServiceRequest) around stored
// spans. Pure but for its buffer: the same calls give the same bytes, so that a resend after an unknown outcome
// is the same.

import { createByteWriter, type SpanBytes } from "./byte-writer.ts";
import type { CallTranslation } from "./dialects/dialect.ts";
import { attributeField, concatBytes, lengthField, textField, varint } from "./protobuf-writer.ts";

export interface OtlpEnvelope {
  readonly resource: Readonly<Record<string, string>>;
  readonly scopeName: string;
  readonly scopeVersion: string;
}

/** One request at a time, call by call. */
export interface RequestBuilder {
  readonly begin: () => void;
  /** Throws RangeError when the spans cannot be read. */
  readonly add: (spans: SpanBytes) => void;
  /** The body; good until the next `begin`. */
  readonly finish: () => Uint8Array;
}

/** Tag and length, twice. */
const headBytes = 12;

export function protobufRequest(
  envelope: OtlpEnvelope,
  translate: CallTranslation,
): RequestBuilder {
  const resource = lengthField(
    1,
    concatBytes(
      Object.entries(envelope.resource).map(([key, value]) => attributeField(1, key, value)),
    ),
  );
  const scope = lengthField(
    1,
    concatBytes([textField(1, envelope.scopeName), textField(2, envelope.scopeVersion)]),
  );
  const body = createByteWriter();
  return {
    begin: () => body.clear(resource.length + scope.length + headBytes),
    add: (spans) => translate(spans, body),
    finish() {
      const scopeSpansBytes = scope.length + body.size();
      const scopeSpansHead = Uint8Array.from([0x12, ...varint(scopeSpansBytes)]);
      const sizeBytes = resource.length + scopeSpansHead.length + scopeSpansBytes;
      const head = Uint8Array.from([0x0a, ...varint(sizeBytes)]);
      return body.under(concatBytes([head, resource, scopeSpansHead, scope]));
    },
  };
}
