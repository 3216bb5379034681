import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import type { Api } from './api.ts';
import type { Events } from './events.ts';
import type { Functions } from './functions.ts';
import { pipelineMetric } from './metrics.ts';
import type { Workflow } from './workflow.ts';

/** Closing at the deadline takes 15 minutes, merging as long, and a lost execution is found within another 15. */
const overdueSeconds = 3_600;

/** A client that waits for a merge, 15 s a request, gets 20 answers of 503 in five minutes. */
const maxFailedRequests = 20;

interface AlarmSpec {
  /** Also the heading in docs/runbook.md that the alarm links to. */
  name: string;
  /** What has happened, in one sentence. */
  what: string;
  metric: IMetric;
  /** Above it is an alarm. */
  threshold?: number;
  /** How many periods must be beyond it, of how many; one of one unless said. */
  periods?: { missing: number; within: number };
  comparison?: ComparisonOperator;
}

export interface AlarmsProps {
  settings: DeploymentSettings;
  events: Events;
  functions: Functions;
  workflow: Workflow;
  api: Api;
}

/** What a person must know of. Each alarm says what happened and links to what to do. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { alarmEmail } = props.settings;
    this.alarms = specs(props).map((spec) => newAlarm(this, spec, props.settings));
    if (alarmEmail === undefined) return;
    const action = new SnsAction(newTopic(this, alarmEmail));
    for (const alarm of this.alarms) alarm.addAlarmAction(action);
  }
}

function specs({ settings, events, functions, workflow, api }: AlarmsProps): AlarmSpec[] {
  const period = Duration.minutes(5);
  const sweepPeriod = Duration.minutes(15);
  const letters = { period, statistic: 'Maximum' };
  return [
    {
      name: 'undelivered-drops',
      what: 'Files were dropped and EventBridge could not start intake for them.',
      metric: events.undelivered.metricApproximateNumberOfMessagesVisible(letters),
    },
    {
      name: 'failed-intakes',
      what: 'Files were dropped and intake failed on them, three times each.',
      metric: events.failedIntakes.metricApproximateNumberOfMessagesVisible(letters),
    },
    {
      name: 'failed-sweeps',
      what: 'Sweeps failed. A batch that loses its execution stands still meanwhile.',
      metric: events.failedSweeps.metricApproximateNumberOfMessagesVisible(letters),
    },
    {
      name: 'missing-sweeps',
      what: 'No sweep has run for an hour. A batch that loses its execution stands still meanwhile.',
      metric: sweepsSinceTheFirst(functions, sweepPeriod),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: { missing: 4, within: 96 },
    },
    {
      name: 'failing-steps',
      what: 'A step of a batch or shard failed five times in a row. It is repeated, but the batch stands still.',
      metric: pipelineMetric(settings.stackName, 'FailingShards', 'Maximum', sweepPeriod),
    },
    {
      name: 'overdue-steps',
      what: 'The next action of a shard has been due for half an hour, and nothing took it.',
      metric: pipelineMetric(settings.stackName, 'OverdueShards', 'Maximum', sweepPeriod),
    },
    {
      name: 'overdue-batches',
      what: 'A batch has not ended an hour after its deadline.',
      metric: pipelineMetric(settings.stackName, 'OldestOverdueSeconds', 'Maximum', sweepPeriod),
      threshold: overdueSeconds,
    },
    {
      name: 'unconfirmed-submissions',
      what: 'Of some requests it could not be proven whether the provider accepted them; they were not sent again.',
      metric: pipelineMetric(settings.stackName, 'UnconfirmedSubmissions', 'Sum', period),
    },
    {
      name: 'unknown-statuses',
      what: 'A provider answers a batch status that this release does not know; the batch counts as pending.',
      metric: pipelineMetric(settings.stackName, 'UnknownStatuses', 'Sum', period),
    },
    {
      name: 'refused-keys',
      what: 'A provider refuses our API key; its batches wait until there is a valid one.',
      metric: pipelineMetric(settings.stackName, 'RefusedKeys', 'Sum', period),
    },
    {
      name: 'sweep-restarts',
      what: 'Batches had lost their execution and were started again.',
      metric: pipelineMetric(settings.stackName, 'SweepRestarts', 'Sum', sweepPeriod),
    },
    {
      name: 'failed-executions',
      what: 'Executions of the state machine failed or were stopped. The sweep starts their batches again.',
      metric: unhealthyExecutions(workflow, period),
    },
    {
      name: 'failed-requests',
      what: `The API answered more than ${maxFailedRequests} requests of five minutes with a status of 5xx.`,
      metric: api.stage.metricServerError({ period, statistic: 'Sum' }),
      threshold: maxFailedRequests,
    },
  ];
}

/**
 * Runs of the sweep, a period without one counting as 0; 1 before the first one that is in sight, which is a day. So a new stack is
 * quiet, though it has no data, and a rule that is turned off is seen, though it leaves none.
 */
function sweepsSinceTheFirst(functions: Functions, period: Duration): IMetric {
  return new MathExpression({
    expression: 'IF(RUNNING_SUM(FILL(sweeps, 0)) > 0, FILL(sweeps, 0), 1)',
    label: 'Sweeps',
    usingMetrics: { sweeps: functions.get('sweep').metricInvocations({ period, statistic: 'Sum' }) },
    period,
  });
}

function unhealthyExecutions({ stateMachine }: Workflow, period: Duration): IMetric {
  return new MathExpression({
    expression: 'failed + timedOut + aborted',
    label: 'Executions that did not succeed',
    usingMetrics: {
      failed: stateMachine.metricFailed({ period }),
      timedOut: stateMachine.metricTimedOut({ period }),
      aborted: stateMachine.metricAborted({ period }),
    },
    period,
  });
}

function newAlarm(scope: Construct, spec: AlarmSpec, { stackName, runbookUrl }: DeploymentSettings): Alarm {
  return new Alarm(scope, spec.name, {
    alarmName: `${stackName}-${spec.name}`,
    alarmDescription: `${spec.what} What to do: ${runbookUrl}#${spec.name}`,
    metric: spec.metric,
    threshold: spec.threshold ?? 0,
    comparisonOperator: spec.comparison ?? ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: spec.periods?.within ?? 1,
    ...(spec.periods && { datapointsToAlarm: spec.periods.missing }),
    // A new stack has no data yet, and nothing to ring for.
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}

function newTopic(scope: Construct, email: string): Topic {
  const topic = new Topic(scope, 'Topic', { enforceSSL: true });
  topic.addSubscription(new EmailSubscription(email));
  return topic;
}
