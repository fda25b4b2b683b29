/** What a busy operator's desk asks of the admin, without a pause: `load.ts URL`, until it is told to stop. */
import { get } from 'node:http';
import { setPriority } from 'node:os';

const url = process.argv[2] ?? '';
const STREAMS = 8;
const WORKERS = 2;
const EXPLAIN = JSON.stringify({
  message: [
    'INVITE sip:im-conference-factory@im.example.net SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1',
    'From: <sip:user-1@im.example.net>;tag=a',
    'To: <sip:im-conference-factory@im.example.net>',
    'Call-ID: explain-1',
    'CSeq: 1 INVITE',
    'Contact: <sip:user-1@192.0.2.9>',
    '',
    '',
  ].join('\n'),
});
const PATHS = [
  '/api/v1/sessions?limit=500',
  '/api/v1/decisions?limit=100',
  '/api/v1/sessions?user=sip:user-7%40im.example.net',
  '/api/v1/decisions?callId=call-77%40192.0.2.9',
  '/api/v1/sessions/im-s-000005',
  '/metrics',
];

// Who asks is on another machine otherwise: it takes what nobody else wants.
setPriority(19);
let isOn = true;
let asked = 0;
process.on('message', (message) => {
  if (message === 'stop') {
    isOn = false;
    process.send?.({ asked }, () => process.exit(0));
  }
});
for (let n = 0; n < STREAMS; n += 1)
  get(`${url}/api/v1/events`, (response) => response.resume()).on('error', () => undefined);
for (let n = 0; n < WORKERS; n += 1) void work(n);
process.send?.({ ready: true });

async function work(first: number): Promise<void> {
  for (let n = first; isOn; n += 1) {
    const isQuestion = n % 10 === 0;
    const response = await fetch(
      `${url}${isQuestion ? '/api/v1/explain' : (PATHS[n % PATHS.length] ?? '')}`,
      {
        ...(isQuestion
          ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: EXPLAIN }
          : {}),
      },
    );
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${response.status} ${response.url}`);
    asked += 1;
  }
}
