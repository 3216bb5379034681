import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A process of our own that says in one line of JSON where it is, and runs until it is ended. */
export class HelperProcess<Ready> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ready: Ready;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start<Schema extends z.ZodType>(
    file: URL,
    values: readonly string[],
    schema: Schema,
  ): Promise<HelperProcess<z.output<Schema>>> {
    const child = spawn(process.execPath, [fileURLToPath(file), ...values], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      child.stdout.resume();
      return new HelperProcess(child, schema.parse(JSON.parse(line)));
    }
    throw new Error(`${file.pathname} ended before it was ready.`);
  }

  /** The most memory that it ever took, in megabytes; null where the system does not say. */
  peakRssMegabytes(): number | null {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) / 1024;
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

const simulatorsSchema = z.object({ urls: z.object({ openai: z.string(), anthropic: z.string() }) });

/** The simulated providers, in a process of their own so that their memory is not ours. */
export function startSimulators(dataDir: string) {
  const file = new URL('../../simulators/main.ts', import.meta.url);
  return HelperProcess.start(file, ['--data-dir', dataDir, '--in-progress-ms', '1000'], simulatorsSchema);
}
