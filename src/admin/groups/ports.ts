/** What group routes need from outside the admin; the composition root gives it. */
import type { ListResolver } from '../../documents/list-references.ts';
import type { Awaitable } from '../view.ts';
import type { GroupSummary, GroupSurroundings } from './group-content.ts';

/** A group that a file of the configuration holds, in force in the focus unless a managed one has its address. */
export interface FileGroup extends GroupSummary {
  readonly key: string;
  readonly file: string;
}

export interface FileGroups {
  /** In the order of keys. */
  list(): Awaitable<readonly FileGroup[]>;
  /** What is in force of the file: with a fault in the newest version, that is the one before. */
  document(key: string): Awaitable<{ readonly file: string; readonly xml: Uint8Array } | undefined>;
}

export interface GroupPorts {
  readonly files: FileGroups;
  readonly surroundings: GroupSurroundings;
  readonly resolveList: ListResolver;
  /**
   * Tells the focus to read what is new. @throws CodedError when it does not answer; it then finds it by itself, later
   * @returns keys of the groups whose newest version it could not take
   */
  changed(): Awaitable<readonly string[]>;
  /** Versions kept of each managed group. */
  readonly maxVersions: number;
  readonly imports: ImportPorts;
}

export interface ImportPorts {
  /** Group documents (XML) in the folder that the configuration names; undefined without one. */
  folderFiles(): readonly string[] | undefined;
  readFile(file: string): { readonly bytes: Uint8Array } | { readonly fault: string };
  readonly xdms: XdmsSettings;
}

export interface XdmsSettings {
  /** `https://host:port`, as `URL.origin` has it: nothing else is asked. */
  readonly origins: readonly string[];
  /** Sent as X-3GPP-Asserted-Identity and X-XCAP-Asserted-Identity, for servers that trust us. */
  readonly identity?: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  /** 0: imported documents are not looked at again. */
  readonly revalidateMs: number;
}
