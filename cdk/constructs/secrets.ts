import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { secretOf } from '../../lib/providers/account.ts';
import type { Config } from '../../lib/providers/config.ts';
import { type DeploymentSettings, secretNameIn } from '../../lib/records/deployment-settings.ts';
import { removalPolicyOf } from './storage.ts';

/**
 * A secret for each provider's key, by the name that the configuration says, within the deployment's.
 *
 * The stack makes it without a value, so no key ever passes through a template; the owner puts it there. It outlives the
 * stack like bucket and table. With `createSecrets: false` it must exist.
 */
export class ProviderSecrets extends Construct {
  readonly arns: readonly string[];

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const settings = config.deployment;
    const secrets = Object.values(config.providers).flatMap((provider) => secretOf(provider) ?? []);
    const names = [...new Set(secrets.map((secret) => secretNameIn(settings.stackName, secret)))].toSorted();
    this.arns = names.map((name) => (settings.createSecrets ? this.#create(name, settings) : arnOf(this, name)));
  }

  #create(name: string, settings: DeploymentSettings): string {
    const secret = new CfnSecret(this, idFrom(name), {
      name,
      description: `Batchdrop: the API key of a provider. Put it there with: aws secretsmanager put-secret-value --secret-id ${name} --secret-string <key>`,
    });
    secret.applyRemovalPolicy(removalPolicyOf(settings));
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'The key is issued by the provider, which has no API to rotate it; a new one is used within five minutes.',
    });
    return secret.ref;
  }
}

/** Secrets Manager appends six characters to a name. */
function arnOf(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${name}-??????`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

function idFrom(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]+/g, '-');
}
