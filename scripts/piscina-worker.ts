// Entry point of the compiled binary only: Piscina's own worker, which its package does not export.
// Runs on every worker thread of the pool; scripts/build-binary.ts points Piscina at this file.

import "../node_modules/piscina/dist/worker.js";
