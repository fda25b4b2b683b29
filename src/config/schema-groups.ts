/** Configuration of the groups that are managed over REST, and of where they may be taken from. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;

export const ManagedGroupsSection = Type.Object(
  {
    maxVersions: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 100_000,
      description: 'Versions kept of each managed group; the oldest go first.',
    }),
    importFolder: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Folder of group documents (XML, subfolders too) that `POST /api/v1/groups/import` may take over. They are copied: later changes of the files have no effect until they are imported again.',
      }),
    ),
    xdmsServers: Type.Array(Type.String(), {
      maxItems: 64,
      default: [],
      description:
        'The XDM servers that group documents may be imported from, each as `https://host` or `http://host:port`. No other host is ever asked, by a redirect neither.',
    }),
    xdmsIdentity: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'The SIP URI in whose name XDM servers are asked (`X-3GPP-Asserted-Identity`, `X-XCAP-Asserted-Identity`), for servers that trust us as an application server.',
      }),
    ),
    xdmsTimeoutMs: Type.Integer({
      default: 5000,
      minimum: 100,
      maximum: 60_000,
      description: 'How long one document of an XDM server may take, redirects together.',
    }),
    xdmsMaxBytes: Type.Integer({
      default: 1_048_576,
      minimum: 1024,
      maximum: 1_048_576,
      description: 'Largest document taken of an XDM server, in bytes.',
    }),
    xdmsMaxRedirects: Type.Integer({
      default: 3,
      minimum: 0,
      maximum: 10,
      description: 'Redirects followed for one document.',
    }),
    revalidateS: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 604_800,
      description:
        'How often documents that came from an XDM server are looked at again there (by their ETag), in seconds; 0: never. One that was edited here since is left alone; so is one that is gone there, or has a fault now.',
    }),
  },
  { ...closed, default: {}, description: 'Groups that are managed over REST.' },
);
