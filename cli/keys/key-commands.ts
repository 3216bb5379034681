import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { ApiKeyRecord } from '../../lib/records/api-key.ts';
import type { ApiKeyServices } from '../../lib/service/api-keys.ts';
import { newCommand } from '../command.ts';
import { importing } from '../missing-package.ts';
import { columns } from '../output/columns.ts';
import { printable } from '../output/printable.ts';
import { isoTime } from '../output/quantities.ts';
import { note, type OutputOptions, printAnswer } from '../output/result.ts';

interface KeyOptions extends OutputOptions {
  table?: string;
  tenant: string;
  name: string;
  operator?: boolean;
}

/** `batchdrop keys create|list|revoke`: straight on the table, so that the first key needs no key. */
export function keysCommand(): Command {
  return newCommand('keys', {
    summary: 'Make, list and revoke API keys, straight on the table: with AWS credentials, or on the local stack.',
    notes:
      "Keys are kept as digests only: a new one is shown once. A deployment's table is --table or BATCHDROP_TABLE.",
    examples: [
      ['A key for the local stack', 'batchdrop keys create --name laptop'],
      ["A tenant's key for a deployment", 'batchdrop keys create --name ci --tenant search --table MyStack-Table'],
      ['Which are there', 'batchdrop keys list'],
      ['Make one useless', 'batchdrop keys revoke key_0123'],
    ],
  })
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

function createCommand(): Command {
  const command = newCommand('create', {
    summary: 'Make a key. It is shown once.',
    examples: [
      ['For a script', 'export BATCHDROP_API_KEY=$(batchdrop keys create --name script)'],
      ['That sees what all tenants have spent', 'batchdrop keys create --name finance --operator'],
    ],
  })
    .option('--name <text>', 'whose or what it is for', '')
    .option('--operator', 'sees batches and usage of all tenants');
  return withTableFlags(command).action((options: KeyOptions) =>
    onTable(options, async (services) => {
      const { createApiKey } = await import('../../lib/service/api-keys.ts');
      const { key, record } = await createApiKey(
        services,
        options.tenant,
        options.name,
        options.operator ? 'operator' : 'tenant',
      );
      if (!process.stdout.isTTY) note(`Made ${record.id}; it is shown this once.`, options);
      printAnswer(
        {
          terminal: () => `${styleText('bold', key)}\n\nIt is shown this once. ${record.id}, tenant ${record.tenant}.`,
          pipe: () => key,
          json: { key, ...document(record) },
        },
        options,
      );
    }),
  );
}

function listCommand(): Command {
  const command = newCommand('list', {
    summary: "List a tenant's keys, revoked ones too, newest first.",
    notes: 'In a pipe: id, state, created, role, name, separated by tabs.',
    examples: [['Which are there', 'batchdrop keys list']],
  });
  return withTableFlags(command).action((options: KeyOptions) =>
    onTable(options, async (services) => {
      const { listApiKeys } = await import('../../lib/service/api-keys.ts');
      const keys = await listApiKeys(services, options.tenant);
      printAnswer(
        {
          terminal: () => (keys.length === 0 ? 'There are no keys.' : columns(keys.map(cells)).join('\n')),
          pipe: () => keys.map((key) => cells(key).join('\t')).join('\n'),
          json: keys.map(document),
        },
        options,
      );
    }),
  );
}

function revokeCommand(): Command {
  const command = newCommand('revoke', {
    summary: 'Make a key useless; where it was used just now, within half a minute.',
    examples: [['By its id, as in the list', 'batchdrop keys revoke key_0123']],
  }).argument('<id>', "the key's id, as `keys list` has it");
  return withTableFlags(command).action((id: string, options: KeyOptions) =>
    onTable(options, async (services) => {
      const { revokeApiKey } = await import('../../lib/service/api-keys.ts');
      const record = await revokeApiKey(services, options.tenant, id);
      printAnswer({ terminal: () => `Revoked ${record.id}.`, json: document(record) }, options);
    }),
  );
}

function withTableFlags(command: Command): Command {
  return command
    .option('--tenant <name>', 'whose keys', 'default')
    .option('--table <name>', "a deployment's table (BATCHDROP_TABLE; default: the local stack's)")
    .option('--json', 'answer as one JSON document');
}

async function onTable(options: KeyOptions, action: (services: ApiKeyServices) => Promise<void>): Promise<void> {
  const packages = ['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'];
  const { withKeyTable } = await importing(packages, () => import('./key-table.ts'));
  await withKeyTable(options.table, action);
}

function cells({ id, revokedAt, createdAt, name, role = 'tenant' }: ApiKeyRecord): string[] {
  const state = revokedAt === null ? 'active' : 'revoked';
  return [id, state, isoTime(createdAt), role, printable(name)];
}

/** Without the digest: nobody needs it, and it is what a key is checked against. */
function document({ id, tenant, name, role = 'tenant', createdAt, revokedAt }: ApiKeyRecord) {
  return { id, tenant, name, role, created_at: createdAt, revoked_at: revokedAt };
}
