import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import { writeDefaultConfig } from '../../local/local-config.ts';
import { startLocalStack } from '../../local/runtime.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { type OutputOptions, printAnswer } from '../output/result.ts';
import { demoReport, describeResults, findProblems } from './demo-report.ts';
import { createDisplay, noDisplay } from './drop-display.ts';
import type { Results } from './results.ts';
import { runDemo } from './run-demo.ts';

export interface DemoOptions extends OutputOptions {
  keep?: boolean;
  dataDir?: string;
}

/** @returns 0 where every request came back exactly once, in the order of its file. */
export async function demo(options: DemoOptions): Promise<ExitStatus> {
  const folder = resolve(options.dataDir ?? (await mkdtemp(join(tmpdir(), 'batchdrop-demo-'))));
  const dataDir = options.dataDir ? folder : join(folder, 'stack');
  const results = await runInStack(dataDir, join(folder, 'results'), options);
  const problems = findProblems(results);
  const report = demoReport(results, problems);
  printAnswer(
    {
      terminal: () => `\n${report}`,
      json: { passed: problems.length === 0, problems, batches: describeResults(results) },
    },
    options,
  );
  if (!options.keep && !options.dataDir) await rm(dataDir, { recursive: true, force: true });
  else if (!options.json) console.log(`The stack is kept: npm start -- --data-dir ${dataDir}`);
  return problems.length === 0 ? exitStatus.succeeded : exitStatus.someFailed;
}

async function runInStack(dataDir: string, resultsDir: string, options: DemoOptions): Promise<Results[]> {
  const startedAt = performance.now();
  const configFile = writeDefaultConfig(dataDir);
  const stack = await startLocalStack({ dataDir, configFile, simulateAll: true });
  try {
    const bootSeconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    if (!options.json)
      console.log(
        `${styleText('bold', 'Batchdrop demo')}: a stack of its own, up in ${bootSeconds} s; simulated providers.\n`,
      );
    return await runDemo(stack, resultsDir, options.json ? noDisplay : createDisplay(process.stdout));
  } finally {
    await stack.close();
  }
}
