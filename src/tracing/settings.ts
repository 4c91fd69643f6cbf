/** Whether events are traced, by OpenTelemetry's own variables. A setting that cannot be used never stops a process. Pure. */
import { type Config } from '../config.js';

/** `problem`: why tracing is off although somebody asked for it, and the cure; null when nobody did. */
export type Switch = { isOn: true } | { isOn: false; problem: string | null };

/**
 * On when an endpoint is named, or the exporter is: the specification's default is the endpoint http://localhost:4318, and a service
 * that sends there unasked is a surprise. Source: OpenTelemetry's specification, "Environment Variable Specification".
 */
export function readSwitch(config: TracingConfig): Switch {
  const { OTEL_TRACES_EXPORTER: exporter, OTEL_EXPORTER_OTLP_PROTOCOL: protocol } = config;
  const endpoint = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (config.OTEL_SDK_DISABLED.toLowerCase() === 'true' || exporter === 'none') return OFF;
  if (endpoint === undefined && exporter === undefined) return OFF;
  if (exporter !== undefined && exporter !== 'otlp') {
    return refuse(`OTEL_TRACES_EXPORTER is ${exporter}: only otlp, or none, is known here.`);
  }
  if (protocol !== 'http/protobuf') {
    return refuse(
      `OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}: only http/protobuf is spoken here. A collector takes it at port 4318 as a rule.`,
    );
  }
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    // Without the value: it may hold a password.
    return refuse('The OTLP endpoint is not a URL of the form http://collector:4318.');
  }
  return { isOn: true };
}

export type TracingConfig = Pick<
  Config,
  | 'OTEL_EXPORTER_OTLP_ENDPOINT'
  | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  | 'OTEL_EXPORTER_OTLP_PROTOCOL'
  | 'OTEL_SDK_DISABLED'
  | 'OTEL_TRACES_EXPORTER'
  | 'OTEL_TRACES_SAMPLER'
  | 'OTEL_TRACES_SAMPLER_ARG'
  | 'WEBHOOK_PATHS'
>;

const OFF: Switch = { isOn: false, problem: null };

function refuse(problem: string): Switch {
  return { isOn: false, problem };
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
