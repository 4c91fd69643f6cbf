/** Opens a process's log, and tracing where the configuration asks for it. Nothing of OpenTelemetry's is loaded otherwise. */
import { type Config } from '../config.js';
import { type Environment } from '../environment.js';
import { createLogger, type Logger } from '../logger.js';
import { readSwitch } from './settings.js';
import { type Tracing } from './tracing.js';
import { createUntraced } from './untraced.js';

export interface TracingOptions {
  /** Of the process: `service.name` is `clerk-sync-` and this, unless OTEL_SERVICE_NAME says otherwise. */
  name: 'ingest' | 'worker';
  config: Config;
  /** All that was read, .env files included. */
  environment: Environment;
  /** The process's own environment, which OpenTelemetry's packages read: gets the OTEL_ variables of `environment`. */
  processEnv: Environment;
}

/** Never rejects over a setting: what cannot be used is a warning, and tracing is off. */
export async function openTracing(
  options: TracingOptions,
): Promise<{ tracing: Tracing; logger: Logger }> {
  const { name, config } = options;
  const tracing = await chooseTracing(options);
  const logger = createLogger(name, {
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
    describeLine: tracing.describeLine,
  });
  tracing.reportTo(logger);
  return { tracing, logger };
}

async function chooseTracing({
  name,
  config,
  environment,
  processEnv,
}: TracingOptions): Promise<Tracing> {
  const found = readSwitch(config);
  if (!found.isOn) return createUntraced(found.problem);
  for (const [variable, value] of Object.entries(environment)) {
    if (variable.startsWith('OTEL_') && value !== undefined) processEnv[variable] = value;
  }
  const { startTracing } = await import('./start-tracing.js');
  return startTracing(name, config);
}
