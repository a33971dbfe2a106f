// A file beside the ledger that takes up room until the volume is full, exporter thread. It is given up then, so that
// the log can be moved, cursors written, calls deleted; it is made anew once there is room. Left empty, it tells the
// next process that it was given up. Only who holds the ledger's lock may write it.

import { randomFillSync } from "node:crypto";
import { renameSync, rmSync, statfsSync, statSync, truncateSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { isDiskFull } from "./disk-full.ts";
import { planRoom, type RoomPlan, type VolumeRoom } from "./ledger-room.ts";

export interface LedgerReserve {
  /** For the volume as it was when it was last looked at. */
  plan(): RoomPlan;
  /** Looks at the volume. Undefined where it does not say. */
  room(): VolumeRoom | undefined;
  isThere(): boolean;
  /** Given up, by whichever process, and not made anew since. */
  isGivenUp(): boolean;
  /** True when the volume has more room for it. Never throws. */
  giveUp(): boolean;
  /** False when the volume has no room for it after all. Never rejects. */
  make(): Promise<boolean>;
}

const sliceBytes = 256 * 1024;

/** Where the reserve of a ledger is. */
export function reservePath(ledgerPath: string): string {
  return `${ledgerPath}-reserve`;
}

export function createLedgerReserve(ledgerPath: string): LedgerReserve {
  const path = reservePath(ledgerPath);
  const unfinished = `${path}.part`;
  let plan = planRoom(Infinity);
  let timesGivenUp = 0;

  const sizeBytes = (): number | undefined => {
    try {
      return statSync(path, { throwIfNoEntry: false })?.size;
    } catch {
      return undefined; // not even the way there is left
    }
  };

  const room = (): VolumeRoom | undefined => {
    try {
      const { blocks, bavail, bsize } = statfsSync(dirname(path));
      if (blocks === 0) return undefined;
      plan = planRoom(blocks * bsize);
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    } catch {
      return undefined; // the folder is not there yet, or not any more
    }
  };

  /** Written to its end: a file with holes takes up no room, nor does what a file system can compress. */
  const write = async (): Promise<boolean> => {
    const before = timesGivenUp;
    const slice = randomFillSync(new Uint8Array(sliceBytes));
    const file = await open(unfinished, "w", 0o600);
    try {
      for (let left = plan.reserveBytes; left > 0; left -= sliceBytes) {
        await file.writeFile(slice.subarray(0, left));
        if (timesGivenUp > before) return false;
      }
    } finally {
      await file.close();
    }
    if (timesGivenUp > before) return false;
    renameSync(unfinished, path);
    return true;
  };

  const removeUnfinished = (): void => {
    try {
      rmSync(unfinished, { force: true });
    } catch {
      // not ours to remove, then: a folder, or somebody else's
    }
  };

  return {
    plan: () => plan,
    room,
    isThere: () => (sizeBytes() ?? 0) > 0,
    isGivenUp: () => sizeBytes() === 0,
    giveUp() {
      timesGivenUp += 1;
      removeUnfinished();
      try {
        if ((sizeBytes() ?? 0) === 0) return false;
        truncateSync(path, 0);
        return true;
      } catch {
        return false; // what is not there cannot be given up
      }
    },
    async make() {
      try {
        if (await write()) return true;
        removeUnfinished();
        return false;
      } catch (error) {
        removeUnfinished();
        // Where no file can be made at all, calls must not wait for one.
        return !isDiskFull(error);
      }
    },
  };
}
