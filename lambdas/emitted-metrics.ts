import { Metrics as EmbeddedMetrics } from '@aws-lambda-powertools/metrics';
import type { Metrics } from '../lib/pipeline/metrics.ts';
import { metricsNamespace, metricUnits } from '../lib/records/metrics.ts';

/** Metrics as lines of the function's log, from which CloudWatch takes them: no call, no permission. */
export function emittedMetrics(): Metrics {
  const embedded = new EmbeddedMetrics({ namespace: metricsNamespace });
  return {
    add: (name, value, dimensions = {}) => {
      const metric = embedded.singleMetric();
      metric.addDimensions({ ...dimensions });
      metric.addMetric(name, metricUnits[name], value);
    },
  };
}
