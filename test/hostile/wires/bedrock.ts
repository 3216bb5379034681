import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Call, json, type Reply, type Wire } from '../upstream.ts';
import { type Job, linesOf, questionIn, type Work } from '../work.ts';

/** Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetModelInvocationJob.html and .../userguide/batch-inference-results.html */
export const bedrock: Wire = {
  name: 'bedrock',
  account: (url) => ({
    kind: 'bedrock',
    baseUrl: url,
    roleArn: 'arn:aws:iam::000000000000:role/bedrock',
    limits: { minRequests: 1 },
  }),
  model: 'anthropic.claude-3-haiku-20240307-v1:0',
  operationOf: (method, path) => {
    if (path === '/model-invocation-jobs') return 'list';
    if (path === '/model-invocation-job' && method === 'POST') return 'create';
    return path.endsWith('/stop') ? 'cancel' : 'retrieve';
  },
  right: async (work, call) => {
    if (call.operation === 'create') return await created(work, call);
    if (call.operation === 'list' || call.operation === 'check') return listed(work);
    const job = work.find(decodeURIComponent(call.path.split('/')[2] ?? ''));
    if (!job) return refusal(404, 'ResourceNotFoundException', 'The specified job was not found.');
    if (call.operation === 'cancel') return stopped(job);
    await writeResults(work, job);
    return json(jobOf(job));
  },
};

async function created(work: Work, { body }: Call): Promise<Reply> {
  const said = JSON.parse(body.toString('utf8'));
  const inputFile: string = said.inputDataConfig.s3InputDataConfig.s3Uri;
  const input = await s3().send(new GetObjectCommand(objectAt(inputFile)));
  const lines = linesOf(Buffer.from((await input.Body?.transformToByteArray()) ?? []));
  const arn = (hex: string) => `arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/${hex.slice(0, 12)}`;
  return json({ jobArn: work.accept({ lines, said, inputFile }, arn).id });
}

function stopped(job: Job): Reply {
  job.isCancelled = true;
  return json({});
}

/** It has done so when somebody looks. */
async function writeResults(work: Work, job: Job): Promise<void> {
  const { s3Uri } = jobOf(job).outputDataConfig.s3OutputDataConfig;
  const name = job.inputFile?.split('/').at(-1);
  const uri = `${s3Uri}${job.id.split('/').at(-1)}/${name}.out`;
  const right = Buffer.from(job.lines.map((line) => `${JSON.stringify(answered(line))}\n`).join(''));
  await s3().send(new PutObjectCommand({ ...objectAt(uri), Body: work.changeResults(right) }));
}

function listed(work: Work): Reply {
  const invocationJobSummaries = work.listed.map((job) => jobOf({ ...job, id: arnOf(job.id) }));
  return json({ invocationJobSummaries, ...(work.listNeverEnds && { nextToken: 'next' }) });
}

function arnOf(id: string): string {
  return id.startsWith('arn:') ? id : 'arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/000000000000';
}

function jobOf({ id, lines, said, inputFile, createdAtMs }: Job) {
  const time = new Date(createdAtMs).toISOString();
  const output = (said.outputDataConfig ?? { s3OutputDataConfig: { s3Uri: 's3://other/out/' } }) as {
    s3OutputDataConfig: { s3Uri: string };
  };
  return {
    jobArn: id,
    jobName: said.jobName ?? 'of-somebody-else',
    modelId: said.modelId ?? 'anthropic.claude-3-haiku-20240307-v1:0',
    clientRequestToken: said.clientRequestToken ?? 'another',
    roleArn: 'arn:aws:iam::000000000000:role/bedrock',
    status: 'Completed',
    submitTime: time,
    lastModifiedTime: time,
    endTime: time,
    inputDataConfig: { s3InputDataConfig: { s3InputFormat: 'JSONL', s3Uri: inputFile ?? '' } },
    outputDataConfig: output,
    timeoutDurationInHours: 24,
    totalRecordCount: lines.length,
    processedRecordCount: lines.length,
    successRecordCount: lines.length,
    errorRecordCount: 0,
  };
}

function answered({ recordId, modelInput }: Record<string, unknown>) {
  const modelOutput = {
    id: 'msg_bdrk_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-3-haiku-20240307',
    content: [{ type: 'text', text: `answer to ${questionIn(modelInput)}` }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
  };
  return { modelInput, modelOutput, recordId };
}

function refusal(status: number, name: string, message: string): Reply {
  return { ...json({ message }, { 'x-amzn-errortype': name }), status };
}

function s3(): S3Client {
  return new S3Client({ forcePathStyle: true });
}

function objectAt(uri: string): { Bucket: string; Key: string } {
  const [, Bucket = '', Key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return { Bucket, Key };
}
