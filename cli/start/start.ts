import { environmentName } from '../../lib/store/secrets.ts';
import { type LocalStack, startLocalStack } from '../../local/runtime.ts';
import { reportFailure } from '../failure.ts';
import { banner } from './banner.ts';
import { resetDataFolder } from './data-folder.ts';
import { unlessTaken, usualPort, usualS3Port } from './port.ts';
import { ownReadyFile, type Ready, removeReadyFile, writeReadyFile } from './ready-file.ts';

interface StartOptions {
  port?: number;
  s3Port?: number;
  dataDir: string;
  readyFile?: string;
  config?: string;
  json?: boolean;
  reset?: boolean;
}

export async function start(options: StartOptions): Promise<void> {
  const { readyFile, config, json } = options;
  if (readyFile) removeReadyFile(readyFile);
  if (options.reset) resetDataFolder(options.dataDir);
  const stack = await startLocalStack({
    dataDir: options.dataDir,
    port: options.port ?? (await unlessTaken(usualPort)),
    s3Port: options.s3Port ?? (await unlessTaken(usualS3Port)),
    ...(config && { configFile: config }),
  });
  const readyFiles = [ownReadyFile(stack.dataDir), ...(readyFile ? [readyFile] : [])];
  stopOnSignal(stack, readyFiles, json === true);
  const ready = describeReady(stack, process.env);
  console.log(json ? JSON.stringify(withoutKey(ready)) : banner(stack));
  for (const file of readyFiles) writeReadyFile(file, ready);
}

/** @param environment this process's, while the stack runs: it says there where everything is. */
function describeReady(stack: LocalStack, environment: NodeJS.ProcessEnv): Ready {
  const { apiUrl, s3Url, bucket, apiKey, dataDir, endpoints } = stack;
  const simulators = stack.simulated.map((name) => [name, environment[`${environmentName(name)}_BASE_URL`] ?? '']);
  return {
    apiUrl,
    s3Url,
    bucket,
    apiKey,
    dataDir,
    table: environment.BATCHDROP_TABLE ?? '',
    endpoints,
    configFile: environment.BATCHDROP_CONFIG_FILE ?? '',
    simulators: Object.fromEntries(simulators),
    pid: process.pid,
  };
}

/** What is printed may end in a log; the key stands in the ready file. */
function withoutKey({ apiKey: _secret, ...ready }: Ready): Omit<Ready, 'apiKey'> {
  return ready;
}

/** Ctrl-C under npm sends the signal twice, from the terminal and from npm; a person needs longer. */
const doubledSignalMilliseconds = 1_000;

/** The first signal stops in order, a later one at once. */
function stopOnSignal(stack: LocalStack, readyFiles: readonly string[], isQuiet: boolean): void {
  let stoppingSinceMs: number | undefined;
  const stop = () => {
    if (stoppingSinceMs !== undefined) {
      if (Date.now() > stoppingSinceMs + doubledSignalMilliseconds) process.exit(130);
      return;
    }
    stoppingSinceMs = Date.now();
    if (!isQuiet) console.log('\nStopping.');
    void close(stack, readyFiles);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

async function close(stack: LocalStack, readyFiles: readonly string[]): Promise<never> {
  try {
    for (const file of readyFiles) removeReadyFile(file);
    await stack.close();
    process.exit(0);
  } catch (error) {
    process.exit(await reportFailure(error));
  }
}
