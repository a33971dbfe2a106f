// Tests: waiting for a condition with a deadline, in place of sleeping and hoping.

/** Resolves with the first value that is neither undefined nor false; rejects at the deadline, naming `what`. */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs: number,
  what = "the condition",
): Promise<T> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > until) throw new Error(`${what} did not hold within ${deadlineMs} ms`);
    await Bun.sleep(2);
  }
}
