/** What we use of sdp-transform 3, which brings no types. */
declare module 'sdp-transform' {
  interface Rule {
    readonly name?: string;
    readonly push?: string;
    readonly reg: RegExp;
    readonly names?: readonly string[];
    readonly format: string | ((value: Record<string, unknown>) => string);
  }
  const sdpTransform: {
    readonly grammar: Record<string, readonly Rule[]>;
    parse(text: string): Record<string, unknown>;
    write(session: Record<string, unknown>): string;
  };
  export default sdpTransform;
}
