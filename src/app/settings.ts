/** What the focus decides by, taken from the configuration. */
import { formatHostPort } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { readingsOf } from '../focus/readings.ts';
import type { FocusSettings } from '../focus/world.ts';
import { VERSION } from './version.ts';

const MAX_SUBSCRIPTION_EXPIRES_S = 7200;
const NOTIFY_MAX_BYTES = 60_000;

/** @param fingerprintOf what a switch says of its certificate */
export function focusSettings(
  config: Config,
  fingerprintOf?: (switchId: string) => string | undefined,
): FocusSettings {
  const { sip, adHoc, session, conference, limits, msrp } = config;
  return {
    domain: sip.domain,
    host: publicHost(config),
    release: `${config.serverHeader.release} Parley/${VERSION}`,
    factories: config.conferenceFactories,
    sessionPrefix: conference.sessionPrefix,
    ...(sip.nextHop === undefined ? {} : { nextHop: sip.nextHop }),
    adHoc,
    groupSessions: config.groupSessions,
    session,
    inviteTimeoutS: conference.inviteTimeoutS,
    strandedS: config.failover.strandedS,
    t1Ms: sip.t1Ms,
    errors: config.errors,
    displayNamePriority: config.displayName.priority,
    notifyMinIntervalMs: config.notify.minIntervalMs,
    notifyMaxBytes: NOTIFY_MAX_BYTES,
    releasePolicy: config.release,
    readings: { ...readingsOf(config.profile), ...config.readings },
    history: config.history,
    media: {
      acceptTypes: msrp.acceptTypes,
      acceptWrappedTypes: msrp.acceptWrappedTypes,
      ...(msrp.maxSizeBytes === undefined ? {} : { maxSizeBytes: msrp.maxSizeBytes }),
      transports: [...new Set(msrp.listen.map(({ proto }) => proto))],
      ...(msrp.chatroom ? { chatroom: ['nickname', 'private-messages'] } : {}),
      hasCema: msrp.cema,
      ...(fingerprintOf === undefined ? {} : { fingerprintOf }),
    },
    limits: {
      maxSessions: limits.maxSessions,
      maxPendingInvites: limits.maxPendingInvites,
      maxBodyBytes: limits.maxBodyBytes,
      maxSubscriptionsPerUser: limits.maxSubscriptionsPerUser,
      maxSubscriptionExpiresS: MAX_SUBSCRIPTION_EXPIRES_S,
      maxListEntries: limits.maxInvitees,
    },
  };
}

/**
 * The host of the identities that we give out; it must lead back to Kamailio from any client. What is advertised, else
 * the address that Kamailio listens on, else (on a wildcard) the domain.
 */
function publicHost({ sip, kamailio }: Config): string {
  if (sip.advertise !== undefined) {
    const { host, port } = sip.advertise;
    return port === undefined ? bracketed(host) : formatHostPort({ host, port });
  }
  // A Kamailio that somebody else runs listens where its send sockets are, not on our sip.listen.
  const { udp, tcp, tls } = kamailio.nodes[0]?.sendSockets ?? {};
  const socket = kamailio.manage ? undefined : (udp ?? tcp ?? tls);
  if (socket !== undefined) return socket.slice(socket.indexOf(':') + 1);
  const first = sip.listen[0];
  if (first === undefined || first.host === '0.0.0.0' || first.host === '::') return sip.domain;
  return formatHostPort(first);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
