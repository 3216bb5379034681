import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { writeDefaultConfig } from '../../lib/local/local-config.ts';
import { startLocalStack } from '../../lib/local/runtime.ts';
import { runDemo } from './run-demo.ts';

interface DemoOptions {
  keep?: boolean;
  dataDir?: string;
}

/** `batchdrop demo`: the whole path of the example files, with simulated providers. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Drop the example files into a stack of its own and show what comes back; no account, no key.')
    .option('--keep', "keep the stack's folder")
    .option('--data-dir <folder>', "the stack's folder (default: a temporary one, removed at the end)")
    .action((options: DemoOptions) => demo(options));
}

async function demo(options: DemoOptions): Promise<void> {
  const folder = resolve(options.dataDir ?? (await mkdtemp(join(tmpdir(), 'batchdrop-demo-'))));
  const dataDir = options.dataDir ? folder : join(folder, 'stack');
  const hasPassed = await runInStack(dataDir, join(folder, 'results'));
  if (options.keep || options.dataDir) console.log(`The stack is kept: npm start -- --data-dir ${dataDir}`);
  else await rm(dataDir, { recursive: true, force: true });
  process.exitCode = hasPassed ? 0 : 1;
}

async function runInStack(dataDir: string, resultsDir: string): Promise<boolean> {
  const startedAt = performance.now();
  const configFile = writeDefaultConfig(dataDir);
  const stack = await startLocalStack({ dataDir, configFile, simulateAll: true });
  try {
    const bootSeconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(
      `${styleText('bold', 'Batchdrop demo')}: a stack of its own, up in ${bootSeconds} s; simulated providers.\n`,
    );
    return await runDemo(stack, resultsDir);
  } finally {
    await stack.close();
  }
}
