/** The configuration with the policy that is in force over it: read from the admin's records, by both threads. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { openRecords } from '../admin/records/database.ts';
import { activePolicy, policyBody } from '../admin/records/policies.ts';
import type { Config } from '../config/config.ts';
import { formatConfigError } from '../config/config-error.ts';
import { withPolicy } from '../config/policy.ts';

export class PolicyInForce {
  /** What was configured. */
  readonly base: Config;
  readonly #log: Pick<Logger, 'error' | 'info'>;
  readonly #records: DatabaseSync | undefined;
  #config: Config;
  #version = 0;
  /** Number of the activation that was looked at last. */
  #seen = -1;

  /** No records: the configuration alone. @throws CodedError `ADMIN_RECORDS_OPEN` */
  constructor(config: Config, log: Pick<Logger, 'error' | 'info'>) {
    this.base = config;
    this.#config = config;
    this.#log = log;
    const { sqlite } = config.admin;
    this.#records = existsSync(sqlite) ? openRecords(sqlite, { readOnly: true }) : undefined;
    this.refresh();
  }

  get config(): Config {
    return this.#config;
  }

  /** 0: the configuration alone. */
  get version(): number {
    return this.#version;
  }

  /** One with a fault, by a configuration that has changed since, leaves the one before. @returns whether it is another */
  refresh(): boolean {
    const records = this.#records;
    if (records === undefined) return false;
    const { id, version } = activePolicy(records);
    if (id === this.#seen) return false;
    this.#seen = id;
    const checked = withPolicy(this.base, policyBody(records, version) ?? {});
    if (!checked.ok) {
      const errors = checked.errors.map(formatConfigError);
      this.#log.error({ version, errors }, 'the policy cannot be used with this configuration');
      return false;
    }
    const isAnother = version !== this.#version;
    this.#config = checked.config;
    this.#version = version;
    if (isAnother) this.#log.info({ version }, 'another policy is in force');
    return isAnother;
  }

  close(): void {
    this.#records?.close();
  }
}
