// What an error of SQLite or of the file system looks like when the volume has no room. Exporter thread; pure.

/** The log's index is a file, too, and SQLite has a code of its own for it. */
const codes: ReadonlySet<string> = new Set([
  "SQLITE_FULL",
  "SQLITE_IOERR_SHMSIZE",
  "ENOSPC",
  "EDQUOT",
]);

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && codes.has(String(error.code));
}
