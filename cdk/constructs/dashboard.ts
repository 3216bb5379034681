import { Duration } from 'aws-cdk-lib';
import { AlarmStatusWidget, Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { functionNames } from '../packages.ts';
import type { Alarms } from './alarms.ts';
import type { Api } from './api.ts';
import type { Functions } from './functions.ts';
import { byDimensions, pipelineMetric } from './metrics.ts';

const wholeRow = 24;
const halfRow = 12;

export interface DashboardProps {
  /** The deployment's. */
  name: string;
  alarms: Alarms;
  functions: Functions;
  api: Api;
}

/** What runs, what it answers and what it costs, on one page of CloudWatch. */
export class PipelineDashboard extends Construct {
  constructor(scope: Construct, id: string, { name, alarms, functions, api }: DashboardProps) {
    super(scope, id);
    const hour = Duration.hours(1);
    const day = Duration.days(1);
    const all = functionNames.map((each) => functions.get(each));
    new Dashboard(this, 'Dashboard', {
      dashboardName: name,
      defaultInterval: Duration.days(7),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms.alarms], width: wholeRow })],
        [
          graph('Batches', [
            pipelineMetric(name, 'BatchesAccepted', 'Sum', hour).with({ label: 'accepted' }),
            pipelineMetric(name, 'DropsRefused', 'Sum', hour).with({ label: 'refused at the door' }),
            byDimensions(name, 'BatchesEnded', ['status'], hour),
          ]),
          graph('Unfinished batches', [pipelineMetric(name, 'UnfinishedBatches', 'Maximum', hour)]),
        ],
        [
          graph('Requests by provider and model', [
            byDimensions(name, 'Lines', ['provider', 'model', 'outcome'], hour),
          ]),
          graph('Tokens by provider and model', [
            byDimensions(name, 'Tokens', ['provider', 'model', 'direction'], hour),
          ]),
        ],
        [
          graph('US dollars a day by provider and model', [byDimensions(name, 'CostUsd', ['provider', 'model'], day)]),
          graph('Seconds from drop to end', [
            pipelineMetric(name, 'BatchSeconds', 'Average', hour).with({ label: 'average' }),
            pipelineMetric(name, 'BatchSeconds', 'Maximum', hour).with({ label: 'longest' }),
          ]),
        ],
        [
          graph('Damaged, doubled, missing and foreign result lines', [
            pipelineMetric(name, 'BadResultLines', 'Sum', hour),
          ]),
          graph(
            'Errors of functions',
            all.map((fn) => fn.metricErrors({ period: hour })),
          ),
        ],
        [
          graph(
            'Duration of functions',
            all.map((fn) => fn.metricDuration({ period: hour, statistic: 'Maximum' })),
          ),
          graph(
            'Throttled calls of functions',
            all.map((fn) => fn.metricThrottles({ period: hour })),
          ),
        ],
        apiGraphs(api, hour),
      ],
    });
  }
}

function apiGraphs({ stage }: Api, period: Duration): GraphWidget[] {
  const latency = (statistic: string) => stage.metricLatency({ period, statistic, label: statistic });
  return [
    graph('Requests to the API', [
      stage.metricCount({ period, statistic: 'SampleCount', label: 'all' }),
      stage.metricClientError({ period, statistic: 'Sum', label: '4xx' }),
      stage.metricServerError({ period, statistic: 'Sum', label: '5xx' }),
    ]),
    graph('Milliseconds of the API', [latency('p50'), latency('p99')]),
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: halfRow });
}
