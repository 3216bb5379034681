import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './constructs/alarms.ts';
import { Api } from './constructs/api.ts';
import { BedrockJobs } from './constructs/bedrock.ts';
import { PipelineDashboard } from './constructs/dashboard.ts';
import { Events } from './constructs/events.ts';
import { Functions } from './constructs/functions.ts';
import { ProviderSecrets } from './constructs/secrets.ts';
import { Storage } from './constructs/storage.ts';
import { Workflow } from './constructs/workflow.ts';
import type { ConfigFile, Settings } from './settings.ts';

/** Batchdrop as one stack. */
export class BatchdropStack extends Stack {
  constructor(scope: Construct, settings: Settings, configFile: ConfigFile) {
    super(scope, settings.stackName, {
      stackName: settings.stackName,
      description: 'Batchdrop: LLM requests through the batch APIs of their providers.',
    });
    const stateMachineName = settings.stackName;
    const storage = new Storage(this, 'Storage', settings);
    const secrets = new ProviderSecrets(this, 'Secrets', configFile.config, settings);
    const bedrock = new BedrockJobs(this, 'Bedrock', configFile.config, storage);
    const { inputPrefixes } = configFile.config;
    const reach = { storage, secrets, bedrock, inputPrefixes, eventBusName: settings.eventBusName, stateMachineName };
    const functions = new Functions(this, 'Functions', { settings, configFile, ...reach });
    const workflow = new Workflow(this, 'Workflow', { settings, functions, stateMachineName });
    const events = new Events(this, 'Events', { storage, functions, bedrock });
    const api = new Api(this, 'Api', settings, functions);
    const alarms = new Alarms(this, 'Alarms', { settings, events, functions, workflow, api });
    new PipelineDashboard(this, 'Dashboard', { alarms, functions, api });
    this.#tell({
      Bucket: storage.bucket.bucketName,
      Table: storage.table.tableName,
      StateMachine: workflow.stateMachine.stateMachineArn,
      UndeliveredQueue: events.undelivered.queueUrl,
      FailedIntakesQueue: events.failedIntakes.queueUrl,
      FailedSweepsQueue: events.failedSweeps.queueUrl,
      ApiUrl: api.url,
      ...(api.domainTarget !== undefined && { ApiDomainTarget: api.domainTarget }),
    });
  }

  /** What the README's commands and `batchdrop doctor` ask for. */
  #tell(outputs: Record<string, string>): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
