// Where the notices of the commands go. Main thread.

import type { Notice } from "../server/gateway.ts";
import { printable } from "./printable.ts";

/** On stderr. Bun paints what `console.error` says red on a terminal, so only errors are said with it. */
export const sayNotice: Notice = (level, text) => {
  const say = level === "error" ? console.error : console.warn;
  // A bug comes with its stack, on lines of its own.
  say(`${level}: ${text.split("\n").map(printable).join("\n")}`);
};
