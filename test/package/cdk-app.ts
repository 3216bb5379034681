import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Batchdrop, type BatchdropProps } from 'batchdrop/cdk';

// An app of somebody else's, with two deployments in one stack; a test installs the package and synthesizes it.

/** A slip of the pen is a mistake before anything is deployed. */
export const slip: BatchdropProps = {
  providers: { openai: { kind: 'openai', secret: 'openai' } },
  // @ts-expect-error
  deployment: { stackNam: 'research' },
};

const app = new App();
const stack = new Stack(app, 'Research');
const batchdrop = new Batchdrop(stack, 'Batchdrop', {
  providers: { openai: { kind: 'openai', secret: 'openai' } },
  deployment: { stackName: 'research', alarmEmail: 'research@example.org' },
});
new Batchdrop(stack, 'Second', { providers: { anthropic: { kind: 'anthropic', secret: 'shared/anthropic' } } });
new CfnOutput(stack, 'ApiUrl', { value: batchdrop.apiUrl });
app.synth();
