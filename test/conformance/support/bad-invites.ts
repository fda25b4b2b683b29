/** What can be wrong with an INVITE, whatever it is sent to: the header fields and the offer that the clauses read. */
import type { MsrpSdpOptions } from '../../../src/agents/sdp.ts';
import type { Body } from '../../../src/agents/sip/message.ts';
import { plainSdp } from './ad-hoc.ts';
import { type BadRow, field } from './bad-input.ts';

const LONG = 'x'.repeat(3_000);

/** Header fields that a clause reads of every INVITE, set-up, joining or re-INVITE. */
export function contactRows(): BadRow[] {
  return [
    field('Contact', 'malformed', 'nonsense <<>', 400, /address/),
    field('Contact', 'with a broken escape', '<sip:%zz@127.0.0.1>', 400, /URI/),
    field('Contact', 'with a host that is none', '<sip:ada@[::>', 400, /URI/),
    field('Contact', 'without a scheme', '<ada@127.0.0.1>', 400, /address/),
    field('Contact', 'with a telephone number', '<tel:+4670000>', 400, /Contact is no SIP URI/),
    field('Contact', 'with a mail address', '<mailto:ada@example.net>', 400, /Contact is no SIP URI/),
    field('Contact', 'with header fields', '<sip:ada@127.0.0.1?Subject=x>', 400, /Contact is no SIP URI/),
    field('Contact', 'of a star', '*', 400, /Contact/),
    field('Contact', 'oversized', `<sip:${LONG}@127.0.0.1>`, 400, /too long/),
  ];
}

export function timerRows(): BadRow[] {
  return [
    field('Session-Expires', 'malformed', 'soon', 400, /Session-Expires/),
    field('Session-Expires', 'empty', '', 400, /Session-Expires/),
    field('Session-Expires', 'negative', '-1', 400, /Session-Expires/),
    field('Session-Expires', 'above 32 bits', '4294967296', 400, /Session-Expires/),
    field('Session-Expires', 'oversized', '9'.repeat(3_000), 400, /Session-Expires/),
    field('Session-Expires', 'with an unknown refresher', '1800;refresher=nobody', 400, /refresher/),
    field('Session-Expires', 'in a list', '1800, 3600', 400, /Session-Expires/),
    field('Session-Expires', 'repeated', ['1800', '3600'], 400, /more than one Session-Expires/),
    {
      wrong: 'Session-Expires below the minimum',
      status: 422,
      warning: /at least 90 s/,
      headers: [
        ['Session-Expires', '30'],
        ['Supported', 'timer'],
      ],
      tells: ['Min-SE', /^90$/],
    },
    field('Min-SE', 'malformed', 'long', 400, /Min-SE/),
    field('Min-SE', 'repeated', ['90', '120'], 400, /more than one Min-SE/),
    field('Min-SE', 'of a century', '4294967295', 400, /Min-SE is too large/),
    {
      wrong: 'Min-SE above Session-Expires',
      status: 400,
      warning: /Min-SE is too large/,
      headers: [
        ['Session-Expires', '1800'],
        ['Min-SE', '1801'],
      ],
    },
  ];
}

/** Fields that are read of every request of every clause. */
export function generalRows(method: string): BadRow[] {
  const unknown = (name: string, value: string, tags: RegExp): BadRow => ({
    ...field(name, `with ${value.length > 50 ? 'an oversized tag' : value}`, value, 420, /not supported/),
    tells: ['Unsupported', tags],
  });
  return [
    unknown('Require', '100rel', /^100rel$/),
    unknown('Require', 'precondition, timer, teleport', /^precondition, teleport$/),
    unknown('Require', LONG, /^x{3000}$/),
    unknown('Proxy-Require', 'sec-agree', /^sec-agree$/),
    field('Require', 'malformed', 'two words', 400, /malformed Require/),
    field('Proxy-Require', 'malformed', '"timer"', 400, /malformed Proxy-Require/),
    field('CSeq', 'above 31 bits', `2147483648 ${method}`, 400),
    field('Max-Forwards', 'of nought', '0', 483),
  ];
}

/** More of an initial INVITE. */
export function inviteRows(): BadRow[] {
  return [
    field('Contact', 'missing', null, 400, /Contact/),
    ...contactRows(),
    ...timerRows(),
    ...generalRows('INVITE'),
    field('Allow', 'malformed', 'INVITE BYE', 400, /malformed Allow/),
    field('Allow', 'of no methods', '<INVITE>, BYE', 400, /malformed Allow/),
    field('Allow', 'oversized', Array.from({ length: 200 }, (_, n) => `M${n}`).join(', '), 400, /Allow/),
    field('Privacy', 'malformed', '"id"', 400, /malformed Privacy/),
    field('Privacy', 'empty', '', 400, /malformed Privacy/),
    field('Privacy', 'of two words', 'id user', 400, /malformed Privacy/),
    field('Subject', 'repeated', ['One', 'Two'], 400, /more than one Subject/),
    field('Record-Route', 'malformed', '<sip:[::1;lr>', 400, /URI|address/),
    field('P-Asserted-Identity', 'missing', null, 403, /not authenticated/),
    field('P-Asserted-Identity', 'malformed', 'nobody <<', 403, /not authenticated/),
    field('P-Asserted-Identity', 'with a broken URI', '<sip:%zz@x>', 403, /not authenticated/),
  ];
}

/** Offers that are refused; `bodyOf` puts the offer into the body that the clause wants. */
export function offerRows(bodyOf: (sdp: string) => Body): BadRow[] {
  const offer = (wrong: string, status: number, warning: RegExp, sdp: string): BadRow => ({
    wrong: `SDP ${wrong}`,
    status,
    warning,
    body: bodyOf(sdp),
  });
  const msrp = (options: Partial<MsrpSdpOptions>): string => plainSdp(options);
  const good = plainSdp();
  const edited = (from: RegExp, to: string): string => {
    const changed = good.replace(from, to);
    if (changed === good) throw new Error(`${from} is not in the offer`);
    return changed;
  };
  return [
    offer('that is text', 400, /SDP/, 'hello\r\n'),
    offer('without v=', 400, /SDP/, edited(/^v=0\r\n/, '')),
    offer('of another version', 400, /SDP/, edited(/^v=0/, 'v=1')),
    offer('without o=', 400, /SDP/, edited(/^o=.*\r\n/m, '')),
    offer('with o= twice', 400, /SDP/, edited(/^(o=.*\r\n)/m, '$1$1')),
    offer('with o= cut short', 400, /SDP/, edited(/^o=.*$/m, 'o=- 1')),
    offer('with a port above 65,535', 400, /SDP/, edited(/^m=message \d+/m, 'm=message 65536')),
    offer('with a malformed m=', 400, /SDP/, edited(/^m=.*$/m, 'm=message')),
    offer('with a NUL', 400, /SDP/, edited(/^s=-/m, 's=\0')),
    offer(
      'with a thousand media',
      400,
      /SDP/,
      msrp({ mediaAfter: Array.from({ length: 1_000 }, () => 'm=audio 9 RTP/AVP 0') }),
    ),
    offer('of audio alone', 488, /No message media/, edited(/^m=message .*$/m, 'm=audio 9 RTP/AVP 0')),
    offer('with the message media disabled', 488, /disabled/, edited(/^m=message \d+/m, 'm=message 0')),
    offer('over TLS alone', 488, /transport not supported/, edited(/TCP\/MSRP/, 'TCP/TLS/MSRP')),
    offer('with another format', 488, /format/, edited(/TCP\/MSRP \*/, 'TCP/MSRP text')),
    offer('of a file transfer', 488, /File transfer/, msrp({ attributes: ['file-selector:name:"a.txt"'] })),
    offer('without a path', 488, /without a path/, edited(/^a=path:.*\r\n/m, '')),
    offer('with a malformed path', 488, /malformed path/, edited(/^a=path:.*$/m, 'a=path:http://x/y')),
    offer('with an oversized path', 488, /malformed path/, msrp({ path: `msrp://127.0.0.1:9/${LONG};tcp` })),
    offer('without accept-types', 488, /without accept-types/, edited(/^a=accept-types:.*\r\n/m, '')),
    offer('with accept-types that nobody takes', 488, /accept-types/, msrp({ acceptTypes: 'image/png' })),
  ];
}

/** Content-Type and the like around the offer. No body at all is no fault: the offer is then ours (RFC 3264). */
export function contentRows(sdp: string = plainSdp()): BadRow[] {
  const sdpOnly: Body = { contentType: 'application/sdp', content: sdp };
  return [
    {
      wrong: 'Content-Type missing',
      status: 400,
      warning: /Content-Type/,
      headers: [['Content-Type', null]],
      body: sdpOnly,
    },
    {
      wrong: 'Content-Type repeated',
      status: 400,
      warning: /more than one Content-Type/,
      headers: [
        ['Content-Type', 'application/sdp'],
        ['Content-Type', 'text/plain'],
      ],
      body: sdpOnly,
    },
    {
      wrong: 'Content-Type malformed',
      status: 400,
      warning: /media type/,
      body: { ...sdpOnly, contentType: 'application/sdp/extra;=' },
    },
    {
      wrong: 'Content-Type of a body that nobody reads',
      status: 488,
      warning: /no SDP/,
      body: { contentType: 'application/x-unknown', content: 'x' },
    },
    {
      wrong: 'Content-Encoding of gzip',
      status: 415,
      warning: /encoding/,
      headers: [['Content-Encoding', 'gzip']],
      body: sdpOnly,
      tells: ['Accept-Encoding', /identity/],
    },
    {
      wrong: 'multipart without a boundary',
      status: 400,
      warning: /boundary/,
      body: { contentType: 'multipart/mixed', content: sdp },
    },
    {
      wrong: 'multipart with an oversized boundary',
      status: 400,
      warning: /boundary/,
      body: { contentType: `multipart/mixed;boundary="${LONG}"`, content: sdp },
    },
  ];
}
