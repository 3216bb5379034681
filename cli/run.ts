import { reportFailure } from './failure.ts';
import { endQuietlyWithoutReader } from './output/write.ts';
import { createProgram } from './program.ts';

/** Runs the command line and leaves its exit status behind. */
export async function run(): Promise<void> {
  endQuietlyWithoutReader();
  try {
    await createProgram().parseAsync();
  } catch (error) {
    process.exitCode = reportFailure(error, process.argv.includes('--json'));
  }
}
