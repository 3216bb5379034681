import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../lib/providers/config.ts';
import { Batchdrop } from './constructs/batchdrop.ts';
import { bundledCode } from './constructs/bundled-code.ts';

/** Batchdrop as one stack, with the functions' packages made of this repository's sources. */
export class BatchdropStack extends Stack {
  constructor(scope: Construct, config: Config) {
    const { stackName } = config.deployment;
    super(scope, stackName, {
      stackName,
      description: 'Batchdrop: LLM requests through the batch APIs of their providers.',
    });
    // CDK leaves the name Default out of the resources' ids, so they are those of the releases before.
    const { outputs } = new Batchdrop(this, 'Default', config, bundledCode);
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
