// Whether a path that is only forwarded means one thing to everyone who reads it. A provider (or what stands
// before it) may decode and normalise a path that everyspan did not, and so serve another one: above its
// base address, or one that generates, past the guardrails and without a `chat` span. Pure.

/** Deeper than this nobody encodes a path, unless to hide it. */
const decodingsMax = 3;

/**
 * @param path below the version, as sent
 * @param own the paths that have a handling of their own: no forwarded path may turn into one of them
 */
export function isPlainPath(path: string, own: ReadonlySet<string>): boolean {
  let form = path;
  for (let decodings = 0; ; decodings++) {
    if (!isPlainForm(form) || own.has(normalForm(form))) return false;
    if (!form.includes("%")) return true;
    if (decodings === decodingsMax) return false;
    const decoded = decode(form);
    if (decoded === undefined) return false;
    if (decoded === form) return true;
    form = decoded;
  }
}

function isPlainForm(form: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\\\x00-\x1f\x7f]/.test(form)) return false;
  const segments = form.split("/").slice(1);
  return segments.every((segment, index) => {
    const name = segment.split(";", 1)[0];
    if (name === "") return index === segments.length - 1 && index > 0;
    return name !== "." && name !== "..";
  });
}

/** As the most forgiving server would match it. */
function normalForm(form: string): string {
  return form
    .toLowerCase()
    .replace(/;[^/]*/g, "")
    .replace(/^(?:\/v1)+(?=\/)/, "")
    .replace(/\/+$/, "");
}

function decode(form: string): string | undefined {
  try {
    return decodeURIComponent(form);
  } catch {
    return undefined; // a stray percent sign: servers differ in what they make of it
  }
}
