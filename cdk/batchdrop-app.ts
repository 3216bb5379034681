import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readConfigFile, readSettings } from './settings.ts';
import { BatchdropStack } from './stack.ts';

/**
 * The stack, as `cdk.json` and the configuration say, and the rules that it must keep: a synth that breaks one fails.
 *
 * @throws ConfigurationError that says what is wrong.
 */
export class BatchdropApp extends App {
  readonly stack: BatchdropStack;

  constructor(props: AppProps = {}) {
    super({ analyticsReporting: false, ...props });
    const settings = readSettings(this.node);
    this.stack = new BatchdropStack(this, settings, readConfigFile(settings.config));
    Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }
}
