// The kinds of text a configuration has: names, keys, addresses, headers, paths.
// Pure; runs anywhere. None of them repeats what was written: it may be a secret.

import { isIP } from "node:net";
import { resolve } from "node:path";
import * as v from "valibot";
import { isMapping } from "./closed-object.ts";
import type { Mapping } from "./closed-object.ts";
import { leaf } from "./value-schemas.ts";
import type { Reading, Schema } from "./value-schemas.ts";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const headerNamePattern = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Text that is not empty and fits one line. */
export function text(what = "must be text"): Schema<string> {
  return leaf((written) => readText(written, what));
}

function readText(written: unknown, what: string): Reading<string> {
  if (typeof written === "number" || typeof written === "boolean") {
    return { allowed: `${what}: put quotes around it` };
  }
  if (typeof written !== "string") return { allowed: what };
  if (written.trim() === "") return { allowed: `${what} that is not empty` };
  if (!isLine(written)) return { allowed: `${what} on one line` };
  return { value: written };
}

export function isLine(written: string): boolean {
  return !/\p{Cc}/u.test(written);
}

/** A name that fits a header, a metric's label and a span's name. */
export function name(): Schema<string> {
  return leaf((written) => {
    if (typeof written === "string" && namePattern.test(written)) return { value: written };
    const allowed = "must be a name of letters, digits, dots, hyphens and underscores";
    return { allowed: typeof written === "number" ? `${allowed}: put quotes around it` : allowed };
  });
}

export function isName(written: string): boolean {
  return namePattern.test(written);
}

/** A key as it travels in a header; white space around it is a copying slip and is cut off. */
export function secret(): Schema<string> {
  return leaf((written) => {
    if (typeof written === "number") return { allowed: "must be text: put quotes around it" };
    if (typeof written !== "string") return { allowed: "must be text" };
    const value = written.trim();
    if (value === "") return { allowed: "must not be empty" };
    if (!/^[\x21-\x7e]+$/.test(value)) {
      return { allowed: "must be printable ASCII without white space" };
    }
    return { value };
  });
}

/** An http or https address to which paths are added: no query, no slash at the end. */
export function baseUrl(): Schema<string> {
  return leaf((written) => {
    const reading = readHttpUrl(written);
    if (!("value" in reading)) return reading;
    const url = new URL(reading.value);
    if (url.search !== "" || url.hash !== "") {
      return { allowed: "must be an address without ? and #: paths are added to it" };
    }
    return { value: url.href.replace(/\/+$/, "") };
  });
}

/** An http or https address that is used as it is. */
export function httpUrl(): Schema<string> {
  return leaf(readHttpUrl);
}

/** The address in its normal form, or what is allowed. */
export function readHttpUrl(written: unknown): Reading<string> {
  const allowed = "must be an address that begins with http:// or https://";
  if (typeof written !== "string") return { allowed };
  const url = URL.parse(written.trim());
  if (!url || !/^https?:\/\//i.test(written.trim()) || url.hostname === "") return { allowed };
  if (url.username !== "" || url.password !== "") {
    return { allowed: "must not hold a user name or password: send them in headers" };
  }
  return { value: url.href };
}

/** What a server can listen on by its looks: a name, or an address with or without brackets. */
export function isHost(written: string): boolean {
  const plain = written.replace(/^\[(.*:.*)\]$/, "$1");
  // Where the last part is a number nobody reads a name.
  if (plain.includes(":") || /(?:^|\.)\d+$/.test(plain)) return isIP(plain) !== 0;
  return /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.?$/u.test(plain);
}

export function host(): Schema<string> {
  const allowed = "must be a host name or an IP address";
  return leaf((written) => {
    const reading = readText(written, allowed);
    return !("value" in reading) || isHost(reading.value) ? reading : { allowed };
  });
}

/** An absolute path; a relative one starts at `directory`. */
export function filePath(directory: string): Schema<string> {
  return v.pipe(
    text("must be a path"),
    v.transform((path) => resolve(directory, path)),
  );
}

/** A mapping with any keys, all values of one kind. */
export function mapOf<Value>(value: Schema<Value>): Schema<Record<string, Value>> {
  return v.pipe(mapping(), v.record(v.string(), value));
}

/** Any mapping, as it is. */
export function mapping(): Schema<Mapping> {
  return leaf((written) =>
    isMapping(written) ? { value: written } : { allowed: "must be a mapping of keys to values" },
  );
}

export function headerName(): Schema<string> {
  return leaf((written) => {
    if (typeof written === "string" && headerNamePattern.test(written)) {
      return { value: written.toLowerCase() };
    }
    return { allowed: "must be the name of an HTTP header" };
  });
}

/** Header names to values; the names come out in lower case. */
export function headers(): Schema<Record<string, string>> {
  return v.pipe(
    mapping(),
    v.record(
      v.pipe(
        v.string(),
        v.regex(headerNamePattern, "must be the name of an HTTP header"),
        v.toLowerCase(),
      ),
      leaf(readHeaderValue),
    ),
  );
}

export function isHeaderName(written: string): boolean {
  return headerNamePattern.test(written);
}

/** A header's value, or what is allowed. */
export function readHeaderValue(written: unknown): Reading<string> {
  if (typeof written !== "string") return { allowed: "must be text: put quotes around it" };
  const value = written.trim();
  if (/^[\t\x20-\x7e]*$/.test(value)) return { value };
  return { allowed: "must be printable ASCII on one line" };
}
