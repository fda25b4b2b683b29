/** Where managed groups may be taken from. */
import type { Checker } from './checker.ts';
import type { Config } from './config.ts';
import type { ConfigDocument } from './schema.ts';

export function resolveManagedGroups(
  document: ConfigDocument,
  directory: string,
  checker: Checker,
): Config['managedGroups'] {
  const { importFolder, xdmsServers, xdmsIdentity, ...rest } = document.managedGroups;
  if (xdmsIdentity !== undefined) checker.sipUri('managedGroups.xdmsIdentity', xdmsIdentity, 'user');
  return {
    ...rest,
    xdmsServers: xdmsServers.map((server, index) =>
      checker.webOrigin(`managedGroups.xdmsServers[${index}]`, server),
    ),
    ...(xdmsIdentity === undefined ? {} : { xdmsIdentity }),
    ...(importFolder === undefined
      ? {}
      : { importFolder: checker.folder('managedGroups.importFolder', directory, importFolder) }),
  };
}
