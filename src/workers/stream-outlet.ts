// One stream's way to the server thread: head, parts and end, in as few messages as their times allow. A part
// that is added waits until its worker has nothing more to read. Worker thread; belongs to one call.

import type { ErrorCode } from "../errors/gateway-error.ts";
import type { CallOutcome } from "../protocol/call-task.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import { replyHeaders } from "./upstream-headers.ts";

export interface StreamOutlet {
  /** Whether the head has gone: from then on a failure is no refusal any more. */
  readonly isOpen: () => boolean;
  /** Whether there is something to flush but the head. */
  readonly hasParts: () => boolean;
  /** Adds a part, a binary string. */
  readonly add: (text: string) => void;
  /** Posts what has been added, and the head if it has not gone: to be called before anything is waited for. */
  readonly flush: () => void;
  /** Posts what is left. `last` waits for the commit; with `errorCode` it is what a broken stream ends with. */
  readonly end: (last: string, errorCode: ErrorCode | "", outcome: CallOutcome) => void;
}

export function createStreamOutlet(
  { task, window, capture }: CallState,
  { status, headers }: Pick<Response, "status" | "headers">,
  post: WorkerDeps["post"],
): StreamOutlet {
  const { call } = task;
  let isOpen = false;
  let text = "";
  const head = (): { readonly status: number; readonly headers: string } => ({
    status,
    headers: JSON.stringify(replyHeaders(headers)),
  });

  return {
    isOpen: () => isOpen,
    hasParts: () => text !== "",
    add(part) {
      if (part === "") return;
      window.spend(part.length);
      capture?.part(part);
      text = text === "" ? part : text + part;
    },
    flush() {
      if (isOpen) {
        if (text === "") return;
        post({ kind: "part", call, text });
      } else {
        post({ kind: "head", call, ...head(), text });
      }
      isOpen = true;
      text = "";
    },
    end(last, errorCode, outcome) {
      const unsent = isOpen ? { status: 0, headers: "" } : head();
      isOpen = true;
      post({ kind: "end", call, ...unsent, text, last, errorCode, outcome });
    },
  };
}
