import {
  DeploymentAnswerError,
  DeploymentConnectionError,
  DeploymentReplyError,
} from '../../lib/client/deployment/failures.ts';

/** What went wrong and what to do, in one or two sentences. */
export function failureText(error: unknown): string {
  if (error instanceof DeploymentAnswerError) return answerText(error);
  if (error instanceof DeploymentConnectionError)
    return 'The API gives no answer: it was stopped, or the connection is lost.';
  if (error instanceof DeploymentReplyError)
    return 'What answers is not the API that this page was made for. Load the page again.';
  return error instanceof Error ? error.message : String(error);
}

function answerText({ status, headers, error }: DeploymentAnswerError): string {
  const said = error?.message ?? `The API answered with status ${status}.`;
  const id = headers.get('x-request-id');
  return status >= 500 && id !== null ? `${said} In the log it is ${id}.` : said;
}

export function isRefusedKey(error: unknown): boolean {
  return error instanceof DeploymentAnswerError && error.status === 401;
}
