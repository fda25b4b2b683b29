import {
  optionalAttribute,
  optionalElement,
  rawXml,
  XML_DECLARATION,
  type XmlMarkup,
  xml,
} from '../xml/writer.ts';

export const CONFERENCE_INFO_NS = 'urn:ietf:params:xml:ns:conference-info';

export type InfoState = 'full' | 'partial' | 'deleted';

/** RFC 4575 section 5.7.2. */
export type EndpointStatus =
  | 'connected'
  | 'disconnected'
  | 'on-hold'
  | 'muted-via-focus'
  | 'pending'
  | 'alerting'
  | 'dialing-in'
  | 'dialing-out'
  | 'disconnecting';

export type JoiningMethod = 'dialed-in' | 'dialed-out' | 'focus-owner';

export type DisconnectionMethod = 'departed' | 'booted' | 'failed' | 'busy';

export interface MediaInfo {
  readonly id: string;
  /** The SDP media type: `message` for MSRP. */
  readonly type?: string;
  readonly label?: string;
  readonly status?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
}

export interface EndpointInfo {
  /** The device's contact; absent for a user with a chat alias. */
  readonly entity?: string;
  readonly state?: InfoState;
  readonly displayText?: string;
  /** Who brought this endpoint in (REFER). */
  readonly referredBy?: string;
  readonly status?: EndpointStatus;
  readonly joiningMethod?: JoiningMethod;
  /** Milliseconds since 1970. */
  readonly joiningWhenMs?: number;
  readonly joiningBy?: string;
  readonly disconnectionMethod?: DisconnectionMethod;
  /** Milliseconds since 1970. */
  readonly disconnectionWhenMs?: number;
  /** Clients look for the status code in it, such as `SIP;cause=603;text="Decline"`. */
  readonly disconnectionReason?: string;
  readonly disconnectionBy?: string;
  readonly media?: readonly MediaInfo[];
}

export interface UserInfo {
  /** The user's address, or the alias in its place. */
  readonly entity: string;
  /** Absent means full. */
  readonly state?: InfoState;
  /**
   * True marks the subscriber's own user to RCS clients. RFC 4575's schema has no such attribute: a client that
   * validates drops the whole document, so set it only for subscribers known to want it.
   */
  readonly yourown?: boolean;
  readonly displayText?: string;
  readonly roles?: readonly string[];
  readonly endpoints: readonly EndpointInfo[];
}

export interface ConferenceUri {
  readonly uri: string;
  readonly displayText?: string;
  /** Such as `participation`. */
  readonly purpose?: string;
}

/** A conference's description and state, without its users. */
export interface ConferenceHead {
  readonly entity: string;
  readonly state: InfoState;
  /** Counts up by one per document within a subscription. */
  readonly version: number;
  readonly displayText?: string;
  readonly subject?: string;
  readonly confUris?: readonly ConferenceUri[];
  readonly maximumUserCount?: number;
  readonly userCount?: number;
  readonly active?: boolean;
  /** Of the list of users, where it differs from the document's (a full document that names a part of them). */
  readonly usersState?: InfoState;
}

export interface ConferenceInfo extends ConferenceHead {
  readonly users: readonly UserInfo[];
}

/** Writes an application/conference-info+xml document (RFC 4575), its elements in the order of the schema. */
export function formatConferenceInfo(info: ConferenceInfo): string {
  return assembleConferenceInfo(info, info.users.map(formatUser));
}

/**
 * The same from users written before with `formatUser`: a change of one user in a large conference then costs one user,
 * and the same text serves every subscriber.
 */
export function assembleConferenceInfo(head: ConferenceHead, users: readonly string[]): string {
  const usersState = head.usersState ?? (head.state === 'partial' ? 'partial' : 'full');
  return `${XML_DECLARATION}${xml`<conference-info xmlns="${CONFERENCE_INFO_NS}" entity="${head.entity}" state="${head.state}" version="${head.version}">
${formatDescription(head)}${formatState(head)}${
  // A partial document about the conference alone says nothing of its users.
  users.length === 0 && usersState !== 'full'
    ? undefined
    : xml`<users state="${usersState}">\n${rawXml(users.join(''))}</users>\n`
}</conference-info>
`}`;
}

function formatDescription(head: ConferenceHead): XmlMarkup | undefined {
  const { displayText, subject, confUris = [], maximumUserCount } = head;
  if (
    displayText === undefined &&
    subject === undefined &&
    confUris.length === 0 &&
    maximumUserCount === undefined
  ) {
    return undefined;
  }
  return xml`<conference-description>${optionalElement('display-text', displayText)}${optionalElement('subject', subject)}${
    // The schema has no empty list of URIs.
    confUris.length === 0 ? undefined : xml`<conf-uris>${confUris.map(formatConferenceUri)}</conf-uris>`
  }${optionalElement('maximum-user-count', maximumUserCount)}</conference-description>
`;
}

function formatConferenceUri({ uri, displayText, purpose }: ConferenceUri): XmlMarkup {
  return xml`<entry><uri>${uri}</uri>${optionalElement('display-text', displayText)}${optionalElement('purpose', purpose)}</entry>`;
}

function formatState({ userCount, active }: ConferenceHead): XmlMarkup | undefined {
  if (userCount === undefined && active === undefined) return undefined;
  return xml`<conference-state>${optionalElement('user-count', userCount)}${optionalElement('active', active)}</conference-state>
`;
}

/** One `user` element, ready for `assembleConferenceInfo`. */
export function formatUser(user: UserInfo): string {
  const roles = user.roles ?? [];
  return xml`<user entity="${user.entity}" state="${user.state ?? 'full'}"${optionalAttribute('yourown', user.yourown || undefined)}>${optionalElement(
    'display-text',
    user.displayText,
  )}${roles.length === 0 ? undefined : xml`<roles>${roles.map((role) => xml`<entry>${role}</entry>`)}</roles>`}${user.endpoints.map(
    formatEndpoint,
  )}</user>
`.markup;
}

function formatEndpoint(endpoint: EndpointInfo): XmlMarkup {
  const joiningInfo = execution('joining-info', endpoint.joiningWhenMs, undefined, endpoint.joiningBy);
  const disconnectionInfo = execution(
    'disconnection-info',
    endpoint.disconnectionWhenMs,
    endpoint.disconnectionReason,
    endpoint.disconnectionBy,
  );
  return xml`<endpoint${optionalAttribute('entity', endpoint.entity)}${optionalAttribute('state', endpoint.state)}>${optionalElement(
    'display-text',
    endpoint.displayText,
  )}${execution('referred', undefined, undefined, endpoint.referredBy)}${optionalElement('status', endpoint.status)}${optionalElement(
    'joining-method',
    endpoint.joiningMethod,
  )}${joiningInfo}${optionalElement('disconnection-method', endpoint.disconnectionMethod)}${disconnectionInfo}${endpoint.media?.map(
    formatMedia,
  )}</endpoint>`;
}

function execution(
  name: string,
  whenMs: number | undefined,
  reason: string | undefined,
  by: string | undefined,
): XmlMarkup | undefined {
  if (whenMs === undefined && reason === undefined && by === undefined) return undefined;
  const when = whenMs === undefined ? undefined : new Date(whenMs).toISOString();
  return rawXml(
    `<${name}>${optionalElement('when', when) ?? ''}${optionalElement('reason', reason) ?? ''}${optionalElement('by', by) ?? ''}</${name}>`,
  );
}

function formatMedia({ id, type, label, status }: MediaInfo): XmlMarkup {
  return xml`<media id="${id}">${optionalElement('type', type)}${optionalElement('label', label)}${optionalElement('status', status)}</media>`;
}
