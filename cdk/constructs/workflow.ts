import { readFileSync } from 'node:fs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import type { Functions } from './functions.ts';
import { acknowledgeWildcards } from './wildcards.ts';

/** The machine as it is written and as the local runtime runs it. */
export const workflowFile = new URL('../../lib/pipeline/batch.asl.json', import.meta.url);

/** The functions that stand in the machine, by the placeholder of each. */
export const functionOfPlaceholder = {
  PrepareFunction: 'prepare',
  SubmitFunction: 'submit',
  PollFunction: 'poll',
  CollectFunction: 'collect',
  FinalizeFunction: 'finalize',
} as const satisfies Record<string, FunctionName>;

export interface WorkflowProps {
  settings: DeploymentSettings;
  functions: Functions;
}

/** The state machine, deployed from `lib/pipeline/batch.asl.json` as it stands. */
export class Workflow extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { settings, functions }: WorkflowProps) {
    super(scope, id);
    const arns = Object.entries(functionOfPlaceholder).map(([placeholder, name]): [string, string] => [
      placeholder,
      functions.get(name).functionArn,
    ]);
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: settings.stackName,
      definitionBody: DefinitionBody.fromString(readFileSync(workflowFile, 'utf8')),
      definitionSubstitutions: Object.fromEntries(arns),
      role: newRole(
        this,
        arns.map(([, arn]) => arn),
      ),
      tracingEnabled: true,
      // Events without their data: which state, when, and the name of an error.
      logs: { destination: newLogGroup(this, settings), level: LogLevel.ALL, includeExecutionData: false },
    });
  }
}

/** It may call these functions; CDK adds what X-Ray and the delivery of logs need. */
function newRole(scope: Construct, functionArns: string[]): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: functionArns }));
  acknowledgeWildcards(role, ['*'], 'The delivery of logs and X-Ray have no resources: their actions take * only.');
  return role;
}

/** The prefix keeps the log's resource policy from growing with each state machine of the account. */
function newLogGroup(scope: Construct, { stackName, logRetentionDays }: DeploymentSettings): LogGroup {
  return new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/vendedlogs/states/${stackName}`,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
