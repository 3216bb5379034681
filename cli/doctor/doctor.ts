import { styleText } from 'node:util';
import { createServices, type Log } from '../../lib/pipeline/services.ts';
import { checkDeployment, type Finding } from '../../lib/service/doctor.ts';
import { Deployment } from '../../lib/store/deployment.ts';
import { environmentName, simulatedKey } from '../../lib/store/secrets.ts';
import { setEnvironment } from '../../local/environment.ts';
import { localCredentials, localRegion, localStateMachineArn } from '../../local/local-account.ts';
import { hint } from '../called-as.ts';
import { CommandError, type ExitStatus, exitStatus } from '../exit-status.ts';
import { printable } from '../output/printable.ts';
import { type OutputOptions, printAnswer } from '../output/result.ts';
import type { Ready } from '../start/ready-file.ts';
import { findReady } from '../transport/local-stack.ts';

export interface DoctorOptions extends OutputOptions {
  config?: string;
}

/** A provider or AWS that says nothing for so long is a finding. */
const maxSeconds = 30;

/** @returns 0, or 1 where something is broken. */
export async function doctor(options: DoctorOptions): Promise<ExitStatus> {
  const isLocal = enterEnvironment(options);
  const findings = await checkDeployment(patientOf(isLocal), AbortSignal.timeout(maxSeconds * 1_000));
  const isBroken = findings.some(({ level }) => level === 'error');
  printAnswer(
    {
      terminal: () => findings.map(findingText).join('\n'),
      json: {
        healthy: !isBroken,
        findings: findings.map(({ whatToDo, ...finding }) => ({ ...finding, what_to_do: whatToDo })),
      },
    },
    options,
  );
  return isBroken ? exitStatus.someFailed : exitStatus.succeeded;
}

/** @returns whether it is the local stack's. */
function enterEnvironment({ config }: DoctorOptions): boolean {
  const { BATCHDROP_BUCKET, BATCHDROP_TABLE, BATCHDROP_STATE_MACHINE_ARN } = process.env;
  if (BATCHDROP_BUCKET || BATCHDROP_TABLE || BATCHDROP_STATE_MACHINE_ARN) {
    process.env.BATCHDROP_CONFIG_FILE = config ?? process.env.BATCHDROP_CONFIG_FILE ?? 'batchdrop.config.json';
    if (process.env.AWS_DEFAULT_REGION) process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION;
    return false;
  }
  const ready = findReady();
  if (!ready)
    throw new CommandError(
      exitStatus.unreachable,
      `No local stack runs in this folder: start one with ${hint('start')}, or name a deployment by BATCHDROP_BUCKET, BATCHDROP_TABLE and BATCHDROP_STATE_MACHINE_ARN.`,
    );
  setEnvironment(environmentOf(ready, config));
  return true;
}

/** As the stack's own process has it; keys of real providers are taken from ours. */
function environmentOf(ready: Ready, config: string | undefined): Record<string, string | undefined> {
  const simulated = Object.entries(ready.simulators).flatMap(([name, url]) => [
    [`${environmentName(name)}_BASE_URL`, url],
    [`${environmentName(name)}_API_KEY`, simulatedKey],
  ]);
  return {
    ...Object.fromEntries(simulated),
    AWS_ENDPOINT_URL_S3: ready.endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: ready.endpoints.dynamodb,
    AWS_ENDPOINT_URL_SFN: ready.endpoints.stepFunctions,
    AWS_ENDPOINT_URL_EVENTBRIDGE: ready.endpoints.eventBridge,
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    BATCHDROP_BUCKET: ready.bucket,
    BATCHDROP_TABLE: ready.table,
    BATCHDROP_STATE_MACHINE_ARN: localStateMachineArn,
    BATCHDROP_CONFIG_FILE: config ?? ready.configFile,
    BATCHDROP_SECRETS: 'environment',
  };
}

const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function patientOf(isLocal: boolean) {
  const services = createServices(process.env, { log: silentLog });
  const {
    BATCHDROP_BUCKET: bucket = '',
    BATCHDROP_TABLE: table = '',
    BATCHDROP_STATE_MACHINE_ARN: stateMachineArn = '',
  } = process.env;
  return { services, deployment: new Deployment({ bucket, table, stateMachineArn, isLocal }), isLocal };
}

function findingText({ level, what, whatToDo }: Finding): string {
  const line = `${markOf(level)} ${printable(what)}`;
  return whatToDo === null ? line : `${line}\n    ${printable(whatToDo)}`;
}

function markOf(level: Finding['level']): string {
  switch (level) {
    case 'ok':
      return styleText('green', '✔ ok     ');
    case 'warning':
      return styleText('yellow', '! warning');
    case 'error':
      return styleText('red', '✖ error  ');
  }
}
