/**
 * One stack for the tests of a file, and for each test people and a group of its own, so that the tests can run side
 * by side. Whatever the agents found wrong with what they received fails the file at its end.
 */
import assert from 'node:assert/strict';
import type { Subscriber, SubscriberOptions } from '../../../src/agents/chat.ts';
import { type GroupOptions, groupDocument } from '../../support/groups.ts';
import { DOMAIN, Stack, type StackOptions } from '../../support/stack.ts';

export interface CastOptions extends Omit<GroupOptions, 'uri' | 'members'> {
  /** Names, `[name, display name in the group's list]`, or other URIs as they are. */
  readonly members?: readonly (string | readonly [name: string, listed: string])[];
}

export class Stage {
  readonly #documents: string[] = [];
  readonly #people: Subscriber[] = [];
  #stack: Stack | undefined;

  get stack(): Stack {
    if (this.#stack === undefined) throw new Error('the stack is not up');
    return this.#stack;
  }

  /** The people of one test, and with `members` their group. Before `open`. */
  cast(key: string, options: CastOptions = {}): Cast {
    const cast = new Cast(this, key, (subscriber) => this.#people.push(subscriber));
    if (options.members !== undefined) {
      const members = options.members.map((member) => {
        if (typeof member !== 'string') return [cast.uri(member[0]), member[1]] as const;
        return member.includes(':') ? member : cast.uri(member);
      });
      this.#documents.push(groupDocument({ ...options, uri: cast.group, members }));
    }
    return cast;
  }

  async open(config: NonNullable<StackOptions['config']> = {}): Promise<void> {
    this.#stack = await Stack.start({ config, groups: this.#documents });
  }

  async close(): Promise<void> {
    const faults = this.#people.flatMap((person) => [
      ...person.violations.map((fault) => `${person.uri}: ${fault}`),
      ...person.sip.unexpected.map(({ why, bytes }) => `${person.uri}: ${why}\n${bytes.toString('utf8')}`),
    ]);
    assert.equal(await this.stack.stop(), 0, 'the stack ends with status 0');
    assert.deepEqual(faults, [], 'what the agents found wrong');
  }
}

export class Cast {
  readonly #stage: Stage;
  readonly #key: string;
  readonly #joined: (subscriber: Subscriber) => void;

  constructor(stage: Stage, key: string, joined: (subscriber: Subscriber) => void) {
    this.#stage = stage;
    this.#key = key;
    this.#joined = joined;
  }

  get group(): string {
    return `sip:im-g-${this.#key}@${DOMAIN}`;
  }

  uri(name: string): string {
    return `sip:${name}.${this.#key}@${DOMAIN}`;
  }

  /** Registered subscribers, asserted as themselves with their capitalised name. */
  come<const N extends readonly string[]>(...names: N): Promise<{ -readonly [K in keyof N]: Subscriber }> {
    return Promise.all(names.map((name) => this.comeAs(name))) as Promise<{
      -readonly [K in keyof N]: Subscriber;
    }>;
  }

  async comeAs(name: string, options: Partial<SubscriberOptions> = {}): Promise<Subscriber> {
    const displayName = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    const subscriber = await this.#stage.stack.subscriber(name, {
      uri: this.uri(name),
      displayName,
      ...options,
    });
    this.#joined(subscriber);
    return subscriber;
  }
}

export function ruleFor(uris: readonly string[], actions: Readonly<Record<string, boolean>>): string {
  const ones = uris.map((uri) => `<cr:one id="${uri}"/>`).join('');
  const grants = Object.entries(actions).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<cr:rule id="named"><cr:conditions><cr:identity>${ones}</cr:identity></cr:conditions><cr:actions>${grants.join('')}</cr:actions></cr:rule>`;
}
