// The headers that belong to one connection and to the framing of one message, and so never go on. Plain data.

/** RFC 9110 §7.6.1, and the length of a body that is framed anew. */
export const hopByHop: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
];
