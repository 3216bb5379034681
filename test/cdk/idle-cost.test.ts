import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { synthesize } from './synthesize.ts';

/** US dollars a month in us-east-1, without free tiers, read 2026-11. Sources: aws.amazon.com/cloudwatch/pricing, .../secrets-manager/pricing. */
const monthly = { alarmMetric: 0.1, dashboard: 3, metric: 0.3, secret: 0.4 } as const;

const words = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
];

/** An alarm is paid for each metric that it looks at. */
function metricsOf({ Metrics: metrics }: { Metrics?: { MetricStat?: object }[] }): number {
  return metrics === undefined ? 1 : metrics.filter(({ MetricStat: stat }) => stat !== undefined).length;
}

it('what a stack costs while nothing runs is what docs/deploy.md and docs/cost.md say', () => {
  const template = synthesize();
  const of = (type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
  const alarms = of('AWS::CloudWatch::Alarm');
  const sweep = readFileSync('lib/pipeline/upkeep/sweep.ts', 'utf8');
  const metrics = new Set(Array.from(sweep.matchAll(/metrics\.add\('(\w+)'/g), ([, name]) => name)).size;
  const secrets = of('AWS::SecretsManager::Secret').length;
  const costs = {
    alarms: monthly.alarmMetric * alarms.reduce((sum, alarm) => sum + metricsOf(alarm), 0),
    dashboard: monthly.dashboard * of('AWS::CloudWatch::Dashboard').length,
    metrics: monthly.metric * metrics,
    secrets: monthly.secret * secrets,
  };
  const usd = (amount: number) => `$${amount.toFixed(2)}`;
  const together = usd(costs.alarms + costs.dashboard + costs.metrics + costs.secrets);

  expect(metrics).toBeGreaterThan(3);
  for (const [file, sentences] of Object.entries({
    'docs/deploy.md': [
      `${words[alarms.length]} alarms, a dashboard`,
      `**${together} a month**`,
      `${usd(costs.dashboard)} for the dashboard`,
      `${usd(costs.alarms)} for the alarms`,
      `${usd(costs.metrics)} for the sweep's ${words[metrics]} metrics`,
      `${usd(costs.secrets)} for ${words[secrets]} secrets`,
    ],
    'docs/cost.md': [`| a stack that is idle, with ${words[secrets]} secrets | ${together} a month |`],
  })) {
    const page = readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ');
    for (const sentence of sentences) expect(page, file).toContain(sentence);
  }
});
