/** The exporter that the configuration asks for, one for each thread. */
import type { Logger } from 'pino';
import type { Config } from '../../config/config.ts';
import { VERSION } from '../version.ts';
import { TraceExporter } from './exporter.ts';

export function openExporter(
  { telemetry }: Pick<Config, 'telemetry'>,
  part: 'focus' | 'admin',
  log: Pick<Logger, 'warn'>,
): TraceExporter | undefined {
  const { tracesEndpoint, samplePercent, maxQueued } = telemetry;
  if (tracesEndpoint === undefined) return undefined;
  return new TraceExporter({
    endpoint: tracesEndpoint,
    samplePercent,
    maxQueued,
    service: `parley-${part}`,
    version: VERSION,
    log,
  });
}
