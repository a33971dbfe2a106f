// Builds the body of an OTLP/HTTP trace export (opentelemetry-proto: ExportTraceServiceRequest) around stored
// spans. Pure: the same calls give the same bytes, so that a resend after an unknown outcome is the same.

import { attributeField, concatBytes, lengthField, textField } from "./protobuf-writer.ts";

export interface OtlpEnvelope {
  readonly resource: Readonly<Record<string, string>>;
  readonly scopeName: string;
  readonly scopeVersion: string;
}

/** The protobuf body; each of `calls` is concatenated ScopeSpans.spans entries. */
export function protobufRequest(
  envelope: OtlpEnvelope,
): (calls: readonly Uint8Array[]) => Uint8Array {
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
  return (calls) => {
    const scopeSpans = lengthField(2, concatBytes([scope, ...calls]));
    return lengthField(1, concatBytes([resource, scopeSpans]));
  };
}
