import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  type Target,
} from '@aws-sdk/client-eventbridge';
import { inboxPrefix } from '../records/object-keys.ts';

/**
 * The deployments of the account and region whose intake takes what is dropped into a bucket. The rule of any release counts: it
 * names the bucket and the inbox, and its target is a function `<deployment>-intake`.
 */
export async function inboxListeners(bucket: string, client = new EventBridgeClient()): Promise<string[]> {
  const rules = await Array.fromAsync(allRules(client));
  const listening = rules.filter(({ EventPattern: pattern = '' }) =>
    [bucket, inboxPrefix].every((text) => pattern.includes(JSON.stringify(text))),
  );
  const targets = await Promise.all(listening.map(({ Name: rule = '' }) => Array.fromAsync(targetsOf(client, rule))));
  const names = targets.flat().flatMap(({ Arn: arn = '' }) => /:function:([^:]+)-intake$/.exec(arn)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}

/** The rules on the default bus, where S3's events are. */
async function* allRules(client: EventBridgeClient): AsyncGenerator<Rule> {
  let next: string | undefined;
  do {
    const page = await client.send(new ListRulesCommand({ NextToken: next }));
    yield* page.Rules ?? [];
    next = page.NextToken;
  } while (next);
}

async function* targetsOf(client: EventBridgeClient, rule: string): AsyncGenerator<Target> {
  let next: string | undefined;
  do {
    const page = await client.send(new ListTargetsByRuleCommand({ Rule: rule, NextToken: next }));
    yield* page.Targets ?? [];
    next = page.NextToken;
  } while (next);
}
