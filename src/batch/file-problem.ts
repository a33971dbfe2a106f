// What is wrong with a file that a person named, in words for that person. Pure.

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder, no file",
  ENOTDIR: "a part of its path is no folder",
  EEXIST: "a part of its path is no folder", // of folders that are to be made
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "its file system can only be read",
  ENOSPC: "no space is left",
  EDQUOT: "no space is left",
  EPIPE: "nobody reads it any more",
  ENAMETOOLONG: "its name is too long",
};

/** After the file's name and a colon. What is no error of a file keeps its own words. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (code.startsWith("Z_")) return `it cannot be decompressed: ${message}`;
  return reasons[code] ?? message;
}
