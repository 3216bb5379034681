/** What stands for an AWS account here. Local servers verify no signatures, so any credentials will do. */
export const localRegion = 'us-east-1';
export const localAccountId = '000000000000';
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;
export const localBedrockRoleArn = `arn:aws:iam::${localAccountId}:role/batchdrop-bedrock`;
export const localStateMachineArn = `arn:aws:states:${localRegion}:${localAccountId}:stateMachine:batchdrop`;
