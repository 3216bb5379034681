import { ConfigurationError } from '../lib/records/errors.ts';
import { BatchdropApp } from './batchdrop-app.ts';

try {
  new BatchdropApp().synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
