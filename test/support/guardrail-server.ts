// Tests: a server that speaks the Generic Guardrail API and does what its path says: /allow, /block, /mask,
// /error, /slow, /garbage, /mismatch, /gate (allows once it is opened). Keeps what it was asked.

export interface GuardrailServer {
  readonly url: string;
  /** Bodies, by path: `requests("/mask")`. */
  readonly requests: (path: string) => readonly GuardrailRequest[];
  /** Lets everybody go who waits at /gate. */
  readonly openGate: () => void;
  readonly stop: () => void;
}

export interface GuardrailRequest {
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>> & { readonly texts: readonly string[] };
}

/** `word` is what /mask replaces by `[gone]`, and what /watch blocks. */
export function startGuardrailServer(word: string): GuardrailServer {
  const requests = new Map<string, GuardrailRequest[]>();
  let openGate = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    openGate = resolve;
  });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname.replace(/\/beta\/.*$/, "");
      const body = (await request.json()) as GuardrailRequest["body"];
      requests.set(path, [...(requests.get(path) ?? []), { headers: request.headers, body }]);
      if (path === "/gate") await gate;
      return answer(path, body.texts, word);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests: (path) => requests.get(path) ?? [],
    openGate: () => openGate(),
    stop: () => void server.stop(true),
  };
}

function answer(
  path: string,
  texts: readonly string[],
  word: string,
): Response | Promise<Response> {
  switch (path) {
    case "/block":
      return Response.json({ action: "BLOCKED", blocked_reason: "not in this house" });
    case "/watch":
      return texts.some((text) => text.includes(word))
        ? Response.json({ action: "BLOCKED", blocked_reason: "that word" })
        : Response.json({ action: "NONE" });
    case "/mask":
      return texts.some((text) => text.includes(word))
        ? Response.json({
            action: "GUARDRAIL_INTERVENED",
            texts: texts.map((text) => text.replaceAll(word, "[gone]")),
          })
        : Response.json({ action: "NONE" });
    case "/error":
      return new Response("broken", { status: 500 });
    case "/busy":
      return new Response("busy", { status: 503 });
    case "/garbage":
      return new Response("{not json");
    case "/mismatch":
      return Response.json({ action: "GUARDRAIL_INTERVENED", texts: [...texts, "one more"] });
    case "/slow":
      return new Promise(() => undefined);
    default:
      return Response.json({ action: "NONE" });
  }
}
