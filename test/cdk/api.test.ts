import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { packageVersion } from '../../cdk/packages.ts';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { newApp, synthesize, synthesizeConfig } from './synthesize.ts';

/**
 * The longest that an HTTP API waits for an answer; it cannot be raised. Source: API Gateway, "Quotas for configuring and
 * running an HTTP API".
 */
const gatewaySeconds = 30;

const domain = {
  apiDomainName: 'batch.example.org',
  apiCertificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
};

function gatewayOf(template: Template): Record<string, unknown> {
  const [gateway] = Object.values(template.findResources('AWS::ApiGatewayV2::Api'));
  return gateway?.Properties;
}

function outputsOf(template: Template): Record<string, { Value: unknown }> {
  return template.findOutputs('*') as Record<string, { Value: unknown }>;
}

describe('the gateway', () => {
  it('hands every request to the one function, which ends before it gives up', () => {
    const template = synthesize();
    template.resourceCountIs('AWS::ApiGatewayV2::Route', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: '$default' });
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      IntegrationUri: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Functionsapi'), 'Arn'] },
    });
    expect(functionTimeoutSeconds.api).toBeLessThan(gatewaySeconds);
  });

  it('leaves other origins to the function, whatever the configuration says of them', () => {
    expect(gatewayOf(synthesize())).not.toHaveProperty('CorsConfiguration');
    expect(gatewayOf(synthesizeConfig({ corsOrigins: ['https://app.example.org'] }))).not.toHaveProperty(
      'CorsConfiguration',
    );
  });

  it('takes so many requests and no more', () => {
    const throttled = (rate: number, burst: number) => ({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
    });
    synthesize().hasResourceProperties('AWS::ApiGatewayV2::Stage', throttled(50, 100));
    const quiet = synthesize({ apiRequestsPerSecond: 0.5, apiBurst: 5 });
    quiet.hasResourceProperties('AWS::ApiGatewayV2::Stage', throttled(0.5, 5));
    expect(() => newApp({ apiBurst: 0 })).toThrow('apiBurst');
  });

  it('logs each request as JSON, without queries, headers and bodies, into a log that ends', () => {
    const template = synthesize({ logRetentionDays: 7 });
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/vendedlogs/apigateway/Batchdrop',
      RetentionInDays: 7,
    });
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    const { DestinationArn: destination, Format: format } = stage?.Properties.AccessLogSettings ?? {};
    expect(destination['Fn::GetAtt'][0]).toMatch(/^ApiLogs/);
    const fields: Record<string, string> = JSON.parse(format);
    expect(Object.keys(fields)).toContain('status');
    for (const value of Object.values(fields)) {
      expect(value).toMatch(/^\$context\.[\w.]+$/);
      expect(value).not.toMatch(/query|header|authorizer|body|userAgent|\.uri/i);
    }
  });

  it('tells its address', () => {
    const { ApiUrl: url, ApiDomainTarget: target } = outputsOf(synthesize());
    expect(url?.Value).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Api/), 'ApiEndpoint'] });
    expect(target).toBeUndefined();
    expect(gatewayOf(synthesize())).not.toHaveProperty('DisableExecuteApiEndpoint');
  });

  it('may have a name of its own', () => {
    const template = synthesize(domain);
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: domain.apiDomainName,
      DomainNameConfigurations: [Match.objectLike({ CertificateArn: domain.apiCertificateArn })],
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: '$default' });
    const { ApiUrl: url, ApiDomainTarget: target } = outputsOf(template);
    expect(JSON.stringify(url?.Value)).toMatch(/https:\/\/.*ApiDomain/);
    expect(JSON.stringify(target?.Value)).toContain('RegionalDomainName');
    expect(gatewayOf(template)).toHaveProperty('DisableExecuteApiEndpoint', true);
  });

  it.each(Object.entries(domain))('asks for the other half of a name with %s alone', (name, value) => {
    expect(() => newApp({ [name]: value })).toThrow('apiDomainName and apiCertificateArn need each other');
  });
});

describe('the function behind it', () => {
  it('knows its release, and no other function is deployed again for that', () => {
    const functions = Object.values(synthesize().findResources('AWS::Lambda::Function'));
    const versions = functions.map(({ Properties }) => [
      Properties.FunctionName,
      Properties.Environment.Variables.BATCHDROP_VERSION,
    ]);
    expect(versions.filter(([, version]) => version !== undefined)).toEqual([['Batchdrop-api', packageVersion()]]);
  });

  it('reads, as prepare does, what the configured prefixes name, and nothing else of these buckets', () => {
    const template = synthesizeConfig({ inputPrefixes: ['s3://their-bucket/a$b/{tenant}/', 's3://another/'] });
    const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
    const readers = policies.filter(([, policy]) => JSON.stringify(policy).includes('their-bucket'));
    expect(readers.map(([id]) => id.replace(/Role.*/, '')).toSorted()).toEqual(['Functionsapi', 'Functionsprepare']);
    for (const [, policy] of readers) {
      const statements: { Action: string; Resource: unknown }[] = policy.Properties.PolicyDocument.Statement;
      const theirs = statements.filter((one) => /their-bucket|another/.test(JSON.stringify(one)));
      expect(theirs.map(({ Action }) => Action)).toEqual(['s3:GetObject']);
      expect(JSON.stringify(theirs[0]?.Resource)).toContain(':s3:::another/*');
      // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM's spelling of a dollar sign
      expect(JSON.stringify(theirs[0]?.Resource)).toContain(':s3:::their-bucket/a${$}b/*/*');
    }
  });
});
