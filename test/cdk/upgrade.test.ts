import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { synthesize } from './synthesize.ts';

/**
 * What of a stack holds data or keys, as each release's shipped configuration made it. CloudFormation replaces a resource whose
 * logical id, name or key changes, and the new one is empty.
 */
interface Recorded {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

const folder = new URL('../fixtures/releases/', import.meta.url).pathname;

/** What decides which one a resource is. Source: CloudFormation's reference of each type, "Update requires: Replacement". */
const identities: Record<string, readonly string[]> = {
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::DynamoDB::Table': ['TableName', 'KeySchema', 'GlobalSecondaryIndexes'],
  'AWS::SecretsManager::Secret': ['Name'],
};

function identityOf({ Type: type, Properties: properties }: Recorded['Resources'][string]): unknown[] {
  return [type, ...(identities[type] ?? []).map((name) => properties[name])];
}

describe.each(readdirSync(folder))('an update from release %s', (release) => {
  const recorded: Recorded = JSON.parse(readFileSync(`${folder}${release}/template.json`, 'utf8'));
  const now = synthesize().toJSON();

  it('keeps the bucket, the table and the secrets that they are', () => {
    const before = Object.entries(recorded.Resources).filter(([, { Type: type }]) => type in identities);
    expect(before).toHaveLength(4);
    for (const [id, resource] of before)
      expect(now.Resources[id] && identityOf(now.Resources[id]), id).toEqual(identityOf(resource));
  });

  it('tells of the same bucket and table', () => {
    for (const [name, output] of Object.entries(recorded.Outputs)) expect(now.Outputs[name], name).toEqual(output);
  });
});
