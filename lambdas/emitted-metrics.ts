import { Metrics as EmbeddedMetrics } from '@aws-lambda-powertools/metrics';
import { type Metrics, metricUnits } from '../lib/pipeline/metrics.ts';

/** The namespace in CloudWatch; the dimension `service` is the stack's name. */
export const metricsNamespace = 'Batchdrop';

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
