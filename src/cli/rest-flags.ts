import type { Flag } from './command.ts';

/** Every command over REST takes these. Apart from rest.ts, which the contents page of the commands must not load. */
export const REST_FLAGS: readonly Flag[] = [
  { name: 'url', value: 'URL', about: 'the admin interface; default: admin.listen of the configuration' },
  { name: 'token', value: 'TOKEN', about: 'better in PARLEY_TOKEN, where other users do not see it' },
  { name: 'json', about: 'one line of JSON' },
];
