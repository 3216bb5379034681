import { DynamoDBClient, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import type { ApiKeyServices } from '../../lib/service/api-keys.ts';
import { ApiKeys } from '../../lib/store/api-keys.ts';
import { adviceOnAws } from '../../lib/store/aws-advice.ts';
import { RecordTable } from '../../lib/store/record-table.ts';
import { localCredentials, localRegion } from '../../local/local-account.ts';
import { hint } from '../called-as.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { findReady } from '../transport/local-stack.ts';

/**
 * Works on the keys of the named table, with the environment's AWS credentials and endpoints; without a name, of the
 * local stack's.
 */
export async function withKeyTable(
  given: string | undefined,
  action: (services: ApiKeyServices) => Promise<void>,
): Promise<void> {
  const { client, table } = openTable(given ?? process.env.BATCHDROP_TABLE);
  try {
    await action({ apiKeys: new ApiKeys(new RecordTable(client, table)), now: Date.now });
  } catch (error) {
    throw asCommandError(table, error);
  } finally {
    client.destroy();
  }
}

function openTable(name: string | undefined): { client: DynamoDBClient; table: string } {
  if (name) return { client: new DynamoDBClient(regionOf(process.env)), table: name };
  const ready = findReady();
  if (!ready)
    throw new CommandError(
      exitStatus.unreachable,
      `No local stack runs in this folder: start one with ${hint('start')}, or name a deployment with --table.`,
    );
  const settings = { endpoint: ready.endpoints.dynamodb, region: localRegion, credentials: localCredentials };
  return { client: new DynamoDBClient(settings), table: ready.table };
}

/** The AWS CLI's variable too, which the SDK does not read. */
function regionOf({ AWS_REGION, AWS_DEFAULT_REGION }: NodeJS.ProcessEnv): { region?: string } {
  const region = AWS_REGION || AWS_DEFAULT_REGION;
  return region ? { region } : {};
}

/** @returns the error itself where it is not of the call. */
function asCommandError(table: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'ResourceNotFoundException')
    return new CommandError(exitStatus.invalid, `There is no table ${table} in this account and region.`, {
      cause: error,
    });
  const isOfTheCall =
    error instanceof DynamoDBServiceException ||
    error.name === 'CredentialsProviderError' ||
    error.message === 'Region is missing' ||
    ('code' in error && 'syscall' in error);
  if (!isOfTheCall) return error;
  const advice = adviceOnAws(error);
  const message = `The table ${table} does not answer: ${error.message}${advice === null ? '' : `. ${advice}`}`;
  return new CommandError(exitStatus.unreachable, message, { cause: error });
}
