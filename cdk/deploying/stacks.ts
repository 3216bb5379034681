import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  paginateListStackResources,
  type Stack,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';

/** A stack that stands in the account, as far as a deploy could harm it. */
export interface StandingStack {
  bucket: string | null;
  table: string | null;
  /** Whether they are resources of the stack, and not named by its configuration. */
  ownsBucket: boolean;
  ownsTable: boolean;
}

/** The stacks of an account and region. Every method may throw what AWS says. */
export class Stacks {
  readonly #client = new CloudFormationClient();

  /** @returns null where there is no such stack, or one that never came to be. */
  async find(stackName: string): Promise<StandingStack | null> {
    const stack = await this.#describe(stackName);
    const outputs = new Map(stack?.Outputs?.map(({ OutputKey: key, OutputValue: value }) => [key, value]));
    if (!stack || outputs.size === 0) return null;
    const [bucket, table] = [outputs.get('Bucket') ?? null, outputs.get('Table') ?? null];
    const own = await this.#resources(stackName);
    return {
      bucket,
      table,
      ownsBucket: own.has(`AWS::S3::Bucket ${bucket}`),
      ownsTable: own.has(`AWS::DynamoDB::Table ${table}`),
    };
  }

  /** A protected stack is not deleted before its protection is turned off. */
  async setTerminationProtection(stackName: string, isProtected: boolean): Promise<void> {
    await this.#client.send(
      new UpdateTerminationProtectionCommand({ StackName: stackName, EnableTerminationProtection: isProtected }),
    );
  }

  async #describe(stackName: string): Promise<Stack | undefined> {
    try {
      const { Stacks: found } = await this.#client.send(new DescribeStacksCommand({ StackName: stackName }));
      return found?.[0];
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** As `type name`. */
  async #resources(stackName: string): Promise<Set<string>> {
    const resources = new Set<string>();
    for await (const page of paginateListStackResources({ client: this.#client }, { StackName: stackName }))
      for (const { ResourceType: type, PhysicalResourceId: name } of page.StackResourceSummaries ?? [])
        resources.add(`${type} ${name}`);
    return resources;
  }
}

/** CloudFormation has no error of its own for a stack that is not there. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof CloudFormationServiceException &&
    error.name === 'ValidationError' &&
    error.message.includes('does not exist')
  );
}
