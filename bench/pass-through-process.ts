// Bench: what everything is measured against, a process of its own: Bun.serve and fetch on one thread, that
// read the request, send it on and hand the reply back. No keys, no spans, no routes.

const upstream: string = process.argv[2] ?? "";

const server: Bun.Server<undefined> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 64 * 1024 * 1024,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const reply = await fetch(`${upstream}${pathname}`, {
      method: request.method,
      headers: {
        "content-type": "application/json",
        authorization: request.headers.get("authorization") ?? "",
      },
      body: await request.arrayBuffer(),
    });
    const type = reply.headers.get("content-type") ?? "";
    return new Response(reply.body, { status: reply.status, headers: { "content-type": type } });
  },
});

process.on("disconnect", () => process.exit(0));
process.send?.({ port: server.port });
