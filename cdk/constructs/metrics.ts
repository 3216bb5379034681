import { type Duration, Stack } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type MetricDimensions, type MetricName, metricsNamespace } from '../../lib/records/metrics.ts';

/** One of our own metrics, all its values together. */
export function pipelineMetric(
  scope: Construct,
  metricName: MetricName,
  statistic: 'Sum' | 'Maximum' | 'Average',
  period: Duration,
): Metric {
  const service = Stack.of(scope).stackName;
  return new Metric({ namespace: metricsNamespace, metricName, dimensionsMap: { service }, statistic, period });
}

/** Every metric of one name, a line for each combination of its dimensions. */
export function byDimensions(
  scope: Construct,
  metricName: MetricName,
  dimensions: readonly (keyof MetricDimensions)[],
  period: Duration,
): MathExpression {
  const schema = [metricsNamespace, 'service', ...dimensions].join(',');
  const service = Stack.of(scope).stackName;
  const search = `{${schema}} MetricName="${metricName}" service="${service}"`;
  return new MathExpression({
    expression: `SEARCH('${search}', 'Sum', ${period.toSeconds()})`,
    label: '',
    period,
  });
}
