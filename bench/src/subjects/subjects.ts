import { diskSubject } from "./disk.js";
import { accelSubject, directSubject } from "./koboldfs-behind-nginx.js";
import { crowdedSubject } from "./koboldfs-crowded.js";
import { oneNodeSubject, twoNodesSubject } from "./koboldfs-subjects.js";
import { mirrorReadsOnPostgresSubject, twoNodesOnPostgresSubject } from "./koboldfs-postgres.js";
import { syncSubject } from "./koboldfs-sync.js";
import { mirroredNginxSubject, nginxSubject } from "./nginx.js";
import type { Subject } from "./subject.js";

/** Everything that can be measured, in the order of each round. */
export const SUBJECTS: readonly Subject[] = [
  diskSubject,
  nginxSubject,
  mirroredNginxSubject,
  oneNodeSubject,
  twoNodesSubject,
  directSubject,
  accelSubject,
  twoNodesOnPostgresSubject,
  mirrorReadsOnPostgresSubject,
  syncSubject,
  crowdedSubject,
];

/** The named ones, or all that are on by default. Throws on a name that is unknown. */
export function selectSubjects(names: readonly string[]): readonly Subject[] {
  const unknown = names.find((name) => !SUBJECTS.some((subject) => subject.name === name));
  if (unknown !== undefined) {
    throw new Error(`no subject is called '${unknown}'; there are ${SUBJECTS.map(({ name }) => name).join(", ")}`);
  }
  return SUBJECTS.filter(({ name, optional }) => (names.length === 0 ? optional !== true : names.includes(name)));
}
