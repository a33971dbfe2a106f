// Says that calls were lost: the first at once, what follows once a second. A line for each would go to a disk that
// may be the full one. Server thread.

export const lossNoticeEveryMs = 1000;

/** The function takes how many calls were lost, and why. */
export function createLossNotice(
  notice: (level: "error", text: string) => void,
): (calls: number, reason: string) => void {
  let calls = 0;
  let reason = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tell(): void {
    timer = undefined;
    if (calls === 0) return;
    notice("error", `calls whose spans are lost, not committed: ${calls} (${reason})`);
    calls = 0;
    timer = setTimeout(tell, lossNoticeEveryMs);
    timer.unref();
  }

  return (lost, why) => {
    calls += lost;
    reason = why;
    if (timer === undefined) tell();
  };
}
