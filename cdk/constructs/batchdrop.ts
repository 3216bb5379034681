import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { type ConfigInput, parseConfig } from '../../lib/providers/config.ts';
import { Alarms } from './alarms.ts';
import { Api } from './api.ts';
import { BedrockJobs } from './bedrock.ts';
import { PipelineDashboard } from './dashboard.ts';
import { Events } from './events.ts';
import { type CodeOf, Functions } from './functions.ts';
import { packagedCode } from './packaged-code.ts';
import { ProviderSecrets } from './secrets.ts';
import { Storage } from './storage.ts';
import { Workflow } from './workflow.ts';

/** What the configuration file says, `deployment` included. Without a name there it is the stack's. */
export type BatchdropProps = ConfigInput;

/**
 * One deployment of Batchdrop: the bucket with its inbox, the table, the functions, the state machine, the API, the alarms and the
 * dashboard.
 */
export class Batchdrop extends Construct {
  /** The first part of every name. */
  readonly deploymentName: string;
  readonly bucketName: string;
  readonly tableName: string;
  readonly stateMachineArn: string;
  /** Where the API is, without a slash at its end. */
  readonly apiUrl: string;
  /** What a deployment's commands and `batchdrop doctor` ask for, by the names of the stack's outputs. */
  readonly outputs: Readonly<Record<string, string>>;

  /**
   * @param codeOf gives the functions' packages; those of the installed release without it.
   * @throws ConfigurationError that names everything wrong in the configuration.
   */
  constructor(scope: Construct, id: string, props: BatchdropProps, codeOf: CodeOf = packagedCode) {
    super(scope, id);
    const deployment = { stackName: Stack.of(this).stackName, ...props.deployment };
    const config = parseConfig(JSON.stringify({ ...props, deployment }), `The configuration of ${this.node.path}`);
    const settings = config.deployment;
    const storage = new Storage(this, 'Storage', config);
    const secrets = new ProviderSecrets(this, 'Secrets', config);
    const bedrock = new BedrockJobs(this, 'Bedrock', config, storage);
    const functions = new Functions(this, 'Functions', { config, codeOf, storage, secrets, bedrock });
    const workflow = new Workflow(this, 'Workflow', { settings, functions });
    const events = new Events(this, 'Events', { storage, functions, bedrock });
    const api = new Api(this, 'Api', settings, functions);
    const alarms = new Alarms(this, 'Alarms', { settings, events, functions, workflow, api });
    new PipelineDashboard(this, 'Dashboard', { name: settings.stackName, alarms, functions, api });
    this.deploymentName = settings.stackName;
    this.bucketName = storage.bucket.bucketName;
    this.tableName = storage.table.tableName;
    this.stateMachineArn = workflow.stateMachine.stateMachineArn;
    this.apiUrl = api.url;
    this.outputs = {
      Bucket: this.bucketName,
      Table: this.tableName,
      StateMachine: this.stateMachineArn,
      UndeliveredQueue: events.undelivered.queueUrl,
      FailedIntakesQueue: events.failedIntakes.queueUrl,
      FailedSweepsQueue: events.failedSweeps.queueUrl,
      ApiUrl: this.apiUrl,
      ...(api.domainTarget !== undefined && { ApiDomainTarget: api.domainTarget }),
    };
  }
}
