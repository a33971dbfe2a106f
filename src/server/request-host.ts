// What of Bun's server a call needs: the idle timer of its client's connection. Server thread.

export interface RequestHost {
  /** Ends the connection of a request after so many seconds in which nothing passes; 0: never. */
  readonly timeout: (request: Request, seconds: number) => void;
}

/** Where no call is under way: between two, and while the end of a reply is not taken. */
export const idleSeconds = 60;
