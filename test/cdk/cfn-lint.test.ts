import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { synthesize, synthesizeConfig, temporaryFolder } from './synthesize.ts';

/** Python's, not a package of ours: `pip install cfn-lint`. */
const isThere = spawnSync('cfn-lint', ['--version']).status === 0;

/** With everything that only some deployments have. */
const full = {
  providers: { openai: { kind: 'openai', secret: 'openai' }, aws: { kind: 'bedrock' } },
  corsOrigins: ['https://app.example.org'],
  inputPrefixes: ['s3://a-bucket-of-theirs/{tenant}/'],
  taskMachines: ['arn:aws:states:us-east-1:111122223333:stateMachine:reviews'],
  deployment: {
    bucketName: 'a-bucket-of-ours',
    bucketKmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/12345678-1234-1234-1234-123456789012',
    tableName: 'left-behind',
    eventBusName: 'ours',
    alarmEmail: 'who@example.org',
    removalPolicy: 'destroy',
    createSecrets: false,
    maxFunctionConcurrency: 20,
    apiDomainName: 'batch.example.org',
    apiCertificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
  },
};

/** As it is shipped, with what goes along with the stack, and with everything that a deployment may have. */
const templates = [
  () => synthesize(),
  () => synthesize({ removalPolicy: 'destroy', resultsExpireDays: 90 }),
  () => synthesizeConfig(full),
];

// W3005: CDK names a role's policy in DependsOn beside the role, which the reference to it says already.
it.skipIf(!isThere)(
  'cfn-lint, where it is installed, finds nothing in the templates but W3005',
  { timeout: 180_000 },
  () => {
    const folder = temporaryFolder();
    const files = templates.map((template, index) => {
      const file = join(folder, `${index}.template.json`);
      writeFileSync(file, JSON.stringify(template().toJSON()));
      return file;
    });
    const { status, stdout } = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', ...files], {
      encoding: 'utf8',
    });
    expect(stdout.trim()).toBe('');
    expect(status).toBe(0);
  },
);
