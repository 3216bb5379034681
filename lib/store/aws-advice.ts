const signIn = 'Sign in to AWS first: `aws sts get-caller-identity` must answer.';
const lackOfRight = 'Do it as somebody who may read the stack, or ask for the right that is named.';
const notHere = 'It does not exist in this account and region: check both, then `npm run deploy`.';

const adviceByErrorName: Record<string, string> = {
  CredentialsProviderError: signIn,
  ExpiredToken: signIn,
  ExpiredTokenException: signIn,
  AccessDenied: lackOfRight,
  AccessDeniedException: lackOfRight,
  ResourceNotFoundException: notHere,
  StateMachineDoesNotExist: notHere,
  NotFound: notHere,
  NoSuchBucket: notHere,
};

/** What a person can do about an error of AWS, or of the way there; null where nothing is known. */
export function adviceOnAws(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    // The SDK has no name for it.
    if (current.message === 'Region is missing')
      return 'Set a region first: `export AWS_REGION=...`, or `aws configure set region ...`.';
    const advice = Object.hasOwn(adviceByErrorName, current.name) ? adviceByErrorName[current.name] : undefined;
    if (advice) return advice;
  }
  return null;
}
