import { describe, expect, it } from 'vitest';
import { readPolicies } from './read-policies.ts';
import { grantsFor, type Statement } from './statement.ts';

function isAllowed(statement: Partial<Statement>, resource: string, conditions: Record<string, string> = {}): boolean {
  const whole = { actions: ['s3:GetObject'], resources: ['*'], conditions: {}, ...statement };
  return grantsFor([whole], { action: 's3:GetObject', resource, conditions }).length > 0;
}

/** IAM's spelling of a character that stands for itself. */
const itself = (character: string) => `\${${character}}`;

describe('a grant', () => {
  it.each([
    ['arn:aws:s3:::b/in/*', 'arn:aws:s3:::b/in/a/b\n.jsonl', true],
    ['arn:aws:s3:::b/in/*', 'arn:aws:s3:::b/out/a', false],
    ['arn:aws:s3:::b/a?c', 'arn:aws:s3:::b/abc', true],
    ['arn:aws:s3:::b/a?c', 'arn:aws:s3:::b/abbc', false],
    [`arn:aws:s3:::b/a${itself('*')}c`, 'arn:aws:s3:::b/a*c', true],
    [`arn:aws:s3:::b/a${itself('*')}c`, 'arn:aws:s3:::b/abc', false],
    [`arn:aws:s3:::b/a${itself('$')}${itself('?')}`, 'arn:aws:s3:::b/a$?', true],
    ['arn:aws:s3:::b/a.c', 'arn:aws:s3:::b/abc', false],
    ['arn:aws:s3:::b/a', 'arn:aws:s3:::B/a', false],
  ])('on %s of %j: %s', (pattern, resource, is) => {
    expect(isAllowed({ resources: [pattern] }, resource)).toBe(is);
  });

  it('is for its actions, in whatever case', () => {
    expect(isAllowed({ actions: ['S3:getobject'] }, 'a')).toBe(true);
    expect(isAllowed({ actions: ['s3:Get*'] }, 'a')).toBe(true);
    expect(isAllowed({ actions: ['s3:PutObject'] }, 'a')).toBe(false);
  });

  it('holds where each of its conditions is met', () => {
    const conditions = { 'events:source': 'batchdrop' };
    expect(isAllowed({ conditions }, 'a', { 'events:source': 'batchdrop', other: 'x' })).toBe(true);
    expect(isAllowed({ conditions }, 'a', { 'events:source': 'other' })).toBe(false);
    expect(isAllowed({ conditions }, 'a')).toBe(false);
  });
});

describe('a template', () => {
  const template = (statement: object) => ({
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: {} },
      Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: { Statement: [statement] } },
      },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: { FunctionName: 'one', Role: { 'Fn::GetAtt': ['Role', 'Arn'] } },
      },
    },
  });
  const inbox = { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, '/inbox/*']] };

  it('gives a function the statements of its role', () => {
    const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: inbox };
    expect(readPolicies(template(statement))).toEqual({
      one: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::batchdrop/inbox/*'], conditions: {} }],
    });
  });

  it.each([
    ['a Deny', { Effect: 'Deny', Action: 's3:*', Resource: '*' }],
    [
      'a condition that is not known',
      { Effect: 'Allow', Action: 's3:*', Resource: '*', Condition: { StringLike: { 'aws:x': '*' } } },
    ],
    ['a reference that is not known', { Effect: 'Allow', Action: 's3:*', Resource: { Ref: 'Nothing' } }],
  ])('with %s is not guessed at', (_name, statement) => {
    expect(() => readPolicies(template(statement))).toThrow('is not understood');
  });
});
