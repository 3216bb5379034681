import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isObject } from '../../lib/records/json.ts';

/** Tells cdk-nag, at the role, why its policy names resources with a wildcard. */
export function acknowledgeWildcards(role: IConstruct, resources: readonly string[], reason: string): void {
  for (const resource of resources)
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${inWords(Stack.of(role).resolve(resource))}]`,
      reason,
    });
}

/** A resolved ARN as cdk-nag spells it in a finding: references, and what looks like one, in angle brackets. */
function inWords(value: unknown): string {
  if (!isObject(value)) return String(value).replaceAll(/\$\{([^}]*)\}/g, '<$1>');
  const { Ref: reference, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value;
  if (typeof reference === 'string') return `<${reference}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join) && Array.isArray(join[1])) return join[1].map(inWords).join('');
  return JSON.stringify(value);
}
