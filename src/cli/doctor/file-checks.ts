import { accessSync, constants, lstatSync } from 'node:fs';
import { reasonText } from '../config/file.ts';
import { configPath, type Environment, noPathReason, statePath } from '../config/paths.ts';
import { checkReadable, type FileUser, trustedPath } from '../config/trust.ts';
import { type Check, info, missing, ok, type Topic } from './check.ts';

/** Returns the checks of the configuration and the saved state. @param configFile that of --config */
export const fileChecks = (
  configFile: string | undefined,
  environment: Environment,
  user: FileUser,
): Check[] => [
  fileCheck('configuration', configFile ?? configPath(environment), user),
  fileCheck('saved state', statePath(environment), user),
];

/** Returns whether a file is there and may be used: as root only if no third user can change it. */
function fileCheck(topic: Topic, path: string | undefined, { owner, run }: FileUser): Check {
  if (path === undefined) return missing(topic, noPathReason());
  try {
    return run(() => {
      const real = owner ? trustedPath(path, owner) : path;
      const stat = lstatSync(real, { throwIfNoEntry: false });
      if (stat === undefined) return info(topic, `${path}: none yet`);
      if (owner) checkReadable(real, stat, owner);
      accessSync(real, constants.R_OK);
      return ok(topic, owner ? `${path}: no other user can change it` : path);
    });
  } catch (error) {
    return missing(topic, `${path} is not used: ${reasonText(error)}`);
  }
}
