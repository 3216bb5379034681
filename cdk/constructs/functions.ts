import { Duration, RemovalPolicy, Size as StorageSize } from 'aws-cdk-lib';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  type LayerVersion,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Config } from '../../lib/providers/config.ts';
import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import { accessOf } from '../../lib/records/function-access.ts';
import { type FunctionName, functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { deployedConfigFile, functionNames, packageVersion } from '../packages.ts';
import { nodeOptionsFor, sizeOf } from '../sizes.ts';
import { configurationLayer } from './configuration-layer.ts';
import { newFunctionRole, type Reach, stateMachineArn } from './function-role.ts';

/** Where a function's package comes from. */
export type CodeOf = (name: FunctionName) => Code;

export interface FunctionsProps extends Reach {
  config: Config;
  codeOf: CodeOf;
}

/** Those that batches call, whose runs at a time may have a bound. The API has one at its gateway, and one sweep runs at a time. */
const boundFunctions: readonly FunctionName[] = ['intake', 'prepare', 'submit', 'poll', 'collect', 'finalize'];

/** One function per step, each with a role of its own that may do what its step does. */
export class Functions extends Construct {
  readonly #functions = new Map<FunctionName, LambdaFunction>();

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const layer = configurationLayer(this, props.config);
    for (const name of functionNames) this.#functions.set(name, this.#create(name, layer, props));
  }

  get(name: FunctionName): LambdaFunction {
    const found = this.#functions.get(name);
    if (!found) throw new Error(`There is no function ${name}.`);
    return found;
  }

  #create(name: FunctionName, layer: LayerVersion, props: FunctionsProps): LambdaFunction {
    const { memoryMiB, temporaryMiB } = sizeOf[name];
    const settings = props.config.deployment;
    const scope = new Construct(this, name);
    const functionName = `${settings.stackName}-${name}`;
    const logGroup = newLogGroup(scope, `/aws/lambda/${functionName}`, settings);
    return new LambdaFunction(scope, 'Function', {
      functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: props.codeOf(name),
      layers: [layer],
      handler: 'index.handler',
      role: newFunctionRole(scope, accessOf[name], logGroup, props),
      memorySize: memoryMiB,
      timeout: Duration.seconds(functionTimeoutSeconds[name]),
      ...(temporaryMiB && { ephemeralStorageSize: StorageSize.mebibytes(temporaryMiB) }),
      ...concurrencyOf(name, settings),
      tracing: Tracing.ACTIVE,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        ...environmentOf(this, props),
        NODE_OPTIONS: nodeOptionsFor(sizeOf[name]),
        // Only where it is told to somebody: another function that did not change is not deployed again.
        ...(name === 'api' && { BATCHDROP_VERSION: packageVersion() }),
      },
    });
  }
}

function concurrencyOf(name: FunctionName, { maxFunctionConcurrency }: DeploymentSettings) {
  if (maxFunctionConcurrency === undefined || !boundFunctions.includes(name)) return {};
  return { reservedConcurrentExecutions: maxFunctionConcurrency };
}

function newLogGroup(scope: Construct, logGroupName: string, { logRetentionDays }: DeploymentSettings): LogGroup {
  return new LogGroup(scope, 'Logs', {
    logGroupName,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function environmentOf(
  scope: Construct,
  { storage, bedrock, config: { deployment } }: FunctionsProps,
): Record<string, string> {
  return {
    BATCHDROP_BUCKET: storage.bucket.bucketName,
    BATCHDROP_TABLE: storage.table.tableName,
    BATCHDROP_STATE_MACHINE_ARN: stateMachineArn(scope, deployment.stackName),
    BATCHDROP_CONFIG_FILE: deployedConfigFile,
    BATCHDROP_EVENT_BUS: deployment.eventBusName,
    BATCHDROP_SECRETS: 'secrets-manager',
    ...(bedrock.ownRoleArn !== null && { BATCHDROP_BEDROCK_ROLE_ARN: bedrock.ownRoleArn }),
    POWERTOOLS_SERVICE_NAME: deployment.stackName,
    POWERTOOLS_LOG_LEVEL: 'INFO',
    AWS_XRAY_CONTEXT_MISSING: 'IGNORE_ERROR',
  };
}
