// Runs Azurite for as long as standard input stays open: when the sandbox dies, however abruptly, the operating system
// closes the pipe and the emulator goes with it.
"use strict";

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));

require("azurite/dist/src/azurite.js");
