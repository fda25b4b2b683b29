/**
 * The configuration as a person writes it: one YAML document, every key optional. This schema is the only
 * description of it: it validates, gives the defaults, and docs/configuration.md is made from it.
 * The form that the program works with (parsed, complete) is `Config` in config.ts.
 */
import Type, { type Static } from 'typebox';
import {
  AdHocSection,
  ConferenceSection,
  DisplayNameSection,
  ErrorsSection,
  GroupSessionsSection,
  LimitsSection,
  NotifySection,
  ReleaseSection,
  ServerHeaderSection,
  SessionSection,
} from './schema-conference.ts';
import { FailoverSection } from './schema-failover.ts';
import { FreeSwitchSection } from './schema-freeswitch.ts';
import { ManagedGroupsSection } from './schema-groups.ts';
import {
  AdminSection,
  EventSocketSection,
  LogSection,
  MsrpSection,
  StoreSection,
  SwitchSection,
} from './schema-media.ts';
import { HistorySection, ReadingsSection } from './schema-readings.ts';
import { SessionRecordsSection, WebhooksSection } from './schema-records.ts';
import { DigestSection, KamailioSection, SipSection } from './schema-signalling.ts';
import { TelemetrySection } from './schema-telemetry.ts';

export const ConfigSchema = Type.Object(
  {
    sip: SipSection,
    digest: DigestSection,
    kamailio: KamailioSection,
    conferenceFactories: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        maxItems: 64,
        description:
          'The conference-factory URIs: an INVITE to one of them sets up an ad hoc session. Default: `sip:im-conference-factory@` followed by `sip.domain`.',
      }),
    ),
    conference: ConferenceSection,
    adHoc: AdHocSection,
    groupSessions: GroupSessionsSection,
    session: SessionSection,
    groups: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 1024,
      default: [],
      description:
        'OMA group documents (XML): files or globs such as `groups/*.xml`, relative to the configuration file. Changes are taken while the focus runs; a document with a fault leaves the one before in force.',
    }),
    groupLists: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Folder of the resource-lists documents (XML) that group documents refer to by `external` and `external-list`. An XCAP URI counts from its `resource-lists` segment on.',
      }),
    ),
    managedGroups: ManagedGroupsSection,
    serverHeader: ServerHeaderSection,
    errors: ErrorsSection,
    displayName: DisplayNameSection,
    notify: NotifySection,
    release: ReleaseSection,
    limits: LimitsSection,
    msrp: MsrpSection,
    switch: SwitchSection,
    eventSocket: EventSocketSection,
    failover: FailoverSection,
    freeswitch: FreeSwitchSection,
    admin: AdminSection,
    sessionRecords: SessionRecordsSection,
    webhooks: WebhooksSection,
    store: StoreSection,
    log: LogSection,
    telemetry: TelemetrySection,
    history: HistorySection,
    profile: Type.Union([Type.Literal('oma-strict'), Type.Literal('rcc07'), Type.Literal('lenient')], {
      default: 'oma-strict',
      description:
        'The set of readings where the specification leaves room; docs/profiles.md has the table. A reading set by itself under `readings` wins.',
    }),
    readings: ReadingsSection,
  },
  { additionalProperties: false, description: 'Parley configuration' },
);

/** The document with defaults filled in, still as text: addresses and paths are not parsed yet. */
export type ConfigDocument = Static<typeof ConfigSchema>;
