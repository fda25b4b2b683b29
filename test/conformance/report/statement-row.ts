/** M: SHALL, S: SHOULD, I: informative but testable. */
export type Level = 'M' | 'S' | 'I';

/** Where it is observed: SIP, MSRP, a conference NOTIFY, a refer NOTIFY, or indirectly. */
export type Observed = 'SIP' | 'MSRP' | 'CONF' | 'REF' | 'ind';

/** `observed` and `readings` are lists with spaces (`CONF MSRP`, `A-3 A-12`). */
export type StatementRow = readonly [
  id: string,
  level: Level,
  observed: string,
  title: string,
  readings?: string,
];
