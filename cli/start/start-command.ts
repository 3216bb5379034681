import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { parsePort, usualPort, usualS3Port } from './port.ts';
import { usualDataDir } from './ready-file.ts';

/** `batchdrop start`: the local stack, until it is stopped. */
export function startCommand(): Command {
  return newCommand('start', {
    summary: 'Run everything on this machine: S3, DynamoDB, Step Functions, and simulated or real providers.',
    examples: [
      ['Everything simulated, kept in .batchdrop/', 'batchdrop start'],
      ['A real provider; its requests cost money', 'OPENAI_API_KEY=... batchdrop start'],
      ['Afresh: without the batches, files and keys of before', 'batchdrop start --reset'],
      ['On free ports, and tell a script where', 'batchdrop start --port 0 --s3-port 0 --ready-file ready.json'],
    ],
  })
    .option('--port <port>', `port of the HTTP API (default: ${usualPort}, or a free one)`, parsePort)
    .option('--s3-port <port>', `port of S3 (default: ${usualS3Port}, or a free one)`, parsePort)
    .option('--data-dir <folder>', 'where everything is kept', usualDataDir)
    .option('--reset', 'remove all that is kept there first')
    .option('--config <file>', 'configuration (default: batchdrop.config.json, if there is one)')
    .option('--ready-file <file>', 'write where the stack is, as JSON, once everything answers')
    .option('--json', 'print where the stack is as one line of JSON')
    .action(async (options) => {
      const { start } = await import('./start.ts');
      await start(options);
    });
}
