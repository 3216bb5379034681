import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** S3 of the stack's region, as KMS names who calls it. Source: KMS developer guide, "kms:ViaService", read 2026-11. */
export function s3Service(scope: Construct): string {
  const { region, urlSuffix } = Stack.of(scope);
  return `s3.${region}.${urlSuffix}`;
}
