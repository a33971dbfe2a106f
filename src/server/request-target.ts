// What a request's address says. Almost all addresses are plain, and of the same host as the one before: those
// are cut apart by hand, which is a fraction of what parsing a URL costs; all others are parsed.

export interface RequestTarget {
  /** Decoded as URL does: not at all, but for what it normalises. */
  readonly pathname: string;
  /** With its question mark; empty when there is none. */
  readonly search: string;
  readonly hostname: string;
  /** Undefined where it is the scheme's own. */
  readonly port: number | undefined;
}

/** No dot segments, nothing encoded, no query: what URL would leave as it is. */
const plainPath = /^\/[\w/-]*$/;
const afterScheme = "http://".length;

/**
 * A reader of `Request.url`; undefined for what is no URL (Bun makes it from the Host header, and leaves a host
 * that is none out of it).
 */
export function createTargetReader(): (url: string) => RequestTarget | undefined {
  let lastOrigin = "";
  let host: Pick<RequestTarget, "hostname" | "port"> = { hostname: "", port: undefined };
  return (url) => {
    const slash = url.indexOf("/", afterScheme);
    const path = slash < 0 ? "" : url.slice(slash);
    if (url.startsWith("http://") && plainPath.test(path)) {
      const origin = url.slice(0, slash);
      if (origin !== lastOrigin) {
        const parsed = URL.parse(origin);
        if (parsed === null) return undefined;
        host = hostOf(parsed);
        lastOrigin = origin;
      }
      return { pathname: path, search: "", hostname: host.hostname, port: host.port };
    }
    const parsed = URL.parse(url);
    if (parsed === null) return undefined;
    return { pathname: parsed.pathname, search: parsed.search, ...hostOf(parsed) };
  };
}

function hostOf({ hostname, port }: URL): Pick<RequestTarget, "hostname" | "port"> {
  return { hostname, port: port === "" ? undefined : Number(port) };
}
