import { Command } from 'commander';
import { type LocalStack, startLocalStack } from '../lib/local/runtime.ts';
import { banner } from './banner.ts';
import { reportFailure } from './failure.ts';
import { parsePort, unlessTaken } from './port.ts';
import { removeReadyFile, writeReadyFile } from './ready-file.ts';

/** Ports that stay the same from start to start, as long as nobody else has them. */
const usualPort = 8700;
const usualS3Port = 8701;

interface StartOptions {
  port?: number;
  s3Port?: number;
  dataDir: string;
  readyFile?: string;
  config?: string;
}

/** `batchdrop start`: the local stack, until it is stopped. */
export function startCommand(): Command {
  return new Command('start')
    .description('Run everything on this machine: S3, DynamoDB, Step Functions, and simulated or real providers.')
    .option('--port <port>', `port of the HTTP API (default: ${usualPort}, or a free one)`, parsePort)
    .option('--s3-port <port>', `port of S3 (default: ${usualS3Port}, or a free one)`, parsePort)
    .option('--data-dir <folder>', 'where everything is kept', '.batchdrop')
    .option('--config <file>', 'configuration (default: batchdrop.config.json, if there is one)')
    .option('--ready-file <file>', 'write where the stack is, as JSON, once everything answers')
    .action((options: StartOptions) => start(options));
}

async function start(options: StartOptions): Promise<void> {
  const { readyFile, config } = options;
  if (readyFile) removeReadyFile(readyFile);
  const stack = await startLocalStack({
    dataDir: options.dataDir,
    port: options.port ?? (await unlessTaken(usualPort)),
    s3Port: options.s3Port ?? (await unlessTaken(usualS3Port)),
    ...(config && { configFile: config }),
  });
  stopOnSignal(stack, readyFile);
  console.log(banner(stack));
  if (readyFile) writeReadyFile(readyFile, stack);
}

/** Ctrl-C under npm sends the signal twice, from the terminal and from npm; a person needs longer. */
const doubledSignalMilliseconds = 1_000;

/** The first signal stops in order, a later one at once. */
function stopOnSignal(stack: LocalStack, readyFile: string | undefined): void {
  let stoppingSinceMs: number | undefined;
  const stop = () => {
    if (stoppingSinceMs !== undefined) {
      if (Date.now() > stoppingSinceMs + doubledSignalMilliseconds) process.exit(130);
      return;
    }
    stoppingSinceMs = Date.now();
    console.log('\nStopping.');
    void close(stack, readyFile);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

async function close(stack: LocalStack, readyFile: string | undefined): Promise<never> {
  try {
    if (readyFile) removeReadyFile(readyFile);
    await stack.close();
    process.exit(0);
  } catch (error) {
    reportFailure(error);
    process.exit(1);
  }
}
