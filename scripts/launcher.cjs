#!/usr/bin/env node
// The package's command, written so that every Node can read it; the build puts it into dist/.
'use strict';

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`batchdrop needs Node 24 or later, but this is ${process.version}.\n`);
  process.exit(1);
}
const main = './cli/main.js';
import(main);
