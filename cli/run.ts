import { reportFailure } from './failure.ts';
import { endQuietlyWithoutReader } from './output/write.ts';
import { createProgram } from './program.ts';

/** Runs the command line and leaves its exit status behind. */
export async function run(): Promise<void> {
  endQuietlyWithoutReader();
  try {
    const program = await createProgram(process.argv.slice(2));
    await program.parseAsync();
  } catch (error) {
    process.exitCode = await reportFailure(error, process.argv.includes('--json'));
  }
}
