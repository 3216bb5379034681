/** What the body of a refusal says, in OpenAI's form. */
export interface RefusalDetail {
  message: string;
  code: string | null;
  param: string | null;
}

/** The deployment answered with an HTTP status of 400 or more. */
export class DeploymentAnswerError extends Error {
  override readonly name = 'DeploymentAnswerError';
  readonly status: number;
  readonly headers: Headers;
  /** Null where the body is empty; of one that is not in OpenAI's form, as that of a gateway in between, its first characters. */
  readonly error: RefusalDetail | null;

  constructor(status: number, headers: Headers, error: RefusalDetail | null) {
    super(`${status} ${error?.message ?? 'status code (no message)'}`);
    this.status = status;
    this.headers = headers;
    this.error = error;
  }
}

/** No answer came: there was no connection, it broke off, or the time was over. `cause` says which. */
export class DeploymentConnectionError extends Error {
  override readonly name = 'DeploymentConnectionError';
}

/** What answered does not speak the API of a deployment. */
export class DeploymentReplyError extends Error {
  override readonly name = 'DeploymentReplyError';
}
