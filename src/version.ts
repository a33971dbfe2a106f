// The version, from its one home. Pure.

import manifest from "../package.json" with { type: "json" };

export const version: string = manifest.version;
