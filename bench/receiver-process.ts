// Bench: the OTLP receiver, a process of its own. Counts what arrives and keeps nothing. Answers a message
// `count` with what it has so far.

import { countProtobufSpans } from "../src/demo/otlp-protobuf.ts";

/** What has arrived since the start. */
export interface ReceiverCount {
  readonly spans: number;
  readonly requests: number;
  /** As sent, compressed or not. */
  readonly wireBytes: number;
  readonly bytes: number;
}

let spans = 0;
let requests = 0;
let wireBytes = 0;
let bytes = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  maxRequestBodySize: 64 * 1024 * 1024,
  async fetch(request) {
    const sent = new Uint8Array(await request.arrayBuffer());
    const gzip = request.headers.get("content-encoding") === "gzip";
    const body = gzip ? Bun.gunzipSync(sent) : sent;
    spans += countProtobufSpans(body);
    requests += 1;
    wireBytes += sent.length;
    bytes += body.length;
    return new Response("", { headers: { "content-type": "application/x-protobuf" } });
  },
});

process.on("message", () => {
  process.send?.({ count: { spans, requests, wireBytes, bytes } satisfies ReceiverCount });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: server.port });
