#!/usr/bin/env -S node --max-semi-space-size=1
// The same as "koboldfs serve".
require("./tune-process.js");

void import("../bundle/koboldfsd.js");
