import { Duration, RemovalPolicy, Stack, Size as StorageSize } from 'aws-cdk-lib';
import { Architecture, Function as LambdaFunction, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type FunctionName, functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { accessOf } from '../access.ts';
import { configFile, functionNames, packageVersion } from '../bundles.ts';
import type { ConfigFile, Settings } from '../settings.ts';
import { nodeOptionsFor, sizeOf } from '../sizes.ts';
import { bundledCode } from './bundled-code.ts';
import { newFunctionRole, type Reach, stateMachineArn } from './function-role.ts';

export interface FunctionsProps extends Reach {
  settings: Settings;
  configFile: ConfigFile;
}

/** One function per step, each with a role of its own that may do what its step does. */
export class Functions extends Construct {
  readonly #functions = new Map<FunctionName, LambdaFunction>();

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    for (const name of functionNames) this.#functions.set(name, this.#create(name, props));
  }

  get(name: FunctionName): LambdaFunction {
    const found = this.#functions.get(name);
    if (!found) throw new Error(`There is no function ${name}.`);
    return found;
  }

  #create(name: FunctionName, props: FunctionsProps): LambdaFunction {
    const { memoryMiB, temporaryMiB } = sizeOf[name];
    const scope = new Construct(this, name);
    const functionName = `${Stack.of(this).stackName}-${name}`;
    const logGroup = newLogGroup(scope, `/aws/lambda/${functionName}`, props.settings);
    return new LambdaFunction(scope, 'Function', {
      functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: bundledCode(name, props.configFile.text),
      handler: 'index.handler',
      role: newFunctionRole(scope, accessOf[name], logGroup, props),
      memorySize: memoryMiB,
      timeout: Duration.seconds(functionTimeoutSeconds[name]),
      ...(temporaryMiB && { ephemeralStorageSize: StorageSize.mebibytes(temporaryMiB) }),
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

function newLogGroup(scope: Construct, logGroupName: string, { logRetentionDays }: Settings): LogGroup {
  return new LogGroup(scope, 'Logs', {
    logGroupName,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function environmentOf(
  scope: Construct,
  { storage, bedrock, eventBusName, stateMachineName }: FunctionsProps,
): Record<string, string> {
  return {
    BATCHDROP_BUCKET: storage.bucket.bucketName,
    BATCHDROP_TABLE: storage.table.tableName,
    BATCHDROP_STATE_MACHINE_ARN: stateMachineArn(scope, stateMachineName),
    BATCHDROP_CONFIG_FILE: configFile,
    BATCHDROP_EVENT_BUS: eventBusName,
    BATCHDROP_SECRETS: 'secrets-manager',
    ...(bedrock.ownRoleArn !== null && { BATCHDROP_BEDROCK_ROLE_ARN: bedrock.ownRoleArn }),
    POWERTOOLS_SERVICE_NAME: Stack.of(scope).stackName,
    POWERTOOLS_LOG_LEVEL: 'INFO',
    AWS_XRAY_CONTEXT_MISSING: 'IGNORE_ERROR',
  };
}
