import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { ApiMapping, DomainName, HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import type { Functions } from './functions.ts';

/**
 * One line for each request. Nothing secret: no query, no headers, no bodies; the links to files, which are signed, are
 * in answers only. Names: API Gateway, "Customize HTTP API access logs".
 */
const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  responseBytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  functionLatencyMs: '$context.integrationLatency',
  functionError: '$context.integrationErrorMessage',
};

/**
 * The HTTP API: a gateway that hands every request to one function.
 *
 * The function itself routes, checks keys and answers other origins; the gateway's own CORS stays off, since it would
 * replace the function's headers.
 */
export class Api extends Construct {
  readonly stage: HttpStage;
  /** Without a slash at its end. */
  readonly url: string;
  /** What a CNAME or alias record of the custom domain points to. */
  readonly domainTarget: string | undefined;

  constructor(scope: Construct, id: string, settings: DeploymentSettings, functions: Functions) {
    super(scope, id);
    const domain = newDomain(this, settings);
    const api = newApi(this, settings, functions);
    this.stage = newStage(this, api, settings);
    if (domain) new ApiMapping(this, 'Mapping', { api, domainName: domain, stage: this.stage });
    this.url = domain ? `https://${domain.name}` : api.apiEndpoint;
    this.domainTarget = domain?.regionalDomainName;
  }
}

/** Where it has a name of its own, its other address is closed: nobody goes around what stands before that name. */
function newApi(scope: Construct, settings: DeploymentSettings, functions: Functions): HttpApi {
  const api = new HttpApi(scope, 'Gateway', {
    apiName: settings.stackName,
    description: 'Files, uploads and batches, as at OpenAI.',
    defaultIntegration: new HttpLambdaIntegration('Function', functions.get('api')),
    createDefaultStage: false,
    ...(settings.apiDomainName !== undefined && { disableExecuteApiEndpoint: true }),
  });
  Validations.of(api).acknowledge({
    id: 'AwsSolutions-APIG4',
    reason:
      'The function checks the bearer key of every request below /v1 against the table; what lies outside tells nothing of anybody: health, the files of the console, the description and its page.',
  });
  return api;
}

function newStage(scope: Construct, api: HttpApi, settings: DeploymentSettings): HttpStage {
  return new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: settings.apiRequestsPerSecond, burstLimit: settings.apiBurst },
    accessLogSettings: {
      destination: new LogGroupLogDestination(newLogGroup(scope, settings)),
      format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
    },
  });
}

/** The prefix keeps the log's resource policy from growing with each API of the account. */
function newLogGroup(scope: Construct, { stackName, logRetentionDays }: DeploymentSettings): LogGroup {
  return new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/vendedlogs/apigateway/${stackName}`,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function newDomain(scope: Construct, { apiDomainName, apiCertificateArn }: DeploymentSettings): DomainName | undefined {
  if (apiDomainName === undefined || apiCertificateArn === undefined) return undefined;
  const certificate = Certificate.fromCertificateArn(scope, 'Certificate', apiCertificateArn);
  return new DomainName(scope, 'Domain', { domainName: apiDomainName, certificate });
}
