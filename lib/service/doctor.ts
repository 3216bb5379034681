import type { Services } from '../pipeline/services.ts';
import { secretOf } from '../providers/account.ts';
import { deploymentNameOf, secretNameIn, shortestStatusDays } from '../records/deployment-settings.ts';
import { ConfigurationError, messageOf, ProviderAuthenticationError, safeText } from '../records/errors.ts';
import { type FunctionName, functionTimeoutSeconds, isFunctionName } from '../records/function-timeouts.ts';
import { inboxPrefix } from '../records/object-keys.ts';
import { batchOptionsSchema, deadlineHours } from '../records/options.ts';
import { table as tableDesign } from '../records/table.ts';
import { adviceOnAws } from '../store/aws-advice.ts';
import type { Deployment } from '../store/deployment.ts';
import { type NeededRight, neededRights } from './role-check.ts';

/** What a check found, for a person. */
export interface Finding {
  level: 'ok' | 'warning' | 'error';
  what: string;
  /** Null where there is nothing to do. */
  whatToDo: string | null;
}

/** What the doctor looks at. */
export interface Subject {
  services: Pick<Services, 'config' | 'account'>;
  deployment: Pick<
    Deployment,
    | 'bucket'
    | 'table'
    | 'stateMachineArn'
    | 'reachBucket'
    | 'sendsEventsToEventBridge'
    | 'expirationDays'
    | 'describeTable'
    | 'stateMachineStatus'
    | 'rules'
    | 'inboxListeners'
    | 'abortsUnfinishedUploads'
    | 'keepsOldVersions'
    | 'encryptionKey'
    | 'isOpenToPages'
    | 'secretArn'
    | 'functionRole'
    | 'refusedActions'
    | 'functionConcurrency'
  >;
  /** The local stack has no event wiring of AWS's, and no account with quotas. */
  isLocal: boolean;
}

type Check = (patient: Subject, signal: AbortSignal) => Promise<Finding[]>;

/**
 * Checks whether a deployment, or the local stack, is whole: keys, bucket, table, state machine, event wiring, quotas.
 * Changes nothing and costs nothing. One check's failure is a finding, never an exception.
 */
export async function checkDeployment(patient: Subject, signal: AbortSignal): Promise<Finding[]> {
  const checks: [string, Check][] = [
    ['The providers', checkProviders],
    ['The bucket', checkBucket],
    ['The table', checkTable],
    ...(patient.isLocal ? [] : checksOfAws),
  ];
  const findings = await Promise.all(checks.map(([subject, check]) => carryOut(subject, check, patient, signal)));
  return findings.flat();
}

const checksOfAws: [string, Check][] = [
  ["The bucket's events", checkBucketEvents],
  ['The expiry of work files', checkWorkExpiry],
  ['The expiry of status files', checkStatusExpiry],
  ["The bucket's lifecycle rules", checkLeftovers],
  ["The bucket's encryption", checkEncryption],
  ["The bucket's CORS", checkPages],
  ["The functions' roles", checkRoles],
  ['The state machine', checkStateMachine],
  ['The event rules', checkRules],
  ["The account's quotas", checkQuotas],
];

const generalAdvice = 'Check account, region and network, and run the doctor again.';

async function carryOut(subject: string, check: Check, patient: Subject, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await check(patient, signal);
  } catch (error) {
    return [
      fault(`${subject} could not be checked: ${safeText(messageOf(error))}`, adviceOnAws(error) ?? generalAdvice),
    ];
  }
}

async function checkProviders(subject: Subject, signal: AbortSignal): Promise<Finding[]> {
  const names = Object.keys(subject.services.config.providers);
  return Promise.all(names.map((name) => checkProvider(subject, name, signal)));
}

async function checkProvider({ services, deployment }: Subject, name: string, signal: AbortSignal): Promise<Finding> {
  try {
    const account = services.account(name);
    await account.check(signal);
    if (account.isSimulated) return fine(`Provider '${name}' is simulated: it has no key, and nothing costs money.`);
    return fine(`Provider '${name}' accepts its key.`);
  } catch (error) {
    const message = safeText(messageOf(error));
    const secret = secretOf(services.account(name).config);
    const putKey =
      secret === null
        ? 'Check what the account may do.'
        : `Put a valid key there: aws secretsmanager put-secret-value --secret-id ${secretNameIn(deploymentNameOf(deployment.stateMachineArn), secret)} --secret-string <key>`;
    if (error instanceof ProviderAuthenticationError || error instanceof ConfigurationError)
      return fault(message, putKey);
    const advice = adviceOnAws(error) ?? 'Run the doctor again; see its status page.';
    return concern(`Provider '${name}' could not be asked: ${message}`, advice);
  }
}

async function checkBucket({ deployment }: Subject): Promise<Finding[]> {
  await deployment.reachBucket();
  return [fine(`The bucket ${deployment.bucket} can be reached.`)];
}

async function checkBucketEvents({ deployment }: Subject): Promise<Finding[]> {
  if (await deployment.sendsEventsToEventBridge()) return [fine('The bucket tells EventBridge of new objects.')];
  const command = `aws s3api put-bucket-notification-configuration --bucket ${deployment.bucket} --notification-configuration '{"EventBridgeConfiguration": {}}'`;
  const advice = `Turn it on, together with what the bucket notifies already (get-bucket-notification-configuration): ${command}`;
  return [fault('The bucket does not tell EventBridge of new objects: drops start nothing.', advice)];
}

/** A batch needs its work files until it ends; without a rule they stay for ever. */
async function checkWorkExpiry({ deployment, services }: Subject): Promise<Finding[]> {
  const days = await deployment.expirationDays('work/');
  if (days === null)
    return [concern('Files under work/ never expire, and cost storage.', 'Add a lifecycle rule that expires work/.')];
  const needed = Math.ceil(deadlineHours(batchOptionsSchema.parse(services.config.defaults)) / 24) + 1;
  if (days >= needed) return [fine(`Files under work/ expire after ${days} days.`)];
  const what = `Files under work/ expire after ${days} days, but a batch with the default deadline needs them for ${needed}.`;
  return [fault(what, `Let them live ${needed} days at least (deployment.workExpireDays in the configuration).`)];
}

async function checkStatusExpiry({ deployment }: Subject): Promise<Finding[]> {
  const days = await deployment.expirationDays('status/');
  if (days === null || days >= shortestStatusDays) return [fine('Status files are kept long enough.')];
  const what = `Status files expire after ${days} day: a drop without one looks as if its event was lost.`;
  return [fault(what, `Let the lifecycle rule for status/ keep them ${shortestStatusDays} days at least.`)];
}

/** What nobody finishes or needs any more costs storage, and is in no list. */
async function checkLeftovers({ deployment }: Subject): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (!(await deployment.abortsUnfinishedUploads()))
    findings.push(
      concern(
        'The bucket keeps multipart uploads that nobody finishes.',
        'Add a lifecycle rule with AbortIncompleteMultipartUpload, such as 7 days.',
      ),
    );
  if (await deployment.keepsOldVersions('work/'))
    findings.push(
      concern(
        'The bucket keeps old versions of files under work/, which expire: they are never gone.',
        'Add NoncurrentVersionExpiration, such as 1 day, to the lifecycle rule for work/.',
      ),
    );
  return findings.length > 0
    ? findings
    : [fine('The bucket removes unfinished uploads and old versions of work files.')];
}

async function checkEncryption({ deployment, services }: Subject): Promise<Finding[]> {
  const key = await deployment.encryptionKey();
  if (key === null) return [fine('The bucket is encrypted by keys that AWS manages.')];
  const configured = services.config.deployment.bucketKmsKeyArn;
  // S3 has the key's id, its ARN or an alias.
  if (configured !== undefined && (key === configured || configured.endsWith(`:key/${key}`)))
    return [fine('The bucket is encrypted by the key that the functions may use.')];
  const what = `The bucket is encrypted by the KMS key ${key}, which the functions may not use: every drop fails.`;
  return [fault(what, "Set deployment.bucketKmsKeyArn in the configuration to that key's ARN, then `npm run deploy`.")];
}

async function checkPages({ deployment, services }: Subject): Promise<Finding[]> {
  if (services.config.corsOrigins.length === 0) return [];
  if (await deployment.isOpenToPages()) return [fine('Web pages can follow links to files.')];
  return [
    concern(
      'corsOrigins opens the API to web pages, but the bucket lets none read files.',
      'Give the bucket a CORS rule for GET from every origin (*): a browser names no origin after a redirect.',
    ),
  ];
}

async function checkRoles(subject: Subject, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  const secretArns = await findSecretArns(subject);
  for (const name of Object.keys(functionTimeoutSeconds).filter(isFunctionName))
    if (!signal.aborted) findings.push(...(await checkRole(subject, name, secretArns)));
  return findings.length > 0 ? findings : [fine("The functions' roles allow what their steps do.")];
}

/** Of those that are there: that one is missing is the finding of its provider. */
async function findSecretArns({ deployment, services }: Subject): Promise<string[]> {
  const secrets = new Set(Object.values(services.config.providers).flatMap((provider) => secretOf(provider) ?? []));
  const names = Array.from(secrets, (secret) => secretNameIn(deploymentNameOf(deployment.stateMachineArn), secret));
  const arns = await Promise.all(names.map((name) => deployment.secretArn(name)));
  return arns.filter((arn) => arn !== null);
}

async function checkRole(
  { deployment, services }: Subject,
  name: FunctionName,
  secretArns: readonly string[],
): Promise<Finding[]> {
  const { bucket, table, stateMachineArn } = deployment;
  const functionName = `${deploymentNameOf(stateMachineArn)}-${name}`;
  const role = await deployment.functionRole(functionName);
  const rights = neededRights(name, { config: services.config, bucket, table, stateMachineArn, secretArns });
  const refused = await Promise.all(
    rights.map(async (right) => refusals(right, await deployment.refusedActions(role, right))),
  );
  return refused
    .flat()
    .map((what) => fault(`The function ${functionName} may not ${what}.`, 'Deploy again: npm run deploy'));
}

function refusals({ resource }: NeededRight, actions: readonly string[]): string[] {
  return actions.map((action) => `${action} on ${resource}`);
}

async function checkTable({ deployment }: Subject): Promise<Finding[]> {
  const { status, indexes } = await deployment.describeTable();
  const missing = Object.values(tableDesign.indexes).filter((index) => !indexes.includes(index.name));
  if (missing.length > 0)
    return [fault(`The table ${deployment.table} lacks ${namesOf(missing)}.`, 'Deploy this release: npm run deploy')];
  if (status === 'ACTIVE') return [fine(`The table ${deployment.table} is active.`)];
  return [concern(`The table ${deployment.table} is ${status}.`, 'Wait until it is active.')];
}

function namesOf(indexes: readonly { name: string }[]): string {
  return `the index ${indexes.map((index) => index.name).join(', ')}`;
}

async function checkStateMachine({ deployment }: Subject): Promise<Finding[]> {
  const status = await deployment.stateMachineStatus();
  if (status === 'ACTIVE') return [fine('The state machine is active.')];
  return [fault(`The state machine is ${status}.`, 'Deploy again: npm run deploy')];
}

async function checkRules({ deployment }: Subject): Promise<Finding[]> {
  const name = deploymentNameOf(deployment.stateMachineArn);
  const [ofIntake, ofSweep] = await Promise.all([
    deployment.rules(`${name}-intake`),
    deployment.rules(`${name}-sweep`),
  ]);
  const inbox = ofIntake.find(({ pattern }) => pattern?.includes(deployment.bucket) && pattern.includes(inboxPrefix));
  const sweep = ofSweep.find(({ schedule }) => schedule !== null);
  const others = (await deployment.inboxListeners()).filter((listener) => listener !== name);
  return [
    ruleFinding('A drop starts intake', inbox),
    ruleFinding('The sweep runs by itself', sweep),
    ...others.map((other) => otherListener(other, deployment.bucket)),
  ];
}

function otherListener(other: string, bucket: string): Finding {
  return fault(
    `The deployment ${other} takes the drops of ${bucket}, too: every request is paid for twice.`,
    'Remove one of the two, or give one another bucket (deployment.bucketName in its configuration).',
  );
}

function ruleFinding(promise: string, rule: { name: string; isEnabled: boolean } | undefined): Finding {
  if (!rule) return fault(`${promise}: its rule is missing.`, 'Deploy again: npm run deploy');
  if (rule.isEnabled) return fine(`${promise}.`);
  return fault(
    `${promise}: the rule ${rule.name} is disabled.`,
    `Turn it on: aws events enable-rule --name ${rule.name}`,
  );
}

/** A batch takes up to 10 functions at a time (the Maps of the state machine), and intake and others need some. */
const comfortableConcurrency = 50;

async function checkQuotas({ deployment }: Subject): Promise<Finding[]> {
  const concurrency = await deployment.functionConcurrency();
  if (concurrency === null) return [];
  if (concurrency >= comfortableConcurrency) return [fine(`Lambda runs ${concurrency} functions at a time.`)];
  const what = `Lambda runs ${concurrency} functions at a time in this account; batches wait for each other.`;
  const command =
    'aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000';
  return [concern(what, `Ask for more, free of charge: ${command}`)];
}

function fine(what: string): Finding {
  return { level: 'ok', what, whatToDo: null };
}

function concern(what: string, whatToDo: string): Finding {
  return { level: 'warning', what, whatToDo };
}

function fault(what: string, whatToDo: string): Finding {
  return { level: 'error', what, whatToDo };
}
