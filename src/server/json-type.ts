// Which content types a route that reads JSON takes. Pure.

import { GatewayError } from "../errors/gateway-error.ts";

/** What `curl -d` and careless clients say of a JSON body. */
const lenientTypes: ReadonlySet<string> = new Set([
  "",
  "application/x-www-form-urlencoded",
  "text/plain",
]);
const utf8Names: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/**
 * `strict`: JSON must be said to be JSON. A web page may send any other of these types to anywhere without
 * its browser asking first, so without keys nothing else is taken.
 *
 * @throws GatewayError `unsupported_media_type`
 */
export function assertJsonType(headers: Headers, { strict }: { readonly strict: boolean }): void {
  const contentType = headers.get("content-type") ?? "";
  if (contentType === "application/json" && !headers.has("content-encoding")) return;
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "identity") {
    throw unsupported("a compressed body is not taken: send it without `content-encoding`");
  }
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const mediaType = type.trim();
  const isJson = mediaType === "application/json" || /^[^/]+\/[^/]+\+json$/.test(mediaType);
  if (!isJson && (strict || !lenientTypes.has(mediaType))) {
    throw unsupported("send the body with `content-type: application/json`");
  }
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=", 2);
    if (name.trim() !== "charset") continue;
    if (!utf8Names.has(value.trim().replace(/^"(.*)"$/, "$1"))) {
      throw unsupported("the body must be UTF-8");
    }
  }
}

/**
 * A body that is only passed on, without keys: of the types that a web page may send without its browser asking
 * first, those that no API takes are refused. (Files come as multipart; the page's own `Origin` is refused.)
 *
 * @throws GatewayError `unsupported_media_type`
 */
export function assertForwardedType(headers: Headers): void {
  const [type = ""] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  if (!lenientTypes.has(type.trim())) return;
  throw unsupported("say what the body is, with `content-type: application/json` for JSON");
}

function unsupported(message: string): GatewayError {
  return new GatewayError("unsupported_media_type", message);
}
