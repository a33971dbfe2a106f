// Request lines as the providers' own batch APIs take them, and their result lines. Pure.
// OpenAI: `custom_id, method, url, body`; Anthropic: `custom_id, params`.

import { asObject, isText, type LooseObject } from "../apischema/loose-json.ts";
import type { ApiFormat } from "../config/schema.ts";

export type RequestLine =
  | {
      readonly ok: true;
      readonly api: ApiFormat;
      readonly customId: string;
      readonly body: LooseObject;
    }
  | { readonly ok: false; readonly customId: string; readonly problem: string };

/** Whether a file whose first row this is holds requests rather than rows. */
export function isRequestLine(fields: LooseObject): boolean {
  return isText(fields["custom_id"]) && (isObject(fields["body"]) || isObject(fields["params"]));
}

export function readRequestLine(fields: LooseObject): RequestLine {
  const customId = isText(fields["custom_id"]) ? fields["custom_id"] : "";
  const bad = (problem: string): RequestLine => ({ ok: false, customId, problem });
  if (customId === "") return bad("custom_id is missing");
  const params = asObject(fields["params"]);
  const body = params ?? asObject(fields["body"]);
  if (body === undefined) return bad("neither body nor params is an object");
  const url = fields["url"];
  if (params === undefined && url !== "/v1/chat/completions") {
    return bad("url is not /v1/chat/completions");
  }
  if (body["stream"] === true) return bad("a batch has no streams: leave `stream` out");
  return { ok: true, api: params === undefined ? "openai" : "anthropic", customId, body };
}

/** What became of a request; `body` is what the provider answered, when it did. */
export interface RequestResult {
  readonly call: string;
  readonly customId: string;
  readonly status: number;
  readonly requestId: string;
  readonly body: unknown;
  /** Empty when the provider answered. */
  readonly errorCode: string;
  readonly message: string;
}

export function resultLine(api: ApiFormat, result: RequestResult): LooseObject {
  return api === "openai" ? openaiResult(result) : anthropicResult(result);
}

function openaiResult(result: RequestResult): LooseObject {
  const { call, customId, status, requestId, body, errorCode, message } = result;
  const answered = errorCode === "";
  return {
    id: `batch_req_${call.replaceAll("-", "")}`,
    custom_id: customId,
    response: answered ? { status_code: status, request_id: requestId, body } : null,
    error: answered ? null : { code: errorCode, message },
  };
}

function anthropicResult(result: RequestResult): LooseObject {
  const { customId, status, body, errorCode, message } = result;
  if (errorCode === "" && status < 400) {
    return { custom_id: customId, result: { type: "succeeded", message: body } };
  }
  const own = { type: "error", error: { type: errorCode, message } };
  const error = errorCode === "" ? body : own;
  return { custom_id: customId, result: { type: "errored", error } };
}

function isObject(value: unknown): boolean {
  return asObject(value) !== undefined;
}
