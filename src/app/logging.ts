/** The log goes to stderr: stdout belongs to the line or the transcript that a command prints. */
import pino, { type Logger } from 'pino';

const STDERR = 2;

export function createLogger(level: string, process: string): Logger {
  const destination = pino.destination({ fd: STDERR, sync: true });
  destination.on('error', () => undefined); // Whoever read the log is gone; the service goes on.
  return pino({ level, base: { process }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
