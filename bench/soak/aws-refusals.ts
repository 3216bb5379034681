import type { AwsCall } from './aws-call.ts';

interface Refusal {
  status: number;
  contentType: string;
  body: string;
}

const message = 'The soak refused this request.';

/** An error as the service itself would answer it, so that the SDK takes it for one. */
export function refusalOf(call: AwsCall, how: 'throttled' | 'failed'): Refusal {
  switch (call.service) {
    case 's3':
      return how === 'throttled' ? xml(503, 'SlowDown') : xml(500, 'InternalError');
    case 'dynamodb':
      return how === 'throttled'
        ? json(400, { __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException', message })
        : json(500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message });
    case 'stepFunctions':
      return how === 'throttled'
        ? json(400, { __type: 'ThrottlingException', message })
        : json(500, { __type: 'InternalFailure', message });
    case 'eventBridge':
      return how === 'throttled' ? refusedEntry : json(500, { __type: 'InternalException', message });
  }
}

/** EventBridge refuses entries one by one, under an answer of 200. */
const refusedEntry: Refusal = json(200, {
  FailedEntryCount: 1,
  Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: message }],
});

function json(status: number, body: object): Refusal {
  return { status, contentType: 'application/x-amz-json-1.0', body: JSON.stringify(body) };
}

function xml(status: number, code: string): Refusal {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, contentType: 'application/xml', body };
}
