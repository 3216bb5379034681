import { enableCompileCache } from 'node:module';

// Before anything else is loaded: a third of the time of most commands.
enableCompileCache();
const { run } = await import('./run.ts');
await run();
