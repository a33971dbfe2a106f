// How messages cross between threads: as flat arrays of values. Bun posts those for a third less than records of the
// same, whose field names cross with every one of them. Each kind of message has one writer and one reader, side by
// side, and no other code knows the order of its words.

export type Word = string | number | boolean | Uint8Array | undefined;

export type Words = readonly Word[];
