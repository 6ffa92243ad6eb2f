#!/usr/bin/env -S node --max-semi-space-size=1
require("./tune-process.js");

void import("../bundle/koboldfs.js");
