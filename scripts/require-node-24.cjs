// Loaded before anything else, and written so that every Node can read it: TypeScript needs Node 24 to run as it is.
'use strict';

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Batchdrop needs Node 24, but this is ${process.version}; run "npm ci", which brings Node 24, and then "npm start".\n`,
  );
  process.exit(1);
}
