import type { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricDimensions, type MetricName, metricsNamespace } from '../../lib/records/metrics.ts';

/**
 * One of our own metrics, all its values together.
 *
 * @param service the deployment's name.
 */
export function pipelineMetric(
  service: string,
  metricName: MetricName,
  statistic: 'Sum' | 'Maximum' | 'Average',
  period: Duration,
): Metric {
  return new Metric({ namespace: metricsNamespace, metricName, dimensionsMap: { service }, statistic, period });
}

/** Every metric of one name, a line for each combination of its dimensions. */
export function byDimensions(
  service: string,
  metricName: MetricName,
  dimensions: readonly (keyof MetricDimensions)[],
  period: Duration,
): MathExpression {
  const schema = [metricsNamespace, 'service', ...dimensions].join(',');
  const search = `{${schema}} MetricName="${metricName}" service="${service}"`;
  return new MathExpression({
    expression: `SEARCH('${search}', 'Sum', ${period.toSeconds()})`,
    label: '',
    period,
  });
}
