// Where the notices of the commands go. Main thread.

import type { Notice } from "../server/gateway.ts";

/** On stderr. Bun paints what `console.error` says red on a terminal, so only errors are said with it. */
export const sayNotice: Notice = (level, text) => {
  const say = level === "error" ? console.error : console.warn;
  say(`${level}: ${text}`);
};
