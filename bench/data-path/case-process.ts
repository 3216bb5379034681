import { z } from 'zod';
import { bytesOf, cases } from './cases.ts';

// Runs one case and prints what it took: node case-process.ts '{"name": ..., "folder": ..., "files": [...]}'

const task = z
  .object({ name: z.string(), folder: z.string(), files: z.array(z.string()), lines: z.number().optional() })
  .parse(JSON.parse(process.argv[2] ?? ''));
const run = cases[task.name];
if (!run) throw new Error(`There is no case ${task.name}.`);
const phases = await run({ ...task, lines: task.lines ?? 0 });
console.log(
  JSON.stringify({ phases, bytes: bytesOf(task.files), peakRssMegabytes: process.resourceUsage().maxRSS / 1024 }),
);
