// The guardrail that asks a server speaking LiteLLM's Generic Guardrail API. Worker threads. Nobody there
// (no connection, 502, 503, 504) and somebody who refuses are two things, with a policy each.

import { readBounded } from "../../apischema/bounded-body.ts";
import type { Guardrail, Verdict } from "./guardrail.ts";
import { genericApiPath, genericApiRequest, readGenericApiReply } from "./generic-api-wire.ts";
import type { WireSettings } from "./generic-api-wire.ts";

export interface GenericApiSettings extends WireSettings {
  /** Without a slash at the end. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** A verdict larger than this is no verdict. */
const replyBytesMax = 64 * 1024 * 1024;

export function createGenericApiGuardrail(
  settings: GenericApiSettings,
  fetchFrom: typeof fetch,
): Guardrail {
  const url = settings.url.endsWith(genericApiPath) ? settings.url : settings.url + genericApiPath;
  const headers: Record<string, string> = {
    ...settings.headers,
    "content-type": "application/json",
    ...(settings.apiKey !== undefined && { "x-api-key": settings.apiKey }),
  };
  return async (input, { signal }) => {
    let response: Response;
    let body: Buffer | undefined;
    try {
      response = await fetchFrom(url, {
        method: "POST",
        headers,
        body: JSON.stringify(genericApiRequest(input, settings)),
        signal,
        // A redirect would carry the texts to an address that nobody configured.
        redirect: "manual",
      });
      body = await readBounded(response, replyBytesMax);
    } catch (error) {
      if (signal.aborted) throw error;
      return { action: "failed", cause: "unreachable", message: "its server cannot be reached" };
    }
    return verdictOf(response.status, body, (text) => readGenericApiReply(text, input));
  };
}

function verdictOf(
  status: number,
  body: Buffer | undefined,
  read: (body: string) => Verdict,
): Verdict {
  if (status === 502 || status === 503 || status === 504) {
    return { action: "failed", cause: "unreachable", message: `its server answered ${status}` };
  }
  if (status !== 200) {
    return { action: "failed", cause: "error", message: `its server answered ${status}` };
  }
  if (body === undefined) {
    return { action: "failed", cause: "error", message: "its server's answer is too large" };
  }
  return read(new TextDecoder().decode(body));
}
