import {
  environmentName,
  flagName,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  settingsIn,
} from "./settings.js";

/** docs/configuration.md, made from the table of settings. */
export function renderConfigurationDoc(): string {
  return `${INTRODUCTION}\n${SETTING_NAMES.map(renderSetting).join("\n")}\n${START_AND_STOP}`;
}

const INTRODUCTION = `# Configuration

<!-- Made from packages/server/src/config/settings.ts; a test compares the two. Change the table, then run
     npx vitest run packages/server/dist/config -u -->

Each setting can be written in an ini file, in the environment and as a flag of \`koboldfs serve\`. Where it is written more
than once, the flag wins over the environment, the environment over the file, and the file over the default. A name that
is not in this list is an error, wherever it is written; so is every other variable that begins with \`KOBOLDFS_\`.

The file is named by \`--config FILE\` or \`KOBOLDFS_CONFIG\`; it has no sections. Text behind \`;\` or \`#\` is a comment, so a
value that contains one stands in double quotes. A setting that may be given several times has one line for each value:

\`\`\`ini
name = kobold1
listen = 10.0.0.1:9876
data = /srv/disk1
data = /srv/disk2
dsn = postgres://koboldfs@db1,db2/koboldfs
\`\`\`

In the environment the values of such a setting are separated by colons. Relative paths start at the working directory.
A node that listens beyond loopback refuses to start without \`cluster_secret\`.
\`koboldfs config check --config FILE\` tells all that is wrong with a file, and \`koboldfs config show --config FILE\` where each
value comes from.
`;

const START_AND_STOP = `# Start and stop

A node that is told to start looks at everything before it changes anything, and says in one line what it refuses and
what to do about it. Exit code 78 means that another start, with nothing changed, would be refused again (a supervisor
need not try); 1 means that it may go well another time; 0 that the node stopped because it was told to.

While the database does not answer, a starting node tries again for a minute: after a power cut both start together. A
running node goes on trying for ever, answers writes with 503 and logs once that the catalog is away.

SIGTERM or SIGINT (Ctrl-C) stop a node: it refuses new requests, finishes running ones for up to 25 seconds, and ends. A
second signal ends it at once; nothing that was acknowledged can be lost by that.
`;

function renderSetting(name: SettingName): string {
  const setting: Setting<unknown> = SETTINGS[name];
  const lines = [`## ${name}`, "", setting.description, "", `- ${renderPlaces(name, setting)}`];
  if (setting.default !== undefined) lines.push(`- default: \`${setting.default}\``);
  else lines.push(`- default: ${setting.derived ?? "none"}`);
  if (setting.repeatable) lines.push("- may be given several times");
  if (setting.secret) lines.push("- never logged");
  return `${lines.join("\n")}\n`;
}

function renderPlaces(name: SettingName, setting: Setting<unknown>): string {
  const places = [];
  if (settingsIn("file").includes(name)) places.push(`file \`${name}\``);
  places.push(`environment \`${environmentName(name)}\``);
  if (settingsIn("flag").includes(name)) places.push(`flag \`${flagName(name)} ${setting.placeholder}\``);
  return places.join(", ");
}
