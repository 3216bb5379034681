import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { configFileOf, readConfigFile } from './settings.ts';
import { BatchdropStack } from './stack.ts';

/**
 * The stack, as the configuration says, and the rules that it must keep: a synth that breaks one fails.
 *
 * @throws ConfigurationError that says what is wrong.
 */
export class BatchdropApp extends App {
  readonly stack: BatchdropStack;

  constructor(props: AppProps = {}) {
    super({ analyticsReporting: false, ...props });
    this.stack = new BatchdropStack(this, readConfigFile(configFileOf(this.node)));
    Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }
}
