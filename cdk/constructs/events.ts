import { Duration, Validations } from 'aws-cdk-lib';
import { Match, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { inboxPrefix } from '../../lib/records/object-keys.ts';
import type { BedrockJobs } from './bedrock.ts';
import type { Functions } from './functions.ts';
import type { Storage } from './storage.ts';

/** As often as a lost execution is looked for; the index it reads costs next to nothing. */
const sweepMinutes = 15;
/** The longest that SQS keeps a message. */
const deadLetterDays = 14;
/** How long Lambda tries an event before it is a dead letter. Its maximum. */
const retryHours = 6;

export interface EventsProps {
  storage: Storage;
  functions: Functions;
  bedrock: BedrockJobs;
}

/** What starts a function: a drop starts intake, the clock starts the sweep. What fails is kept in a queue. */
export class Events extends Construct {
  /** Drops that EventBridge could not hand to intake. */
  readonly undelivered: Queue;
  /** Drops that intake failed on, three times each. */
  readonly failedIntakes: Queue;
  /** Sweeps that failed; the next one does their work. */
  readonly failedSweeps: Queue;

  constructor(scope: Construct, id: string, { storage, functions, bedrock }: EventsProps) {
    super(scope, id);
    this.undelivered = deadLetters(this, 'Undelivered');
    this.failedIntakes = deadLetters(this, 'FailedIntakes');
    this.failedSweeps = deadLetters(this, 'FailedSweeps');
    this.#startIntake(storage, functions.get('intake'));
    this.#startSweep(functions.get('sweep'));
    if (bedrock.roleArns.length > 0) this.#hearOfJobs(functions.get('sweep'));
  }

  #startIntake(storage: Storage, intake: LambdaFunction): void {
    keepFailures(intake, this.failedIntakes, 2);
    new Rule(this, 'Dropped', {
      description: 'A file was dropped into the inbox.',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [storage.bucket.bucketName] }, object: { key: Match.prefix(inboxPrefix) } },
      },
      targets: [new FunctionTarget(intake, { deadLetterQueue: this.undelivered })],
    });
  }

  /** Best effort: a job's end shows in the next poll as well, so an event that is lost is not missed. */
  #hearOfJobs(sweep: LambdaFunction): void {
    new Rule(this, 'JobChanged', {
      description: 'A batch inference job of Bedrock changed its state.',
      eventPattern: { source: ['aws.bedrock'], detailType: ['Batch Inference Job State Change'] },
      targets: [new FunctionTarget(sweep, { deadLetterQueue: this.failedSweeps, retryAttempts: 2 })],
    });
  }

  #startSweep(sweep: LambdaFunction): void {
    keepFailures(sweep, this.failedSweeps, 0);
    new Rule(this, 'SweepSchedule', {
      description: 'Brings back batches that lost their execution.',
      schedule: Schedule.rate(Duration.minutes(sweepMinutes)),
      targets: [
        new FunctionTarget(sweep, {
          deadLetterQueue: this.failedSweeps,
          // A late sweep is no better than the next one.
          maxEventAge: Duration.minutes(sweepMinutes),
          retryAttempts: 2,
        }),
      ],
    });
  }
}

function deadLetters(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(deadLetterDays),
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'It is a dead-letter queue itself, of an EventBridge target or of a function, which the rule does not see.',
  });
  return queue;
}

function keepFailures(target: LambdaFunction, queue: Queue, retryAttempts: number): void {
  target.configureAsyncInvoke({
    onFailure: new SqsDestination(queue),
    retryAttempts,
    maxEventAge: Duration.hours(retryHours),
  });
}
